//! Black-box tests of the binary. One test program, since each one links the whole AWS SDK.

// A panic is how a test fails, and how its helpers do.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod adopt_key;
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
mod forms;
mod fuzz;
mod generated;
mod host;
mod inputs;
mod inputs_account;
mod inputs_aws;
mod inputs_files;
mod inputs_hosts;
mod inputs_keys;
mod inputs_names;
mod inputs_process;
mod inputs_tls;
mod judges;
mod keys;
mod kubectl;
mod layout;
mod least_privilege;
mod local_aws;
mod local_cluster;
mod merge_rules;
mod migrate;
mod migrate_cluster;
mod migrate_evidence;
mod migrate_state;
mod properties;
mod refusals;
mod role;
mod rotate;
mod rotate_foreign;
mod secrets;
mod session;
mod signing_key_files;
#[path = "../fuzz/targets.rs"]
mod targets;
mod tenant;
mod tls;
mod token;
mod verify;
mod verify_account;
mod verify_host;
mod webhook;
