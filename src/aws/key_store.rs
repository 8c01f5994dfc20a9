//! A store of signing keys: Secrets Manager or Parameter Store. A key is put where nothing is, and never
//! over anything.

use zeroize::Zeroizing;

use crate::error::Result;
use crate::iam::key_store::KeyStore;
use crate::plan::desired::Tags;

use super::connect::Aws;
use super::{parameter, secret};

/// The client of a store.
#[derive(Debug)]
pub struct KeyStoreClient(Service);

#[derive(Debug)]
enum Service {
    SecretsManager(aws_sdk_secretsmanager::Client),
    Ssm(aws_sdk_ssm::Client),
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
    /// The tags of what is there under a name; none when nothing is.
    pub async fn tags(&self, name: &str) -> Result<Option<Tags>> {
        match &self.0 {
            Service::SecretsManager(client) => secret::tags(client, name).await,
            Service::Ssm(client) => parameter::tags(client, name).await,
        }
    }

    /// What is there under a name, in the clear; none when nothing is.
    pub async fn value(&self, name: &str) -> Result<Option<Value>> {
        match &self.0 {
            Service::SecretsManager(client) => secret::value(client, name).await,
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
