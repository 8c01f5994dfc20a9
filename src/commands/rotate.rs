//! `rotate`: another signing key takes the place of the one in use, with no token refused on the way.
//!
//! prepare (published beside the old) ─▶ activate (every API server accepts it, then signs with it) ─▶ wait
//! until the old key's tokens have ended ─▶ retire (the old key leaves the JWK Set). An API server looks keys
//! up by kid alone (`pkg/serviceaccount/jwt.go`), and one key file may hold several public keys, so nothing
//! but the contents of two files changes on the nodes.

pub(crate) mod activate;
pub(crate) mod evidence;
pub(crate) mod nodes;
pub(crate) mod options;
pub(crate) mod prepare;
pub(crate) mod retire;
pub(crate) mod scene;
pub(crate) mod stage;
pub(crate) mod status;
pub(crate) mod stored;

use clap::{Args, Subcommand};

use crate::commands::rotate::activate::Activate;
use crate::commands::rotate::prepare::Prepare;
use crate::commands::rotate::retire::Retire;
use crate::commands::rotate::status::Status;
use crate::config::Global;
use crate::converge::stop::Stop;
use crate::error::{Exit, Result};

/// Subcommands of `rotate`.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  irsactl rotate status --cluster demo --region us-west-2")]
pub struct Rotate {
    #[command(subcommand)]
    command: RotateCommand,
}

#[derive(Debug, Subcommand)]
enum RotateCommand {
    /// Make a new key beside the old, and publish both
    Prepare(Prepare),
    /// Say what to do on the nodes next, by what the API servers know and sign with
    Activate(Activate),
    /// Take the old key out of the JWK Set
    Retire(Retire),
    /// Show the keys, and where each is published and used
    Status(Status),
}

impl Rotate {
    pub(crate) async fn run(self, global: &Global, stop: &Stop) -> Result<Exit> {
        match self.command {
            RotateCommand::Prepare(prepare) => prepare.run(global, stop).await,
            RotateCommand::Activate(activate) => activate.run(global, stop).await,
            RotateCommand::Retire(retire) => retire.run(global, stop).await,
            RotateCommand::Status(status) => status.run(global, stop).await,
        }
    }
}
