//! `rotate retire`: the old key leaves the JWK Set.

use clap::Args;

use crate::config::{Global, IssuerNames};
use crate::error::{Error, Exit, Result};
use crate::oidc::jwks::JwkSet;
use crate::oidc::key::Kid;
use crate::output;
use crate::verify::token::time_text;

use super::super::change_options::ChangeOptions;
use super::super::converge::Outcome;
use super::super::dry_run;
use super::super::flags::node_path;
use super::super::stop::Stop;
use super::super::token::now;
use super::LONGEST_TOKEN;
use super::live::LiveOptions;
use super::scene::Scene;
use super::stage::Stage;
use super::state::Rotation;

/// Options of `rotate retire`.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  irsactl rotate retire --cluster demo --region us-west-2 --compromised --yes

Refuses until the longest life of a token has passed since a token of the new key was first seen.")]
pub(super) struct Retire {
    #[command(flatten)]
    issuer: IssuerNames,
    #[command(flatten)]
    live: LiveOptions,
    /// The longest life of a token that AWS is to accept, in seconds
    #[arg(long, default_value = LONGEST_TOKEN, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(600..))]
    after: u64,
    /// The old key is in strange hands: do not wait; AWS refuses its tokens from now on
    #[arg(long)]
    compromised: bool,
    /// Where sa-signer.key and sa-signer.pub lie on a control-plane node
    #[arg(long, value_name = "DIR", default_value = "/etc/kubernetes/pki/irsa", value_parser = node_path)]
    node_dir: String,
    #[command(flatten)]
    change: ChangeOptions,
}

impl Retire {
    pub(super) async fn run(self, global: &Global, stop: &Stop) -> Result<Exit> {
        let change = &self.change;
        change.check()?;
        let scene = Scene::open(global, stop, &self.issuer).await?;
        let mut rotation = scene.under_way(&global.dir)?;
        let live = self.live.observe(&scene.published).await?;
        self.check(&rotation, live.token.as_ref())?;
        scene.require_published(&rotation.new)?;
        let old = rotation.old.clone();
        let desired = scene.desired(JwkSet::default(), std::slice::from_ref(&old), change.adopt);
        let planned = scene.session.plan(&desired).await?;
        if change.dry_run {
            return dry_run::run(global, &scene.session, &desired, &planned, change, None);
        }
        let outcome = scene
            .session
            .carry_out(&desired, planned, change, || Ok(()))
            .await?;
        let finished = self.finish(global, &scene, &outcome, stop, &mut rotation);
        outcome.then(finished.await)?;
        let stage = match self.compromised {
            true => Stage::Compromised,
            false => Stage::Retired,
        };
        let changes = outcome.changes;
        super::print(global, stage, &rotation, changes, 0, &self.node_dir)
    }

    /// What comes after the change: the public sees it, and the key files show it.
    async fn finish(
        &self,
        global: &Global,
        scene: &Scene<'_>,
        outcome: &Outcome,
        stop: &Stop,
        rotation: &mut Rotation,
    ) -> Result<()> {
        scene.read_back(outcome, stop).await?;
        if self.compromised && rotation.activated.is_none() {
            // The new key is the only one left, whatever the API servers still sign with.
            rotation.activated = Some(now()?);
            rotation.save(&global.dir)?;
            rotation.settle(&global.dir)?;
        }
        rotation.set_aside(&global.dir)?;
        rotation.retired = Some(now()?);
        rotation.save(&global.dir)
    }

    /// Refuses while tokens of the old key may be in use.
    fn check(&self, rotation: &Rotation, token: Option<&Kid>) -> Result<()> {
        let Rotation { old, new, .. } = rotation;
        let refused = || Error::refused(format!("cannot retire {old} yet"));
        if self.compromised {
            output::say(format_args!(
                "warning: from now on AWS refuses every token of {old}: pods lose their credentials until they get tokens of {new}, and all of them while the API servers still sign with {old}; take its public key from the API servers too"
            ));
            return Ok(());
        }
        if token == Some(old) {
            return Err(refused().because("a fresh token is signed by it").hint(
                "let the API servers sign with the new key first: 'irsactl rotate activate'",
            ));
        }
        let Some(activated) = rotation.activated else {
            return Err(refused()
                .because(format!("no token of {new} has been seen"))
                .hint("show one: 'irsactl rotate activate --token FILE'; or give --compromised"));
        };
        let until = activated.saturating_add(self.after);
        match now()? >= until {
            true => Ok(()),
            false => Err(refused()
                .because(format!(
                    "tokens that it has signed may be in use until {}",
                    time_text(until)
                ))
                .hint("run again then; --after is the longest life of your tokens, --compromised does not wait")),
        }
    }
}
