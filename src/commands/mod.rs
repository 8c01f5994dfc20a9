//! One file a subcommand: its arguments and what it does. Here alone I/O meets the domain.

pub mod apply;
pub mod bootstrap;
pub mod completions;
pub mod config;
pub mod destroy;
pub mod discovery;
pub mod echoer;
pub mod emit;
pub mod explain;
pub mod flags;
pub mod jwks;
pub mod keygen;
pub mod man;
pub mod migrate;
pub mod policy;
pub mod provider;
pub mod publish;
pub mod report;
pub mod role;
pub mod rotate;
pub(crate) mod schemas;
pub mod thumbprint;
pub mod token;
pub mod verify;
pub mod webhook;

use crate::cli::{Cli, Command};
pub use crate::commands::schemas::schemas;
use crate::config::Global;
use crate::config::deferred::Deferred;
use crate::converge::stop::Stop;
use crate::error::{Error, Exit, Result};

/// Runs the subcommand. Commands without I/O build no runtime.
pub fn run(cli: Cli) -> Result<Exit> {
    let global = &cli.global;
    match cli.command {
        Command::Keygen(Deferred(args)) if !args.needs_aws() => args.run(global),
        Command::Keygen(Deferred(args)) => {
            block_on(global, async |stop| args.run_with_store(global, stop).await)
        }
        Command::Jwks(Deferred(args)) if !args.needs_aws() => args.run(global, None),
        Command::Jwks(Deferred(args)) => {
            block_on(global, async |_| args.run_with_store(global).await)
        }
        Command::Discovery(Deferred(args)) => block_on(global, async |_| args.run(global).await),
        Command::Publish(Deferred(args)) => {
            block_on(global, async |stop| args.run(global, stop).await)
        }
        Command::Thumbprint(Deferred(args)) => block_on(global, async |_| args.run(global).await),
        Command::Provider(Deferred(args)) => {
            block_on(global, async |stop| args.run(global, stop).await)
        }
        Command::Flags(Deferred(args)) => block_on(global, async |_| args.run(global).await),
        Command::Migrate(Deferred(args)) => block_on(global, async |_| args.run(global).await),
        Command::Bootstrap(Deferred(args)) => {
            block_on(global, async |stop| args.run(global, stop).await)
        }
        Command::Role(Deferred(args)) => {
            block_on(global, async |stop| args.run(global, stop).await)
        }
        Command::Rotate(Deferred(args)) => {
            block_on(global, async |stop| args.run(global, stop).await)
        }
        Command::Destroy(Deferred(args)) => {
            block_on(global, async |stop| args.run(global, stop).await)
        }
        Command::Apply(Deferred(args)) => args.run(global),
        Command::Webhook(Deferred(args)) => block_on(global, async |_| args.run(global).await),
        Command::Echoer(Deferred(args)) => block_on(global, async |_| args.run(global).await),
        Command::Verify(Deferred(args)) => {
            block_on(global, async |stop| args.run(global, stop).await)
        }
        Command::Report(Deferred(args)) => {
            block_on(global, async |stop| args.run(global, stop).await)
        }
        Command::Explain(Deferred(args)) => args.run(global),
        Command::Token(Deferred(args)) => block_on(global, async |_| args.run(global).await),
        Command::Config(Deferred(args)) => block_on(global, async |_| args.run(global).await),
        Command::Emit(Deferred(args)) => {
            block_on(global, async |stop| args.run(global, stop).await)
        }
        Command::Completions(Deferred(args)) => args.run(),
        Command::Man(Deferred(args)) => args.run(),
        Command::Policy(Deferred(args)) => block_on(global, async |_| args.run(global).await),
    }
}

/// Runs a command to its end, to `--timeout` or to a signal, whichever comes first.
fn block_on(global: &Global, command: impl AsyncFnOnce(&Stop) -> Result<Exit>) -> Result<Exit> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    let runtime = runtime.map_err(|e| Error::failed("cannot start").because(e))?;
    let outcome = runtime.block_on(async {
        let stop = Stop::new(global.timeout);
        tokio::select! {
            // In this order: a command that sees the time run out itself knows more to say.
            biased;
            outcome = command(&stop) => outcome,
            error = stop.reason() => Err(error),
        }
    });
    // Name lookups and prompts run on a thread of their own, and must not hold the process up.
    runtime.shutdown_background();
    outcome
}
