//! Where the signing key of an issuer is: on the cluster's own nodes, in files, or in a store beside its files.

use std::path::Path;

use crate::error::{Result, after_changes};
use crate::keys::directory;
use crate::keys::pair::KeyPair;
use crate::keys::store::Store;
use crate::oidc::issuer::Issuer;
use crate::oidc::key::PublicKey;
use crate::output;

/// The keys of an issuer that is to be published.
pub(crate) enum Source {
    /// The public keys of `--adopt-key`: the cluster keeps its signing key.
    Adopted(Vec<PublicKey>),
    /// The pair in the issuer directory, or one that is new.
    Files(KeyPair),
    /// The pair in a store, or one that is to be put there.
    Store(Store, KeyPair),
}

impl Source {
    /// What is to be published.
    pub(crate) fn public(&self) -> Vec<PublicKey> {
        match self {
            Self::Adopted(keys) => keys.clone(),
            Self::Files(pair) | Self::Store(_, pair) => vec![pair.public.clone()],
        }
    }

    /// The store, where there is one.
    pub(crate) fn store(&self) -> Option<&Store> {
        match self {
            Self::Store(store, _) => Some(store),
            Self::Adopted(_) | Self::Files(_) => None,
        }
    }

    /// Puts the key into the store and the files that lack it. Returns how many calls changed something.
    pub(crate) async fn keep(&mut self, dir: &Path, issuer: &Issuer) -> Result<usize> {
        let new = |pair: &KeyPair, what: &str| {
            if pair.is_new() {
                let path = directory::signing_key_file(dir);
                output::say(format_args!("{what}: {}", output::path(&path)));
            }
        };
        match self {
            Self::Adopted(_) => Ok(0),
            Self::Files(pair) => {
                new(pair, "new signing key");
                pair.save(dir).map(|()| 0)
            }
            Self::Store(store, pair) => {
                let what = if store.current().is_some() {
                    "brought the signing key from the key store"
                } else {
                    "new signing key"
                };
                let made = store.keep(pair, dir, Some(issuer)).await?;
                new(pair, what);
                let saved = store.save(pair, dir);
                saved.map_err(|error| match made {
                    0 => error,
                    _ => after_changes(error),
                })?;
                Ok(made)
            }
        }
    }
}
