//! A rotation as the key store tells it, and the issuer directory brought up to date with it: what a job has
//! done on a disk that is lost, the next one goes on with.

use std::path::Path;

use crate::commands::key_pair::{KeyPair, signing_key_file, unusable};
use crate::commands::key_store;
use crate::commands::key_store::marks::{ACTIVATED, COMPROMISED, PUBLISHED, REPLACES, RETIRED};
use crate::commands::key_store::store::Store;
use crate::commands::key_store::stored_key::StoredKey;
use crate::commands::rotate::scene::Scene;
use crate::commands::rotate::state::{self, Rotation};
use crate::commands::rotate::whose_keys::WhoseKeys;
use crate::commands::stop::Stop;
use crate::config::Global;
use crate::error::{Error, Result, after_changes};
use crate::oidc::issuer::Issuer;
use crate::oidc::jwks::JwkSet;
use crate::oidc::key::Kid;
use crate::oidc::signing_key::SigningKey;
use crate::output;
use crate::plan::tags::Tags;
use crate::system::file;

/// What the store has, if there is one, and the rotation as it and the issuer directory tell it. Nothing is
/// written. Only keys that are known count: `named` is one that is, besides.
pub(super) async fn open(
    global: &Global,
    whose: &WhoseKeys,
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
    check_maker(known, dir, &scene.published, named)?;
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

/// Refuses keys that whoever may create secrets there can have made. They prove that one maker made them all, so that
/// one which is published, in this directory, or named, vouches for the others.
fn check_maker(store: &Store, dir: &Path, published: &JwkSet, named: Option<&str>) -> Result<()> {
    let current = signing_key_file(dir);
    let current = match file::exists(&current)? {
        true => Some(KeyPair::kid_of(&current)?),
        false => None,
    };
    for kid in store.kids() {
        let is_here = current.as_ref() == Some(kid) || file::exists(&state::named(dir, kid))?;
        let is_published = published.kids().any(|one| one == kid);
        if is_here || is_published || named == Some(kid.as_str()) {
            return Ok(());
        }
    }
    let kids: Vec<&str> = store.kids().map(Kid::as_str).collect();
    let [.., newest] = &kids[..] else {
        return Ok(());
    };
    Err(Error::refused("cannot use the keys of the key store")
        .because(format!("it has {}, of which none is published or in {}", kids.join(", "), output::path(dir)))
        .because("whoever may create secrets there can have made them")
        .hint(format!("where a run of yours made them: irsactl rotate prepare{} --new {newest}; else look who did (CloudTrail), and delete them", store.options())))
}

/// For the steps that take nothing over: the same, and the issuer directory brought up to date with it.
pub(super) async fn open_and_bring(
    global: &Global,
    whose: &WhoseKeys,
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
    let mut signs = store.current();
    if let Some(rotation) = rotation {
        if let Some(newest) = store.newest().filter(|key| key.kid == rotation.new) {
            bring_key(dir, newest)?;
        }
        match Rotation::load(dir, issuer)? {
            Some(local) if local == *rotation => {}
            Some(local) if local.is_of_the_same_keys(rotation) => local.with(rotation).save(dir)?,
            _ => rotation.claim(dir)?,
        }
        if rotation.activated.is_some() {
            // The store may not know it yet.
            signs = store.find(&rotation.new);
        }
        rotation.settle(dir)?;
    }
    if let Some(signs) = signs {
        let current = signing_key_file(dir);
        if !file::exists(&current)? || store.has(&KeyPair::kid_of(&current)?) {
            bring_key(dir, signs)?;
            state::sign_with(dir, &signs.kid)?;
        }
    }
    let goes_on = |kid: &Kid| {
        let is_new = |one: &Rotation| one.new == *kid || one.old == *kid && one.retired.is_none();
        rotation.is_some_and(is_new)
    };
    for kid in store.kids().filter(|kid| !goes_on(kid)) {
        state::set_aside(dir, kid)?;
    }
    store.accept(dir)?;
    match signs {
        Some(signs) => key_store::bring(store, signs, dir),
        None => Ok(()),
    }
}

/// Brings a directory up to date whose key file is from before a rotation that the store knows of.
pub(in crate::commands) fn bring_current(store: &Store, dir: &Path) -> Result<()> {
    let current = signing_key_file(dir);
    let Some(signs) = store.current().filter(|_| current.is_file()) else {
        return Ok(());
    };
    let kid = KeyPair::kid_of(&current)?;
    let is_older = store.find(&kid).is_some_and(|key| !key.is_coming());
    if !is_older || kid == signs.kid {
        return Ok(());
    }
    bring_key(dir, signs)?;
    state::sign_with(dir, &signs.kid)?;
    let newest = store.newest().map(|key| &key.tags);
    let is_going = newest.is_some_and(|tags| {
        tags.get(REPLACES).is_some_and(|one| one == kid.as_str()) && !tags.contains_key(RETIRED)
    });
    if !is_going {
        state::set_aside(dir, &kid)?;
    }
    store.accept(dir)
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
    let is_current = file::exists(&current)? && KeyPair::kid_of(&current)? == key.kid;
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
    changes += store.mark(Some(issuer)).await?;
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

/// Tells the store how far a rotation is. A signal lets it finish. Returns how many changes were made.
pub(super) async fn record(store: &mut Store, rotation: &Rotation, stop: &Stop) -> Result<usize> {
    let times = [
        (PUBLISHED, rotation.published),
        (ACTIVATED, rotation.activated),
        (RETIRED, rotation.retired),
    ];
    let tags = times
        .iter()
        .filter_map(|(tag, time)| Some(((*tag).to_owned(), (*time)?.to_string())));
    stop.set_changing(true);
    let made = store.tag(&rotation.new, &tags.collect()).await?;
    stop.check_signal()?;
    stop.set_changing(false);
    Ok(made)
}

/// Tells the store that nobody is to accept the old key. Returns how many changes were made.
pub(super) async fn reject(store: &mut Store, rotation: &Rotation) -> Result<usize> {
    let tags = Tags::from([(COMPROMISED.to_owned(), "true".to_owned())]);
    store.tag(&rotation.old, &tags).await
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
            output::path(&state::state_file(dir))
        ))
        .because(format!(
            "the key store is about {} and {}",
            told.old, told.new
        ))
        .hint("give an empty --dir: it is filled from the store")
}
