//! `rotate retire`: the old key leaves the JWK Set.

use clap::Args;

use crate::commands::rotate::evidence::{Evidence, EvidenceOptions};
use crate::commands::rotate::nodes::Nodes;
use crate::commands::rotate::options::RotationOptions;
use crate::commands::rotate::scene::Scene;
use crate::commands::rotate::stage::{LONGEST_TOKEN, RotateAnswer, Stage, StepReport};
use crate::commands::rotate::stored;
use crate::config::Global;
use crate::config::change::ChangeOptions;
use crate::converge::dry_run;
use crate::converge::planned::Outcome;
use crate::converge::stop::Stop;
use crate::error::{Error, Exit, Result};
use crate::keys::pair::KeyPair;
use crate::keys::rotation::{Rotation, of_store};
use crate::keys::store::Store;
use crate::keys::store::state::{ACTIVATED, COMPROMISED, PUBLISHED, RETIRED};
use crate::keys::{accepted, directory};
use crate::oidc::jwks::JwkSet;
use crate::output;
use crate::system::clock::now;
use crate::system::file;
use crate::verify::token::time_text;

/// Options of `rotate retire`.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  irsactl rotate retire --cluster demo --region us-west-2 --compromised --yes

Refuses until the longest life of a token has passed since a token of the new key was first seen.")]
pub(crate) struct Retire {
    #[command(flatten)]
    whose: RotationOptions,
    #[command(flatten)]
    live: EvidenceOptions,
    /// The longest life of a token that AWS is to accept, in seconds
    #[arg(long, default_value = LONGEST_TOKEN, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(600..))]
    after: u64,
    /// Take it for granted that every API server signs with the new key
    #[arg(long)]
    assume_done: bool,
    /// The old key is compromised: retire it now. AWS rejects its tokens immediately
    #[arg(long)]
    compromised: bool,
    #[command(flatten)]
    nodes: Nodes,
    #[command(flatten)]
    change: ChangeOptions,
}

impl Retire {
    pub(crate) async fn run(self, global: &Global, stop: &Stop) -> Result<Exit> {
        let change = &self.change;
        change.check()?;
        let scene = Scene::open(global, stop, &self.whose).await?;
        let opened = stored::open(global, &self.whose, &scene, None);
        let (mut store, rotation) = opened.await?;
        let mut rotation = Scene::under_way(rotation)?;
        let live = self.live.observe(&scene.published).await?;
        self.check(&rotation, &live)?;
        scene.require_published(&rotation.new)?;
        let old = rotation.old.clone();
        let desired = scene.desired(JwkSet::default(), std::slice::from_ref(&old), change.adopt);
        self.require_new(global, store.as_ref(), &rotation)?;
        let finish = [ACTIVATED, PUBLISHED, RETIRED];
        let finish = if rotation.activated.is_some() || self.compromised {
            &finish[..]
        } else {
            &finish[1..]
        };
        let mut steps = vec![(rotation.new.clone(), finish)];
        if self.compromised {
            steps.push((old.clone(), &[COMPROMISED]));
        }
        let seen = store.as_ref();
        let seen = seen.map(|store| store.observed(&[], Some(&scene.issuer), &steps));
        let mut planned = scene.session.plan(&desired).await?.with_store(seen);
        if self.compromised {
            planned.plan.notes.push(format!(
                "{old} is compromised: AWS refuses its tokens from then on, and nobody is to accept it any more"
            ));
        }
        if change.dry_run {
            return dry_run::run(global, &scene.session, &desired, &planned, change, None);
        }
        // First, so that no job takes a compromised key out of the store again, whatever comes between.
        let reject = async || {
            let (dir, issuer) = (&global.dir, &scene.issuer);
            of_store::bring(store.as_ref(), Some(&rotation), dir, issuer)?;
            match &mut store {
                Some(store) if self.compromised => of_store::reject(store, &rotation).await,
                _ => Ok(0),
            }
        };
        let outcome = scene
            .session
            .carry_out(&desired, planned, change, reject)
            .await?;
        let finished = self.finish(
            global,
            &scene,
            &outcome,
            stop,
            &mut rotation,
            store.as_mut(),
        );
        let recorded = outcome.then(finished.await)?;
        let stage = if self.compromised {
            Stage::Compromised
        } else {
            Stage::Retired
        };
        let told = StepReport {
            changes: outcome.changes + recorded,
            ..StepReport::new(&global.dir, stage, &rotation, Some(&self.nodes))
        };
        outcome.then(output::print(&RotateAnswer::new(told), global.output))?;
        Ok(Exit::Done)
    }

    /// What comes after the change: the public sees it, and the key files show it.
    async fn finish(
        &self,
        global: &Global,
        scene: &Scene<'_>,
        outcome: &Outcome,
        stop: &Stop,
        rotation: &mut Rotation,
        store: Option<&mut Store>,
    ) -> Result<usize> {
        scene.read_back(outcome, stop).await?;
        if self.compromised && rotation.activated.is_none() {
            // The new key is the only one left, whatever the API servers still sign with.
            rotation.activated = Some(now()?);
            rotation.save(&global.dir)?;
            rotation.settle(&global.dir)?;
        }
        if self.compromised {
            accepted::reject(&global.dir, &rotation.old)?;
        }
        rotation.set_aside(&global.dir)?;
        rotation.retired = Some(now()?);
        let made = match store {
            Some(store) => stored::record(store, rotation, stop).await?,
            None => 0,
        };
        rotation.save(&global.dir)?;
        Ok(made)
    }

    /// Refuses to take the old key away where the new one is out of reach: then no signing key would be left here.
    fn require_new(
        &self,
        global: &Global,
        store: Option<&Store>,
        rotation: &Rotation,
    ) -> Result<()> {
        let (dir, new) = (&global.dir, &rotation.new);
        let current = directory::signing_key_file(dir);
        let is_here = file::exists(&directory::named(dir, new))?
            || file::exists(&current)? && KeyPair::kid_of(&current)? == *new;
        if is_here || store.is_some_and(|store| store.has(new)) {
            Ok(())
        } else {
            Err(Error::refused(format!("cannot retire {}", rotation.old))
                .because(format!(
                    "the new key {new} is neither in {} nor in a key store",
                    output::path(dir)
                ))
                .hint("give the --dir that has it, or --key-store; on a control-plane node it is sa-signer.key"))
        }
    }

    /// Refuses while tokens of the old key may be in use. What was recorded is not enough: a fresh token, or
    /// the API servers' keys, say how it is now.
    fn check(&self, rotation: &Rotation, live: &Evidence) -> Result<()> {
        let Rotation { old, new, .. } = rotation;
        let refused = || Error::refused(format!("cannot retire {old} yet"));
        if self.compromised {
            output::say(format_args!(
                "warning: from now on AWS refuses every token of {old}: pods lose their credentials until they get tokens of {new}, and all of them while the API servers still sign with {old}; take its public key from the API servers too"
            ));
            return Ok(());
        }
        let drift = |cause: &str| {
            refused()
                .because(cause)
                .hint("let every API server sign with the new key first: 'irsactl rotate activate'")
                .with_exit(Exit::Drift)
        };
        if live.token.as_ref().is_some_and(|token| token != new) {
            return Err(drift("a fresh token is not signed by the new key"));
        }
        if live.was_seen() && !live.all_know(new) {
            return Err(drift("an API server does not know the new key"));
        }
        if live.token.is_none() && !self.assume_done {
            return Err(refused()
                .because("nothing shows that the API servers sign with the new key now")
                .hint("show a fresh token: --token FILE or --kubeconfig FILE; or say so with --assume-done"));
        }
        let Some(activated) = rotation.activated else {
            return Err(refused()
                .because(format!("no token of {new} has been seen"))
                .hint("show one: 'irsactl rotate activate --token FILE'; or give --compromised"));
        };
        let until = activated.saturating_add(self.after);
        if now()? >= until {
            Ok(())
        } else {
            Err(refused()
                .because(format!(
                    "tokens that it has signed may be in use until {}",
                    time_text(until)
                ))
                .hint("run again then; --after is the longest life of your tokens, --compromised does not wait"))
        }
    }
}
