//! `--key-store`: where the signing key is kept besides its files.

use clap::Args;

use crate::error::Error;
use crate::iam::key_store::KeyStore;

/// The key has no name without a cluster.
pub(crate) fn nameless(store: KeyStore) -> Error {
    Error::usage(format!("cannot find the signing key in {}", store.title()))
        .because("its name there is made of the cluster's")
        .hint("give --cluster")
}

/// Where the signing key outlives the disk.
#[derive(Args, Clone, Debug)]
pub(crate) struct KeyStoreOptions {
    /// Where the signing key is kept: file, or beside it secretsmanager or ssm
    #[arg(
        long,
        value_name = "STORE",
        default_value = "file",
        hide_possible_values = true
    )]
    key_store: KeyStoreName,
}

/// A value of `--key-store`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum KeyStoreName {
    File,
    Secretsmanager,
    Ssm,
}

impl KeyStoreOptions {
    /// The store in AWS; none when the file is all.
    pub(crate) fn key_store(&self) -> Option<KeyStore> {
        match self.key_store {
            KeyStoreName::File => None,
            KeyStoreName::Secretsmanager => Some(KeyStore::SecretsManager),
            KeyStoreName::Ssm => Some(KeyStore::Ssm),
        }
    }
}
