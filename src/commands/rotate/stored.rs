//! A rotation as the key store tells it, and the issuer directory brought up to date with it: what a job has
//! done on a disk that is lost, the next one goes on with.

use std::path::Path;

use crate::commands::rotate::options::RotationOptions;
use crate::commands::rotate::scene::Scene;
use crate::config::Global;
use crate::converge::stop::Stop;
use crate::error::{Error, Result};
use crate::keys::directory::{self, signing_key_file};
use crate::keys::pair::KeyPair;
use crate::keys::rotation::Rotation;
use crate::keys::rotation::of_store::{bring, check_maker, told};
use crate::keys::store::Store;
use crate::keys::store::state::State;
use crate::oidc::key::Kid;
use crate::output;
use crate::system::file;

/// What the store has, if there is one, and the rotation as it and the issuer directory tell it. Nothing is
/// written. Only keys that are known count: `named` is one that is, besides.
pub(crate) async fn open(
    global: &Global,
    whose: &RotationOptions,
    scene: &Scene<'_>,
    named: Option<&str>,
) -> Result<(Option<Store>, Option<Rotation>)> {
    let (dir, cluster) = (&global.dir, whose.issuer.names.cluster.as_deref());
    let store = Store::open(&whose.key_store, cluster, scene.session.aws(), false).await?;
    let local = Rotation::load(dir, &scene.issuer)?;
    let Some(known) = &store else {
        return Ok((None, local));
    };
    known.check_issuer(&scene.issuer, false)?;
    check_maker(known, dir, &scene.published, local.as_ref(), named)?;
    let rotation = match (local, told(known, &scene.issuer)) {
        (Some(local), Some(told)) if local.is_of_the_same_keys(&told) => Some(local.with(&told)),
        // The one on the disk is finished, and this one came after it.
        (Some(local), Some(told)) if local.retired.is_some() && known.has(&local.new) => Some(told),
        // The other way round.
        (Some(local), Some(told)) if told.retired.is_some() && told.new == local.old => Some(local),
        (Some(local), Some(told)) => return Err(two_rotations(dir, &local, &told)),
        (local, told) => local.or(told),
    };
    let current = signing_key_file(dir);
    if file::exists(&current)? {
        let kid = KeyPair::kid_of(&current)?;
        let is_of_it = rotation
            .as_ref()
            .is_some_and(|rotation| kid == rotation.old || kid == rotation.new);
        if !is_of_it && !known.has(&kid) && known.newest().is_some() {
            return Err(another_cluster(dir, &kid, known));
        }
    }
    Ok((store, rotation))
}

/// Refuses to go on with the old key where it was called compromised.
pub(crate) fn check_old(store: Option<&Store>, rotation: &Rotation) -> Result<()> {
    let old = &rotation.old;
    if store.is_some_and(|store| store.is_compromised(old)) {
        return Err(Error::refused("cannot go on with this rotation")
            .because(format!("{old} is compromised"))
            .hint("finish it: 'irsactl rotate retire --compromised'"));
    }
    Ok(())
}

/// For the steps that take nothing over: the same, and the issuer directory brought up to date with it.
pub(crate) async fn open_and_bring(
    global: &Global,
    whose: &RotationOptions,
    scene: &Scene<'_>,
) -> Result<(Option<Store>, Option<Rotation>)> {
    let (store, rotation) = open(global, whose, scene, None).await?;
    bring(
        store.as_ref(),
        rotation.as_ref(),
        &global.dir,
        &scene.issuer,
    )?;
    Ok((store, rotation))
}

/// Tells the store how far a rotation is. A signal lets it finish. Returns how many changes were made.
pub(crate) async fn record(store: &mut Store, rotation: &Rotation, stop: &Stop) -> Result<usize> {
    let state = State {
        published: rotation.published,
        activated: rotation.activated,
        retired: rotation.retired,
        compromised: false,
    };
    stop.set_changing(true);
    let made = store.record(&rotation.new, &state).await?;
    stop.check_signal()?;
    stop.set_changing(false);
    Ok(made)
}

fn another_cluster(dir: &Path, kid: &Kid, store: &Store) -> Error {
    let kids: Vec<&str> = store.kids().map(Kid::as_str).collect();
    Error::refused("cannot bring the keys of the key store")
        .because(format!(
            "{} has the key {kid}, which is none of the store's",
            output::path(dir)
        ))
        .because(format!("the key store has {}", kids.join(", ")))
        .hint("give an empty --dir: it is filled from the store; or another --cluster")
}

fn two_rotations(dir: &Path, local: &Rotation, told: &Rotation) -> Error {
    let Rotation { old, new, .. } = local;
    Error::refused("cannot tell which rotation is meant")
        .because(format!(
            "{} is about {old} and {new}",
            output::path(&directory::state_file(dir))
        ))
        .because(format!(
            "the key store is about {} and {}",
            told.old, told.new
        ))
        .hint("give an empty --dir: it is filled from the store")
}
