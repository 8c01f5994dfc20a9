//! Black-box tests of the binary. One test program, since each one links the whole AWS SDK.

// A panic is how a test fails, and how its helpers do.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod bad_input;
mod bootstrap;
mod cluster_file;
mod consent;
mod convergence;
mod destroy;
mod distributions;
mod documents;
mod explain;
mod faults;
mod generated;
mod host;
mod judges;
mod keys;
mod kubectl;
mod layout;
mod least_privilege;
mod local_aws;
mod local_cluster;
mod matrix;
mod merge_rules;
mod refusals;
mod role;
mod rotate;
mod rotate_foreign;
mod secrets;
mod session;
mod signing_key_files;
mod tenant;
mod tls;
mod token;
mod verify;
mod verify_account;
mod verify_host;
mod webhook;
