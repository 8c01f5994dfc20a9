//! `rotate prepare`: a new key beside the old, and both published.

use std::path::Path;

use clap::Args;

use crate::commands::rotate::options::RotationOptions;
use crate::commands::rotate::scene::Scene;
use crate::commands::rotate::stage::{RotateAnswer, Stage, StepReport};
use crate::commands::rotate::stored;
use crate::config::Global;
use crate::config::change::ChangeOptions;
use crate::converge::dry_run;
use crate::converge::stop::Stop;
use crate::error::{Error, Exit, Result, after_changes};
use crate::keys::pair::KeyPair;
use crate::keys::rotation::{self, Rotation, of_store};
use crate::keys::store::Store;
use crate::keys::store::state::PUBLISHED;
use crate::keys::{accepted, directory, public};
use crate::oidc::jwks::JwkSet;
use crate::oidc::key::{Kid, PublicKey};
use crate::oidc::key_error::KeyError;
use crate::oidc::signing_key::SigningKey;
use crate::output;
use crate::system::clock::now;

/// Options of `rotate prepare`.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  irsactl rotate prepare --cluster demo --region us-west-2 --yes
  irsactl rotate prepare --cluster demo --region us-west-2 --key-only

Running it again goes on with the same new key. An issuer that another tool made is taken with --issuer \
and --adopt: its keys.json is found by its discovery document.")]
pub(crate) struct Prepare {
    #[command(flatten)]
    whose: RotationOptions,
    /// The kid that goes, where the issuer directory does not have its key [default: the one published]
    #[arg(long, value_name = "KID")]
    replace: Option<String>,
    /// The new key, where it is in a key store of which no key is published or in this directory, so that nothing
    /// else says whose they are
    #[arg(long, value_name = "KID")]
    new: Option<String>,
    /// Bits of the new key: 2048, 3072 or 4096
    #[arg(long, default_value = "2048", value_name = "BITS", value_parser = ["2048", "3072", "4096"])]
    #[arg(hide_possible_values = true)]
    bits: String,
    /// Make the new key's file and change nothing in AWS, for a dry run after it
    #[arg(long, conflicts_with_all = ["dry_run", "yes"])]
    key_only: bool,
    #[command(flatten)]
    change: ChangeOptions,
}

/// The key that is to come.
enum NewKey {
    /// A run before this one has made it.
    Known(PublicKey),
    /// It is in memory, and nowhere else yet.
    Made(SigningKey),
}

impl NewKey {
    fn public(&self) -> Result<PublicKey> {
        match self {
            Self::Known(public) => Ok(public.clone()),
            Self::Made(key) => key.public().map_err(cannot_generate),
        }
    }

    fn made(&self) -> Option<&SigningKey> {
        match self {
            Self::Known(_) => None,
            Self::Made(key) => Some(key),
        }
    }
}

impl Prepare {
    pub(crate) async fn run(self, global: &Global, stop: &Stop) -> Result<Exit> {
        let (dir, change) = (&global.dir, &self.change);
        if !self.key_only {
            change.check()?;
        }
        let scene = Scene::open(global, stop, &self.whose).await?;
        let opened = stored::open(global, &self.whose, &scene, self.new.as_deref());
        let (mut store, before) = opened.await?;
        let under_way = before.clone().filter(|one| one.retired.is_none());
        if let Some(rotation) = &under_way {
            check_unfinished(store.as_ref(), rotation)?;
        }
        let old = self.old_key(dir, store.as_ref(), &scene, under_way.as_ref())?;
        let new = self.new_key(dir, store.as_ref(), &scene, under_way.as_ref(), &old)?;
        let public = new.public()?;
        let kid = public.kid().map_err(cannot_generate)?;
        let accepted = scene.published.public_key(&old).into_iter();
        let accepted: Vec<PublicKey> = accepted.chain([public.clone()]).collect();
        let mut rotation = Rotation::new(&scene.issuer, old, kid.clone());
        let current = store.as_ref().and_then(Store::current);
        rotation.adopted = match &under_way {
            Some(one) => one.adopted,
            None => current.is_none() && !KeyPair::is_there(dir)?,
        };
        let seen = store.as_ref().map(|store| {
            let steps = [(kid.clone(), &[PUBLISHED][..])];
            store.observed(std::slice::from_ref(&kid), Some(&scene.issuer), &steps)
        });
        let (beginning, is_begun) = (rotation.clone(), under_way.is_some());
        // Before anything is published, so that no step after this one speaks of files that are not there.
        let mut save = async || {
            let issuer = &scene.issuer;
            of_store::bring(store.as_ref(), before.as_ref(), dir, issuer)?;
            let stored = match &mut store {
                Some(store) if !self.key_only => {
                    of_store::keep(store, dir, new.made(), &beginning, issuer).await?
                }
                _ => 0,
            };
            let begun = begin(dir, &beginning, is_begun, new.made());
            let written = begun
                .and_then(|()| accepted::accept(dir, &accepted))
                .and_then(|()| store.as_ref().map_or(Ok(()), |store| store.accept(dir)));
            match (stored, written) {
                (1.., Err(error)) => Err(after_changes(error)),
                (_, written) => written.map(|()| stored),
            }
        };
        if self.key_only {
            let changes = save().await?;
            return self.report(global, Stage::Made, &rotation, changes);
        }
        let join = public::jwk_set(std::slice::from_ref(&public))?;
        let desired = scene.desired(join, &[], change.adopt);
        let planned = scene.session.plan(&desired).await?.with_store(seen);
        if change.dry_run {
            return dry_run::run(global, &scene.session, &desired, &planned, change, None);
        }
        let session = &scene.session;
        let outcome = session.carry_out(&desired, planned, change, save).await?;
        outcome.then(scene.read_back(&outcome, stop).await)?;
        rotation.published = under_way.and_then(|one| one.published).or(Some(now()?));
        outcome.then(rotation.save(dir))?;
        let mut changes = outcome.changes;
        if let Some(store) = &mut store {
            changes += outcome.then(stored::record(store, &rotation, stop).await)?;
        }
        self.report(global, Stage::Prepared, &rotation, changes)
    }

    fn report(
        &self,
        global: &Global,
        stage: Stage,
        rotation: &Rotation,
        changes: usize,
    ) -> Result<Exit> {
        // activate, which is next otherwise, takes nothing over.
        let adopt = self.change.adopt && self.key_only;
        let report = StepReport {
            names: self.whose.names(global, adopt),
            changes,
            ..StepReport::new(&global.dir, stage, rotation, None)
        };
        let printed = output::print(&RotateAnswer::new(report), global.output);
        printed.map_err(|error| match changes {
            0 => error,
            _ => after_changes(error),
        })?;
        Ok(Exit::Done)
    }

    /// The key that goes, which must be published.
    fn old_key(
        &self,
        dir: &Path,
        store: Option<&Store>,
        scene: &Scene<'_>,
        under_way: Option<&Rotation>,
    ) -> Result<Kid> {
        let old = match under_way {
            Some(rotation) => rotation.old.clone(),
            None => self.old(dir, store, &scene.published)?,
        };
        if scene.published.kids().any(|kid| *kid == old) {
            return Ok(old);
        }
        Err(Error::refused(format!("cannot rotate {old}"))
            .because("it is not published")
            .hint("where it was taken away as compromised, finish that: 'irsactl rotate retire --compromised'; else publish it again: 'irsactl publish --add-key'"))
    }

    /// The key that a run before this one has made, or another one. A dry run makes none.
    fn new_key(
        &self,
        dir: &Path,
        store: Option<&Store>,
        scene: &Scene<'_>,
        under_way: Option<&Rotation>,
        old: &Kid,
    ) -> Result<NewKey> {
        let stored = |kid: &Kid| store.and_then(|store| store.find(kid));
        let known = match under_way {
            Some(rotation) if stored(&rotation.new).is_some() => Some(rotation.new.clone()),
            Some(rotation) => scene.made(dir, rotation)?,
            None => rotation::made_before(dir, |kid| kid == old || stored(kid).is_some())?,
        };
        match known {
            Some(kid) => Ok(NewKey::Known(match stored(&kid) {
                Some(stored) => stored.public.clone(),
                None => rotation::public_of(dir, &kid)?,
            })),
            None if self.change.dry_run => {
                Err(Error::refused("cannot plan before the new key is there")
                    .because("a plan has the very bytes that would be published")
                    .hint(
                        "make it first: 'irsactl rotate prepare --key-only' changes nothing in AWS",
                    ))
            }
            None => self.generate().map(NewKey::Made),
        }
    }

    /// The key that goes: the key store's, the issuer directory's, the one that was named, or the only one.
    fn old(&self, dir: &Path, store: Option<&Store>, published: &JwkSet) -> Result<Kid> {
        let refused = |cause: String| Error::refused("cannot tell which key goes").because(cause);
        let local = match store.and_then(Store::current) {
            Some(stored) => Some(stored.kid.to_string()),
            None if KeyPair::is_there(dir)? => {
                let kid = KeyPair::load_public(dir)?.kid();
                Some(kid.map_err(cannot_generate)?.to_string())
            }
            None => None,
        };
        if let (Some(local), Some(named)) = (&local, &self.replace)
            && local != named
        {
            return Err(refused(format!("{} holds {local}, and --replace names {named}", output::path(dir)))
                .hint("give the --dir of the key that goes, or an empty one for a key of the cluster's own"));
        }
        let wanted = local.or(self.replace.clone());
        let mut kids = published.kids();
        match wanted {
            Some(wanted) => kids.find(|kid| kid.as_str() == wanted).cloned().ok_or_else(|| {
                refused(format!("kid {wanted} is not published"))
                    .hint("publish the key that signs first: 'irsactl publish --add-key'; or name another with --replace")
            }),
            None => match (kids.next(), kids.next()) {
                (Some(only), None) => Ok(only.clone()),
                _ => Err(refused("several keys are published".to_owned())
                    .hint("name the one that goes with --replace")),
            },
        }
    }

    fn generate(&self) -> Result<SigningKey> {
        SigningKey::generate(self.bits.parse().unwrap_or_default()).map_err(cannot_generate)
    }
}

fn cannot_generate(cause: KeyError) -> Error {
    Error::failed("cannot make a new signing key").because(cause)
}

/// Refuses to begin a rotation while another one is not finished.
fn check_unfinished(store: Option<&Store>, rotation: &Rotation) -> Result<()> {
    stored::check_old(store, rotation)?;
    if rotation.activated.is_none() {
        return Ok(());
    }
    let old = &rotation.old;
    Err(Error::refused(format!(
        "cannot rotate again while {old} is still published"
    ))
    .because("the rotation before this one is not finished")
    .hint("finish it: 'irsactl rotate retire'"))
}

/// Writes the new key's file and the rotation's.
fn begin(dir: &Path, rotation: &Rotation, is_begun: bool, made: Option<&SigningKey>) -> Result<()> {
    let new = &rotation.new;
    if let Some(key) = made {
        rotation::write(dir, key, new)?;
    }
    let kept = if is_begun {
        rotation.save(dir)
    } else {
        rotation.claim(dir)
    };
    if kept.is_err() && made.is_some() {
        // Another run has begun meanwhile: this key is nobody's.
        rotation::forget(dir, new);
    }
    kept?;
    if made.is_some() {
        let path = directory::named(dir, new);
        output::say(format_args!("new signing key: {}", output::path(&path)));
    }
    Ok(())
}
