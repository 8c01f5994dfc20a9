//! A rotation as the key store tells it, and the issuer directory brought up to date with it: what a job has
//! done on a disk that is lost, the next one goes on with.

use std::path::Path;

use crate::config::{Global, IssuerNames, KeyStoreOptions};
use crate::error::{Error, Result};
use crate::file;
use crate::oidc::issuer::Issuer;
use crate::oidc::key::Kid;
use crate::oidc::signing_key::SigningKey;
use crate::output;
use crate::plan::desired::Tags;

use super::super::converge::after_changes;
use super::super::key_pair::{KeyPair, signing_key_file, unusable};
use super::super::key_store::{self, ACTIVATED, COMPROMISED, REPLACES, Store, StoredKey};
use super::scene::Scene;
use super::state::{self, Rotation};

/// When both keys were published.
const PUBLISHED: &str = "irsactl/published";
/// When the key that it replaced left the JWK Set.
const RETIRED: &str = "irsactl/retired";

/// What the store has, if there is one, and the rotation as it and the issuer directory tell it. Nothing is
/// written.
pub(super) async fn open(
    global: &Global,
    options: &KeyStoreOptions,
    issuer: &IssuerNames,
    scene: &Scene<'_>,
    adopt: bool,
) -> Result<(Option<Store>, Option<Rotation>)> {
    let (dir, cluster) = (&global.dir, issuer.names.cluster.as_deref());
    let store = Store::open(options, cluster, scene.session.aws(), adopt).await?;
    let local = Rotation::load(dir, &scene.issuer)?;
    let told = store.as_ref().and_then(|store| told(store, &scene.issuer));
    let (Some(known), Some(told)) = (&store, told) else {
        if let Some(store) = store.as_ref().filter(|store| store.current().is_some()) {
            key_store::pair(dir, None, Some(store))?;
        }
        return Ok((store, local));
    };
    let merged = match local {
        Some(local) if local.is_of_the_same_keys(&told) => local.with(&told),
        // The one on the disk is finished, and this one came after it.
        Some(local) if local.retired.is_some() && local.new == told.old => told,
        // The other way round.
        Some(local) if told.retired.is_some() && told.new == local.old => local,
        Some(local) => return Err(two_rotations(dir, &local, &told)),
        None => told,
    };
    let current = signing_key_file(dir);
    if file::exists(&current)? {
        let kid = state::kid_of(&current)?;
        if kid != merged.old && kid != merged.new && !known.has(&kid) {
            return Err(another_cluster(dir, &kid, &merged));
        }
    }
    Ok((store, Some(merged)))
}

/// Brings the issuer directory up to date: it gets what it lacks of the store, and its files get the names
/// of what they are now.
pub(super) fn bring(
    store: Option<&Store>,
    rotation: Option<&Rotation>,
    dir: &Path,
    issuer: &Issuer,
) -> Result<()> {
    let Some(store) = store else {
        return rotation.map_or(Ok(()), |rotation| rotation.settle(dir));
    };
    if let Some(rotation) = rotation {
        if let Some(newest) = store.newest().filter(|key| key.kid == rotation.new) {
            bring_key(dir, newest)?;
        }
        match Rotation::load(dir, issuer)? {
            Some(local) if local == *rotation => {}
            Some(local) if local.is_of_the_same_keys(rotation) => local.with(rotation).save(dir)?,
            _ => rotation.claim(dir)?,
        }
        rotation.settle(dir)?;
        store.accept(dir)?;
        if rotation.retired.is_some() {
            rotation.set_aside(dir)?;
        }
    }
    match store.current() {
        Some(_) => store.save(&key_store::pair(dir, None, Some(store))?, dir),
        None => Ok(()),
    }
}

/// The rotation that the newest key came with; none when it replaces nothing.
fn told(store: &Store, issuer: &Issuer) -> Option<Rotation> {
    let newest = store.newest()?;
    let old: Kid = serde_json::from_value(newest.tags.get(REPLACES)?.as_str().into()).ok()?;
    let time = |tag: &str| newest.tags.get(tag)?.parse().ok();
    let mut rotation = Rotation::new(issuer, old, newest.kid.clone());
    rotation.adopted = !store.has(&rotation.old);
    rotation.activated = time(ACTIVATED);
    rotation.published = time(PUBLISHED);
    rotation.retired = time(RETIRED);
    Some(rotation)
}

/// Writes the file of the key that is to come, unless it is there.
fn bring_key(dir: &Path, key: &StoredKey) -> Result<()> {
    let current = signing_key_file(dir);
    let is_current = file::exists(&current)? && state::kid_of(&current)? == key.kid;
    match is_current || file::exists(&state::named(dir, &key.kid))? {
        true => Ok(()),
        false => state::write(dir, &key.key()?, &key.kid),
    }
}

/// Puts into the store what it lacks of a rotation that begins. Returns how many changes were made.
pub(super) async fn keep(
    store: &mut Store,
    dir: &Path,
    made: Option<&SigningKey>,
    rotation: &Rotation,
    issuer: &Issuer,
) -> Result<usize> {
    let mut changes = 0;
    if store.newest().is_none() && file::exists(&signing_key_file(dir))? {
        changes += store.keep(&KeyPair::load(dir)?, dir, Some(issuer)).await?;
    }
    let new = &rotation.new;
    if store.has(new) {
        return Ok(changes);
    }
    let path = state::named(dir, new);
    let pem = match made {
        Some(key) => key.to_pem(),
        None => SigningKey::from_pem(&file::read_private(&path)?).and_then(|key| key.to_pem()),
    };
    let pem = pem.map_err(|cause| unusable(&path, &cause))?;
    let put = store.put(&pem, new, Some(&rotation.old), Some(issuer));
    match put.await {
        Ok(made) => Ok(changes + made),
        Err(error) if changes > 0 => Err(after_changes(error)),
        Err(error) => Err(error),
    }
}

/// Tells the store how far a rotation is.
pub(super) async fn record(store: &mut Store, rotation: &Rotation) -> Result<()> {
    let times = [
        (PUBLISHED, rotation.published),
        (ACTIVATED, rotation.activated),
        (RETIRED, rotation.retired),
    ];
    let tags = times
        .iter()
        .filter_map(|(tag, time)| Some(((*tag).to_owned(), (*time)?.to_string())));
    store.tag(&rotation.new, &tags.collect()).await?;
    Ok(())
}

/// Tells the store that nobody is to accept the old key. Returns how many changes were made.
pub(super) async fn reject(store: &mut Store, rotation: &Rotation) -> Result<usize> {
    let tags = Tags::from([(COMPROMISED.to_owned(), "true".to_owned())]);
    store.tag(&rotation.old, &tags).await
}

fn another_cluster(dir: &Path, kid: &Kid, told: &Rotation) -> Error {
    let Rotation { old, new, .. } = told;
    Error::refused("cannot bring the keys of the key store")
        .because(format!(
            "{} has the key {kid}, which is none of the store's",
            output::path(dir)
        ))
        .because(format!("the key store is about {old} and {new}"))
        .hint("give an empty --dir: it is filled from the store; or another --cluster")
}

fn two_rotations(dir: &Path, local: &Rotation, told: &Rotation) -> Error {
    let Rotation { old, new, .. } = local;
    Error::refused("cannot tell which rotation is meant")
        .because(format!(
            "{} is about {old} and {new}",
            output::path(&state::state_file(dir))
        ))
        .because(format!(
            "the key store is about {} and {}",
            told.old, told.new
        ))
        .hint("give an empty --dir: it is filled from the store")
}
