//! `rotate`: another signing key takes the place of the one in use, with no token refused on the way.
//!
//! prepare (published beside the old) ─▶ activate (every API server accepts it, then signs with it) ─▶ wait
//! until the old key's tokens have ended ─▶ retire (the old key leaves the JWK Set). An API server looks keys
//! up by kid alone (`pkg/serviceaccount/jwt.go`), and one key file may hold several public keys, so nothing
//! but the contents of two files changes on the nodes.

pub(crate) mod live;
pub(crate) mod prepare;
pub(crate) mod retire;
pub(crate) mod scene;
pub(crate) mod stage;
pub(crate) mod status;
pub(crate) mod stored;
pub(crate) mod whose_keys;

use clap::{Args, Subcommand};

use crate::commands::flags::format::SettingsFormat;
use crate::commands::rotate::live::LiveOptions;
use crate::commands::rotate::prepare::Prepare;
use crate::commands::rotate::retire::Retire;
use crate::commands::rotate::scene::Scene;
use crate::commands::rotate::stage::{RotateAnswer, Stage, Told};
use crate::commands::rotate::status::StatusAnswer;
use crate::commands::rotate::whose_keys::WhoseKeys;
use crate::config::Global;
use crate::config::nodes::node_path;
use crate::converge::stop::Stop;
use crate::error::{Error, Exit, Result};
use crate::keys::accepted;
use crate::output;
use crate::system::clock::now;

/// The longest life of a token for AWS that the pod identity webhook asks for.
const LONGEST_TOKEN: &str = "86400";

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

/// Options of `rotate activate`.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  irsactl rotate activate --cluster demo --region us-west-2
  irsactl rotate activate --cluster demo --region us-west-2 --single-node

Run it after each step, with what the API servers say: the next step is shown when the one before is seen \
to have taken effect. It changes nothing in AWS but the tags of a key in a key store.")]
struct Activate {
    #[command(flatten)]
    whose: WhoseKeys,
    #[command(flatten)]
    live: LiveOptions,
    /// There is one API server: accept and sign with the new key in one step
    #[arg(long)]
    single_node: bool,
    #[command(flatten)]
    nodes: Nodes,
}

/// The control-plane nodes, whose key files are replaced.
#[derive(Args, Debug)]
pub(crate) struct Nodes {
    /// Where sa-signer.key and sa-signer.pub lie on a control-plane node
    #[arg(long, value_name = "DIR", default_value = "/etc/kubernetes/pki/irsa", value_parser = node_path)]
    node_dir: String,
    /// The distribution, as in 'irsactl flags': it says who owns the key file
    #[arg(
        long,
        value_enum,
        default_value = "flags",
        value_name = "FORMAT",
        hide_possible_values = true
    )]
    format: SettingsFormat,
}

impl Nodes {
    /// Refuses a distribution that keeps keys elsewhere than in files of the nodes.
    fn check(&self) -> Result<()> {
        match self.format.has_node_files() {
            true => Ok(()),
            false => Err(Error::refused(format!(
                "cannot say how {} takes another signing key",
                self.format.name()
            ))
            .because("its keys are not files of the control-plane nodes")
            .hint("publish the new key ('irsactl rotate prepare'), set both in the way of the distribution ('irsactl flags --format' prints its form), and go on with --token FILE; 'irsactl rotate retire' is for all")),
        }
    }
}

/// Options of `rotate status`.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  irsactl rotate status --cluster demo --region us-west-2")]
struct Status {
    #[command(flatten)]
    whose: WhoseKeys,
    #[command(flatten)]
    live: LiveOptions,
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

impl Activate {
    async fn run(self, global: &Global, stop: &Stop) -> Result<Exit> {
        let scene = Scene::open(global, stop, &self.whose.issuer).await?;
        let opened = stored::open_and_bring(global, &self.whose, &scene);
        let (mut store, rotation) = opened.await?;
        let mut rotation = Scene::under_way(rotation)?;
        scene.require_published(&rotation.new)?;
        let live = self.live.observe(&scene.published).await?;
        let signs = live.token.as_ref() == Some(&rotation.new);
        let is_known = live.all_know(&rotation.new);
        let stage = match (rotation.activated.is_some() || signs, is_known) {
            (true, false) if live.was_seen() => {
                return Err(Error::failed(format!(
                    "cannot call {} active: an API server does not know it",
                    rotation.new
                ))
                .because("tokens that one API server signs are refused by another")
                .hint(
                    "put sa-signer.pub of the issuer directory on every control-plane node at once",
                )
                .with_exit(Exit::Drift));
            }
            (true, _) => Stage::Active,
            (false, true) => Stage::Sign,
            (false, false) if self.single_node => Stage::AcceptAndSign,
            (false, false) => Stage::Accept,
        };
        let mut changes = 0;
        if stage == Stage::Active {
            let is_known = rotation.activated.is_some();
            rotation.activated = rotation.activated.or(Some(now()?));
            // First: a directory that knows more than the store would have to be believed.
            if let Some(store) = &mut store {
                changes = stored::record(store, &rotation, stop).await?;
            }
            if !is_known {
                rotation.save(&global.dir)?;
            }
            rotation.settle(&global.dir)?;
        } else {
            self.nodes.check()?;
            let keys = [&rotation.old, &rotation.new].map(|kid| scene.published.public_key(kid));
            accepted::accept(&global.dir, &keys.into_iter().flatten().collect::<Vec<_>>())?;
            for key in accepted::listed(&global.dir)? {
                let kid = key
                    .kid()
                    .map_err(|e| Error::failed("cannot derive a kid").because(e))?;
                output::say(format_args!(
                    "sa-signer.pub lets API servers accept tokens of {kid}"
                ));
            }
            store
                .as_ref()
                .map_or(Ok(()), |store| store.accept(&global.dir))?;
        }
        let told = Told {
            names: self.whose.names(global, false),
            seen: live.seen(),
            changes,
            after: LONGEST_TOKEN.parse().unwrap_or_default(),
            ..Told::new(&global.dir, stage, &rotation, Some(&self.nodes))
        };
        output::print(&RotateAnswer::new(told), global.output)?;
        Ok(Exit::Done)
    }
}

impl Status {
    async fn run(self, global: &Global, stop: &Stop) -> Result<Exit> {
        let scene = Scene::open(global, stop, &self.whose.issuer).await?;
        // Only a look: no file of the directory is written or moved.
        let (store, rotation) = stored::open(global, &self.whose, &scene, None).await?;
        let live = self.live.observe(&scene.published).await?;
        let answer = StatusAnswer::new(global, &scene, store.as_ref(), rotation.as_ref(), &live)?;
        output::print(&answer, global.output)?;
        Ok(Exit::Done)
    }
}
