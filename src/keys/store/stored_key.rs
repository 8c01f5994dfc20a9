//! A key in a store.

use zeroize::Zeroizing;

use crate::error::{Error, Result};
use crate::keys::store::tags::Marks;
use crate::oidc::issuer::Issuer;
use crate::oidc::key::{Kid, PublicKey};
use crate::oidc::key_error::KeyError;
use crate::oidc::signing_key::SigningKey;
use crate::plan::tags::Tags;

/// A key in a store.
pub(crate) struct StoredKey {
    pub(crate) name: String,
    pub(crate) arn: String,
    pub(crate) kid: Kid,
    pub(crate) public: PublicKey,
    pub(super) pem: Zeroizing<String>,
    pub(crate) marks: Marks,
    /// The tags as the store has them.
    pub(crate) read: Tags,
}

impl StoredKey {
    /// The key itself.
    pub(crate) fn key(&self) -> Result<SigningKey> {
        SigningKey::from_pem(self.pem.as_bytes()).map_err(|cause| unusable(&self.name, &cause))
    }

    /// Whether it is to take the place of another, and has not yet.
    pub(crate) fn is_coming(&self) -> bool {
        self.marks.replaces.is_some() && self.marks.state.activated.is_none()
    }

    /// The issuer whose tokens it signs, where that is another one.
    pub(crate) fn other_issuer(&self, issuer: &Issuer) -> Option<&str> {
        let own = self.marks.issuer.as_deref();
        own.filter(|own| *own != issuer.as_str())
    }
}

/// A key that is no signing key.
pub(crate) fn unusable(name: &str, cause: &KeyError) -> Error {
    Error::refused(format!("cannot use {name} as the signing key"))
        .because(cause)
        .hint("it holds the PEM text of one RSA private key, and nothing else")
}
