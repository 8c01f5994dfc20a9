//! A store of signing keys: Secrets Manager or Parameter Store. A key is put where nothing is, and never
//! over anything.

use zeroize::Zeroizing;

use crate::aws::connect::Aws;
use crate::aws::{parameter, secret};
use crate::error::{Error, Result};
use crate::iam::key_store::KeyStore;
use crate::plan::tags::Tags;

/// The client of a store.
#[derive(Debug)]
pub struct KeyStoreClient(Service);

#[derive(Debug)]
enum Service {
    SecretsManager(aws_sdk_secretsmanager::Client),
    Ssm(aws_sdk_ssm::Client),
}

/// What is under a name, without its value.
pub struct Entry {
    /// Its tags.
    pub tags: Tags,
    /// The versions of its value that have a label, and when the first one came, in seconds since 1970; none where
    /// the value itself says which one it is.
    pub(super) history: Option<(usize, i64)>,
}

/// A key as the store has it.
pub struct Value {
    /// Its ARN.
    pub arn: String,
    /// The text. The SDK's own copies of it cannot be wiped.
    pub text: Zeroizing<String>,
}

impl Aws {
    /// The client of a store, which must not be behind plain HTTP. No call is made yet.
    pub fn key_store(&self, store: KeyStore) -> Result<KeyStoreClient> {
        let service = match store {
            KeyStore::SecretsManager => "Secrets Manager",
            KeyStore::Ssm => "SSM",
        };
        self.check_private(service, "the signing key")?;
        Ok(KeyStoreClient(match store {
            KeyStore::SecretsManager => {
                Service::SecretsManager(aws_sdk_secretsmanager::Client::new(&self.config))
            }
            KeyStore::Ssm => Service::Ssm(aws_sdk_ssm::Client::new(&self.config)),
        }))
    }
}

impl KeyStoreClient {
    /// What is there under a name; none when nothing is.
    pub async fn entry(&self, name: &str) -> Result<Option<Entry>> {
        match &self.0 {
            Service::SecretsManager(client) => secret::entry(client, name).await,
            Service::Ssm(client) => parameter::entry(client, name).await,
        }
    }

    /// The value of an entry, in the clear; none when it is not there any more. Refuses one that has been
    /// overwritten.
    pub async fn value(&self, name: &str, entry: &Entry) -> Result<Option<Value>> {
        match &self.0 {
            Service::SecretsManager(client) => secret::value(client, name, entry).await,
            Service::Ssm(client) => parameter::value(client, name).await,
        }
    }

    /// Puts a key where nothing is; false when something is. `id` tells one key from another.
    pub async fn create(&self, name: &str, id: &str, text: &str, tags: &Tags) -> Result<bool> {
        match &self.0 {
            Service::SecretsManager(client) => secret::create(client, name, id, text, tags).await,
            Service::Ssm(client) => parameter::create(client, name, text, tags).await,
        }
    }

    /// Adds tags.
    pub async fn tag(&self, name: &str, tags: &Tags) -> Result<()> {
        match &self.0 {
            Service::SecretsManager(client) => secret::tag(client, name, tags).await,
            Service::Ssm(client) => parameter::tag(client, name, tags).await,
        }
    }
}

/// What the value of `name` is by now need not be what was put there.
pub(super) fn overwritten(name: &str, how: &str) -> Error {
    Error::refused(format!("cannot use {name} as the signing key"))
        .because(format!("it has been overwritten: {how}"))
}
