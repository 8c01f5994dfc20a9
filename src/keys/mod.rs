//! The signing key in a store of AWS, beside its files: for jobs whose disk is lost. The directory is then no
//! more than a copy: missing files are restored from the store; if the two disagree, irsactl refuses to choose.

pub(crate) mod accepted;
pub(crate) mod directory;
pub(crate) mod pair;
pub(crate) mod private_file;
pub(crate) mod public;
pub(crate) mod rotation;
pub(crate) mod source;
pub(crate) mod store;
pub(crate) mod surroundings;

use std::path::Path;

use crate::config::key_store::KeyStoreOptions;
use crate::config::{Global, resolve};
use crate::error::{Error, Result, shell_path};
use crate::keys::pair::KeyPair;
use crate::keys::store::Store;
use crate::keys::store::stored_key::StoredKey;
use crate::oidc::key::PublicKey;
use crate::oidc::signing_key::SigningKey;
use crate::output;
use crate::system::file;

/// The store that the options name, with what is in it, for commands that have no session.
pub(crate) async fn connect(
    global: &Global,
    options: &KeyStoreOptions,
    cluster: Option<&str>,
    adopt: bool,
) -> Result<Option<Store>> {
    if options.key_store().is_none() {
        return Ok(None);
    }
    let region = resolve::region(global).await?;
    let aws = resolve::aws(global, &region).await?;
    // There is no plan that would say it.
    for (service, url) in &aws.endpoints {
        output::say(format_args!(
            "note: {service} is at {}",
            output::sanitized(url)
        ));
    }
    let file = global.layers.file.as_ref();
    if let Some(account) = file.and_then(|file| file.spec.account_id.as_ref()) {
        resolve::same_account(&aws.identity().await?, account)?;
    }
    Store::open(options, cluster, Some(&aws), adopt).await
}

/// The pair in `dir` or in the store, which must be one key; or else a new one, when `bits` says how large.
/// Nothing is written.
pub(crate) fn pair(dir: &Path, bits: Option<u16>, store: Option<&Store>) -> Result<KeyPair> {
    let is_there = KeyPair::is_there(dir)?;
    let Some((store, stored)) = store.and_then(|store| Some((store, store.current()?))) else {
        if let Some(store) = store.filter(|store| !store.is_empty()) {
            return Err(store.is_between());
        }
        return match (bits, store) {
            (Some(bits), _) => KeyPair::load_or_generate(dir, bits),
            (None, Some(store)) if !is_there => Err(store.has_none()),
            (None, _) => KeyPair::load_public(dir).map(KeyPair::of_public),
        };
    };
    if !file::exists(&directory::signing_key_file(dir))? {
        return of_stored(dir, stored);
    }
    let pair = KeyPair::load(dir)?;
    let kid = pair.kid()?;
    if kid == stored.kid {
        return Ok(pair);
    }
    let error = Error::refused("cannot tell which signing key is meant")
        .because(format!(
            "{} has the kid {kid}",
            output::path(&directory::signing_key_file(dir))
        ))
        .because(format!("{} has the kid {}", stored.arn, stored.kid));
    Err(match store.find(&kid) {
        Some(coming) if coming.is_coming() => error.hint(format!(
            "that file signs already, as far as this directory knows; let the store know: irsactl rotate activate{} --dir {}",
            store.options(),
            shell_path(dir)
        )),
        Some(_) => error.hint(format!(
            "that file is from before a rotation; it is brought up to date by: irsactl keygen{} --dir {}",
            store.options(),
            shell_path(dir)
        )),
        None => error.hint("give another --dir, or another --cluster; neither is ever overwritten"),
    })
}

/// A key of the store, for a directory that has none.
fn of_stored(dir: &Path, stored: &StoredKey) -> Result<KeyPair> {
    accepted::check_public_file(dir, &stored.public)?;
    Ok(KeyPair::of_signing_key(
        stored.key()?,
        stored.public.clone(),
    ))
}

/// Writes a key of the store into `dir`, unless it is there.
pub(crate) fn bring(store: &Store, stored: &StoredKey, dir: &Path) -> Result<()> {
    let pair = if file::exists(&directory::signing_key_file(dir))? {
        KeyPair::load(dir)?
    } else {
        of_stored(dir, stored)?
    };
    store.save(&pair, dir)
}

/// The public key in `dir` or in the store, which is all that publishing needs.
pub(crate) fn public(dir: &Path, store: Option<&Store>) -> Result<PublicKey> {
    Ok(pair(dir, None, store)?.public)
}

/// The signing key in `dir` or in the store, for the moment. No file is written.
pub(crate) fn signing_key(dir: &Path, store: Option<&Store>) -> Result<SigningKey> {
    match store.and_then(Store::current) {
        Some(stored) => {
            pair(dir, None, store)?;
            stored.key()
        }
        None => match store.filter(|store| !store.is_empty()) {
            Some(store) => Err(store.is_between()),
            None => pair::signing_key(dir),
        },
    }
}
