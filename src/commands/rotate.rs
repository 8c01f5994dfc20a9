//! `rotate`: another signing key takes the place of the one in use, with no token refused on the way.
//!
//! prepare (published beside the old) ─▶ activate (every API server accepts it, then signs with it) ─▶ wait
//! until the old key's tokens have ended ─▶ retire (the old key leaves the JWK Set). An API server looks keys
//! up by kid alone (`pkg/serviceaccount/jwt.go`), and one key file may hold several public keys, so nothing
//! but the contents of two files changes on the nodes.

mod live;
mod prepare;
mod retire;
mod scene;
mod stage;
mod state;

use clap::{Args, Subcommand};

use crate::config::{Global, IssuerNames};
use crate::error::{Error, Exit, Result};
use crate::output;

use super::flags::node_path;
use super::stop::Stop;
use super::token::now;
use live::LiveOptions;
use prepare::Prepare;
use retire::Retire;
use scene::Scene;
use stage::{RotateAnswer, Stage, StatusAnswer};
use state::Rotation;

/// The longest life of a token for AWS that the pod identity webhook asks for.
const LONGEST_TOKEN: &str = "86400";

/// Subcommands of `rotate`.
#[derive(Args, Debug)]
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

/// Options of `rotate activate`.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  irsactl rotate activate --cluster demo --region us-west-2
  irsactl rotate activate --cluster demo --region us-west-2 --single-node

Run it after each step, with what the API servers say: the next step is shown when the one before is seen \
to have taken effect. It changes nothing in AWS.")]
struct Activate {
    #[command(flatten)]
    issuer: IssuerNames,
    #[command(flatten)]
    live: LiveOptions,
    /// There is one API server: accept and sign with the new key in one step
    #[arg(long)]
    single_node: bool,
    /// Where sa-signer.key and sa-signer.pub lie on a control-plane node
    #[arg(long, value_name = "DIR", default_value = "/etc/kubernetes/pki/irsa", value_parser = node_path)]
    node_dir: String,
}

/// Options of `rotate status`.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  irsactl rotate status --cluster demo --region us-west-2")]
struct Status {
    #[command(flatten)]
    issuer: IssuerNames,
    #[command(flatten)]
    live: LiveOptions,
}

impl Rotate {
    pub(super) async fn run(self, global: &Global, stop: &Stop) -> Result<Exit> {
        match self.command {
            RotateCommand::Prepare(prepare) => prepare.run(global, stop).await,
            RotateCommand::Activate(activate) => activate.run(global, stop).await,
            RotateCommand::Retire(retire) => retire.run(global, stop).await,
            RotateCommand::Status(status) => status.run(global, stop).await,
        }
    }
}

impl Activate {
    async fn run(self, global: &Global, stop: &Stop) -> Result<Exit> {
        let scene = Scene::open(global, stop, &self.issuer).await?;
        let mut rotation = scene.under_way(&global.dir)?;
        scene.require_published(&rotation.new)?;
        let live = self.live.observe(&scene.published).await?;
        let signs = live.token.as_ref() == Some(&rotation.new);
        let stage = match (
            rotation.activated.is_some() || signs,
            live.all_know(&rotation.new),
        ) {
            (true, false) if live.was_seen() => {
                return Err(Error::failed(format!(
                    "cannot call {} active: an API server does not know it",
                    rotation.new
                ))
                .because("tokens that one API server signs are refused by another")
                .hint("put sa-signer-bundle.pub on every control-plane node, as sa-signer.pub, at once")
                .with_exit(Exit::Drift));
            }
            (true, _) => Stage::Active,
            (false, true) => Stage::Sign,
            (false, false) if self.single_node => Stage::AcceptAndSign,
            (false, false) => Stage::Accept,
        };
        if stage == Stage::Active {
            if rotation.activated.is_none() {
                rotation.activated = Some(now()?);
                rotation.save(&global.dir)?;
            }
            rotation.settle(&global.dir)?;
        }
        let after = LONGEST_TOKEN.parse().unwrap_or_default();
        print(global, stage, &rotation, 0, after, &self.node_dir)
    }
}

impl Status {
    async fn run(self, global: &Global, stop: &Stop) -> Result<Exit> {
        let scene = Scene::open(global, stop, &self.issuer).await?;
        let rotation = Rotation::load(&global.dir, &scene.issuer)?;
        let live = self.live.observe(&scene.published).await?;
        let answer = StatusAnswer::new(global, &scene, rotation.as_ref(), &live)?;
        output::print(&answer, global.output)?;
        Ok(Exit::Done)
    }
}

fn print(
    global: &Global,
    stage: Stage,
    rotation: &Rotation,
    changes: usize,
    after: u64,
    node_dir: &str,
) -> Result<Exit> {
    let answer = RotateAnswer::new(&global.dir, stage, rotation, changes, after, node_dir);
    output::print(&answer, global.output)?;
    Ok(Exit::Done)
}
