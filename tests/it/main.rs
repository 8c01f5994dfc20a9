//! Black-box tests of the binary. One test program, since each one links the whole AWS SDK.

// A panic is how a test fails, and how its helpers do.
#![allow(clippy::unwrap_used, clippy::expect_used)]

#[path = "../fuzz/targets.rs"]
mod targets;

mod answers;
mod cluster;
mod inputs;
mod issuer;
mod keys;
mod migrate;
mod promises;
mod release;
mod rotate;
mod support;
mod verify;
