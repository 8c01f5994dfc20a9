//! What is said when the store has not the key that a command needs.

use crate::error::Error;
use crate::iam::key_store::KeyStore;
use crate::oidc::key::{KeyError, Kid};

use super::marks::KID;
use super::store::{Store, StoredKey};

impl Store {
    /// There are keys, and none that signs.
    pub(super) fn is_between(&self) -> Error {
        let error = Error::refused("cannot tell which signing key is meant");
        let newest = self
            .newest()
            .map(|key| format!("{} has not been activated, and no other key signs", key.arn));
        error
            .because(newest.unwrap_or_default())
            .hint(match self.before_the_coming().is_some_and(StoredKey::is_compromised) {
                true => format!("the key before it is compromised: finish 'irsactl rotate retire --compromised{}'", self.options()),
                false => format!("a rotation is under way: go on with 'irsactl rotate activate{0}', or see it with 'irsactl rotate status{0}'", self.options()),
            })
    }

    /// A key of ours without the tag of its kid.
    pub(super) fn untagged(&self, name: &str) -> Error {
        Error::refused(format!("cannot use {name} in {}", self.kind().title()))
            .because(format!("it has no tag {KID}, which says which key it was made with: it may have been overwritten"))
            .hint(format!("compare its public key with the one that is published; where it is the same, set the tag {KID} to its kid"))
    }

    /// A key whose maker need not have had the one before it.
    pub(super) fn unproven(&self, name: &str, before: &Kid) -> Error {
        Error::refused(format!("cannot use {name} in {}", self.kind().title()))
            .because(format!("nothing proves that who made it had the key before it, {before}"))
            .hint("whoever may create secrets there can have made it: look who did (CloudTrail), and delete it if it is nobody's that you know")
    }

    /// There is no key where the command needs one.
    pub(super) fn has_none(&self) -> Error {
        Error::refused("cannot use the signing key")
            .because(format!(
                "{} is not in {}, and there is no key file",
                self.name(1),
                self.kind().title()
            ))
            .hint(format!("make one with: irsactl keygen{}", self.options()))
    }
}

/// The key has no name without a cluster.
pub(in super::super) fn nameless(store: KeyStore) -> Error {
    Error::usage(format!("cannot find the signing key in {}", store.title()))
        .because("its name there is made of the cluster's")
        .hint("give --cluster")
}

/// A key that is no signing key.
pub(super) fn unusable(name: &str, cause: &KeyError) -> Error {
    Error::refused(format!("cannot use {name} as the signing key"))
        .because(cause)
        .hint("it holds the PEM text of one RSA private key, and nothing else")
}
