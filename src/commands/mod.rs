//! One file a subcommand: its arguments and what it does. Here alone I/O meets the domain.

pub mod bootstrap;
mod change_options;
mod converge;
mod deadline;
pub mod discovery;
mod dry_run;
pub mod flags;
pub mod jwks;
pub mod keygen;
pub mod policy;
pub mod provider;
pub mod publish;
mod read_back;
pub mod thumbprint;

use crate::cli::{Cli, Command};
use crate::config::Global;
use crate::error::{Error, Exit, Result};

use deadline::Deadline;

/// Runs the subcommand. Commands without I/O build no runtime.
pub fn run(cli: Cli) -> Result<Exit> {
    let global = &cli.global;
    match cli.command {
        Command::Keygen(args) => args.run(global),
        Command::Jwks(args) => args.run(global),
        Command::Discovery(args) => block_on(global, async |_| args.run(global).await),
        Command::Publish(args) => block_on(global, async |time| args.run(global, time).await),
        Command::Thumbprint(args) => block_on(global, async |_| args.run(global).await),
        Command::Provider(args) => block_on(global, async |time| args.run(global, time).await),
        Command::Flags(args) => block_on(global, async |_| args.run(global).await),
        Command::Bootstrap(args) => block_on(global, async |time| args.run(global, time).await),
        Command::Policy(args) => block_on(global, async |_| args.run(global).await),
    }
}

/// Runs a command to its end, to `--timeout` or to Ctrl-C, whichever comes first.
fn block_on(global: &Global, command: impl AsyncFnOnce(&Deadline) -> Result<Exit>) -> Result<Exit> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    let runtime = runtime.map_err(|e| Error::failed("cannot start").because(e))?;
    let outcome = runtime.block_on(async {
        let deadline = Deadline::start(global.timeout);
        tokio::select! {
            // In this order: a command that sees the time run out itself knows more to say.
            biased;
            _ = tokio::signal::ctrl_c() => {
                Err(Error::failed("interrupted").with_exit(Exit::Signal).hint(AGAIN))
            }
            outcome = command(&deadline) => outcome,
            () = deadline.passed() => {
                let seconds = global.timeout.as_secs();
                Err(Error::deadline(format!("cannot finish within {seconds} s")).hint(AGAIN))
            }
        }
    });
    // Name lookups and prompts run on a thread of their own, and must not hold the process up.
    runtime.shutdown_background();
    outcome
}

const AGAIN: &str =
    "run the same command again: it compares everything and goes on where this one stopped";
