//! One file a subcommand: its arguments and what it does. Here alone I/O meets the domain.

pub mod bootstrap;
mod converge;
pub mod discovery;
mod dry_run;
pub mod flags;
pub mod jwks;
pub mod keygen;
pub mod policy;
pub mod provider;
pub mod publish;
pub mod thumbprint;

use std::future::Future;

use crate::cli::{Cli, Command};
use crate::config::Global;
use crate::error::{Error, Exit, Result};

/// Runs the subcommand. Commands without I/O build no runtime.
pub fn run(cli: Cli) -> Result<Exit> {
    let global = &cli.global;
    match cli.command {
        Command::Keygen(args) => args.run(global),
        Command::Jwks(args) => args.run(global),
        Command::Discovery(args) => block_on(global, args.run(global)),
        Command::Publish(args) => block_on(global, args.run(global)),
        Command::Thumbprint(args) => block_on(global, args.run(global)),
        Command::Provider(args) => block_on(global, args.run(global)),
        Command::Flags(args) => block_on(global, args.run(global)),
        Command::Bootstrap(args) => block_on(global, args.run(global)),
        Command::Policy(args) => block_on(global, args.run(global)),
    }
}

/// Runs a command to its end, to `--timeout` or to Ctrl-C, whichever comes first.
fn block_on(global: &Global, command: impl Future<Output = Result<Exit>>) -> Result<Exit> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    let runtime = runtime.map_err(|e| Error::failed("cannot start").because(e))?;
    let outcome = runtime.block_on(async {
        tokio::select! {
            biased;
            _ = tokio::signal::ctrl_c() => Err(Error::failed("interrupted").with_exit(Exit::Signal).hint(AGAIN)),
            outcome = tokio::time::timeout(global.timeout, command) => outcome.unwrap_or_else(|_| {
                let seconds = global.timeout.as_secs();
                Err(Error::deadline(format!("cannot finish within {seconds} s")).hint(AGAIN))
            }),
        }
    });
    // Name lookups run on a thread of their own, and must not hold the process up.
    runtime.shutdown_background();
    outcome
}

const AGAIN: &str =
    "run the same command again: it compares everything and goes on where this one stopped";
