//! A rotation as the key store tells it, and the issuer directory brought up to date with it: what a job has
//! done on a disk that is lost, the next one goes on with.

use std::path::Path;

use crate::error::{Result, after_changes};
use crate::keys;
use crate::keys::directory::{self, signing_key_file, unusable};
use crate::keys::pair::KeyPair;
use crate::keys::rotation::{self, Rotation};
use crate::keys::store::Store;
use crate::keys::store::state::State;
use crate::keys::store::stored_key::StoredKey;
use crate::oidc::issuer::Issuer;
use crate::oidc::jwks::JwkSet;
use crate::oidc::key::Kid;
use crate::oidc::signing_key::SigningKey;
use crate::output;
use crate::system::file;

/// Refuses keys that whoever may create secrets there can have made. They prove that one maker made them all, so that
/// one which is published or named vouches for the others, or the new one of a rotation that was begun here. A key
/// file says nothing: `keygen` may have brought it from there.
pub(crate) fn check_maker(
    store: &Store,
    dir: &Path,
    published: &JwkSet,
    begun: Option<&Rotation>,
    named: Option<&str>,
) -> Result<()> {
    for kid in store.kids() {
        let is_begun = begun.is_some_and(|rotation| rotation.new == *kid);
        let is_published = published.kids().any(|one| one == kid);
        if is_begun || is_published || named == Some(kid.as_str()) {
            return Ok(());
        }
    }
    let Some(newest) = store.newest() else {
        return Ok(());
    };
    Err(store.strangers()
        .because(format!("no rotation that was begun in {} made one of them", output::path(dir)))
        .hint(format!("where a run of yours made them: irsactl rotate prepare{} --new {}; else look who did (CloudTrail), and delete them", store.options(), newest.kid)))
}

/// Brings the issuer directory up to date: it gets what it lacks of the store, and its files get the names
/// of what they are now.
pub(crate) fn bring(
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
            rotation::sign_with(dir, &signs.kid)?;
        }
    }
    let goes_on = |kid: &Kid| {
        let is_new = |one: &Rotation| one.new == *kid || one.old == *kid && one.retired.is_none();
        rotation.is_some_and(is_new)
    };
    for kid in store.kids().filter(|kid| !goes_on(kid)) {
        rotation::set_aside(dir, kid)?;
    }
    store.accept(dir)?;
    match signs {
        Some(signs) => keys::bring(store, signs, dir),
        None => Ok(()),
    }
}

/// Brings a directory up to date whose key file is from before a rotation that the store knows of.
pub(crate) fn bring_current(store: &Store, dir: &Path) -> Result<()> {
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
    rotation::sign_with(dir, &signs.kid)?;
    let newest = store.newest().map(|key| &key.marks);
    let is_going = newest.is_some_and(|marks| {
        marks.replaces.as_ref() == Some(&kid) && marks.state.retired.is_none()
    });
    if !is_going {
        rotation::set_aside(dir, &kid)?;
    }
    store.accept(dir)
}

/// The rotation that the newest key came with; none when it replaces nothing.
pub(crate) fn told(store: &Store, issuer: &Issuer) -> Option<Rotation> {
    let newest = store.newest()?;
    let (old, state) = (newest.marks.replaces.clone()?, &newest.marks.state);
    let mut rotation = Rotation::new(issuer, old, newest.kid.clone());
    rotation.adopted = !store.has(&rotation.old);
    rotation.activated = state.activated;
    rotation.published = state.published;
    rotation.retired = state.retired;
    Some(rotation)
}

/// Writes the file of the key that is to come, unless it is there.
pub(crate) fn bring_key(dir: &Path, key: &StoredKey) -> Result<()> {
    let current = signing_key_file(dir);
    let is_current = file::exists(&current)? && KeyPair::kid_of(&current)? == key.kid;
    if is_current || file::exists(&directory::named(dir, &key.kid))? {
        Ok(())
    } else {
        rotation::write(dir, &key.key()?, &key.kid)
    }
}

/// Puts into the store what it lacks of a rotation that begins. Returns how many changes were made.
pub(crate) async fn keep(
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
    let path = directory::named(dir, new);
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

/// Tells the store that nobody is to accept the old key. Returns how many changes were made.
pub(crate) async fn reject(store: &mut Store, rotation: &Rotation) -> Result<usize> {
    let state = State {
        compromised: true,
        ..State::default()
    };
    store.record(&rotation.new, &state).await
}
