//! A store of signing keys: Secrets Manager or Parameter Store. A key is put where nothing is, and never
//! over anything.

pub(crate) mod parameter_store;
pub(crate) mod secrets_manager;
pub(crate) mod value;

use crate::aws::connect::Aws;
use crate::aws::key_store::value::{Entry, Value};
use crate::error::Result;
use crate::iam::key_store::KeyStore;
use crate::plan::tags::Tags;

/// The client of a store.
#[derive(Debug)]
pub(crate) struct KeyStoreClient(Service);

#[derive(Debug)]
enum Service {
    SecretsManager(aws_sdk_secretsmanager::Client),
    Ssm(aws_sdk_ssm::Client),
}

impl Aws {
    /// The client of a store, which must not be behind plain HTTP. No call is made yet.
    pub(crate) fn key_store(&self, store: KeyStore) -> Result<KeyStoreClient> {
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
    pub(crate) async fn entry(&self, name: &str) -> Result<Option<Entry>> {
        match &self.0 {
            Service::SecretsManager(client) => secrets_manager::entry(client, name).await,
            Service::Ssm(client) => parameter_store::entry(client, name).await,
        }
    }

    /// The value of an entry, in the clear; none when it is not there any more. Refuses one that has been
    /// overwritten.
    pub(crate) async fn value(&self, name: &str, entry: &Entry) -> Result<Option<Value>> {
        match &self.0 {
            Service::SecretsManager(client) => secrets_manager::value(client, name, entry).await,
            Service::Ssm(client) => parameter_store::value(client, name).await,
        }
    }

    /// Puts a key where nothing is; false when something is. `id` tells one key from another.
    pub(crate) async fn create(
        &self,
        name: &str,
        id: &str,
        text: &str,
        tags: &Tags,
    ) -> Result<bool> {
        match &self.0 {
            Service::SecretsManager(client) => {
                secrets_manager::create(client, name, id, text, tags).await
            }
            Service::Ssm(client) => parameter_store::create(client, name, text, tags).await,
        }
    }

    /// Adds tags.
    pub(crate) async fn tag(&self, name: &str, tags: &Tags) -> Result<()> {
        match &self.0 {
            Service::SecretsManager(client) => secrets_manager::tag(client, name, tags).await,
            Service::Ssm(client) => parameter_store::tag(client, name, tags).await,
        }
    }
}
