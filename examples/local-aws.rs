//! Starts the local AWS for people: `cargo run --example local-aws`.
//!
//! Prints what to set in another terminal, and ends with Ctrl-C.

// A panic is how an example says that it cannot go on.
#![allow(clippy::unwrap_used, clippy::expect_used)]

#[path = "../tests/it/support/local_aws.rs"]
#[allow(dead_code)] // the tests use more of it
mod local_aws;

use local_aws::{LocalAws, Tools};

fn main() {
    eprintln!("installing the local AWS under target/ (the first time only) …");
    let tools = Tools::install();
    let state = tempfile::TempDir::new().unwrap();
    let aws = LocalAws::start(&tools, state.path());
    println!("# The local AWS is running. In another terminal:");
    for (name, value) in aws.environment("111122223333", "us-west-2") {
        println!("export {name}={value}");
    }
    println!(
        "# Requests are logged to {}. Ctrl-C ends it.",
        aws.log.display()
    );
    loop {
        std::thread::park();
    }
}
