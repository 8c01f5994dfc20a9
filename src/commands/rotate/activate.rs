//! `rotate activate`: what to do on the nodes next, by what the API servers know and sign with.

use clap::Args;

use crate::commands::rotate::evidence::EvidenceOptions;
use crate::commands::rotate::nodes::Nodes;
use crate::commands::rotate::options::RotationOptions;
use crate::commands::rotate::scene::Scene;
use crate::commands::rotate::stage::{LONGEST_TOKEN, RotateAnswer, Stage, StepReport};
use crate::commands::rotate::stored;
use crate::config::Global;
use crate::converge::stop::Stop;
use crate::error::{Error, Exit, Result};
use crate::keys::accepted;
use crate::output;
use crate::system::clock::now;

/// Options of `rotate activate`.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  irsactl rotate activate --cluster demo --region us-west-2
  irsactl rotate activate --cluster demo --region us-west-2 --single-node

Run it after each step, with what the API servers say: the next step is shown when the one before is seen \
to have taken effect. It changes nothing in AWS but the tags of a key in a key store.")]
pub(crate) struct Activate {
    #[command(flatten)]
    whose: RotationOptions,
    #[command(flatten)]
    live: EvidenceOptions,
    /// There is one API server: accept and sign with the new key in one step
    #[arg(long)]
    single_node: bool,
    #[command(flatten)]
    nodes: Nodes,
}

impl Activate {
    pub(crate) async fn run(self, global: &Global, stop: &Stop) -> Result<Exit> {
        let scene = Scene::open(global, stop, &self.whose).await?;
        let opened = stored::open_and_bring(global, &self.whose, &scene);
        let (mut store, rotation) = opened.await?;
        let mut rotation = Scene::under_way(rotation)?;
        stored::check_old(store.as_ref(), &rotation)?;
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
            store
                .as_ref()
                .map_or(Ok(()), |store| store.accept(&global.dir))?;
            for key in accepted::listed(&global.dir)? {
                let kid = key
                    .kid()
                    .map_err(|e| Error::failed("cannot derive a kid").because(e))?;
                output::say(format_args!(
                    "sa-signer.pub lets API servers accept tokens of {kid}"
                ));
            }
        }
        let told = StepReport {
            names: self.whose.names(global, false),
            seen: live.seen(),
            changes,
            after: LONGEST_TOKEN.parse().unwrap_or_default(),
            ..StepReport::new(&global.dir, stage, &rotation, Some(&self.nodes))
        };
        output::print(&RotateAnswer::new(told), global.output)?;
        Ok(Exit::Done)
    }
}
