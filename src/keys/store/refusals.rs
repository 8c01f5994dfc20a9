//! What is said when the store has not the key that a command needs.

use crate::error::Error;
use crate::keys::store::Store;
use crate::keys::store::tags::{KID, PROOF, REPLACES, STATE};
use crate::oidc::key::Kid;
use crate::plan::tags::MANAGED_BY;

impl Store {
    /// There are keys, and none that signs.
    pub(crate) fn is_between(&self) -> Error {
        let error = Error::refused("cannot tell which signing key is meant");
        let newest = self
            .newest()
            .map(|key| format!("{} has not been activated, and no other key signs", key.arn));
        let hint = if self
            .before_the_coming()
            .is_some_and(|key| self.is_compromised(&key.kid))
        {
            format!(
                "the key before it is compromised: finish 'irsactl rotate retire --compromised{}'",
                self.options()
            )
        } else {
            format!(
                "a rotation is under way: go on with 'irsactl rotate activate{0}', or see it with 'irsactl rotate status{0}'",
                self.options()
            )
        };
        error.because(newest.unwrap_or_default()).hint(hint)
    }

    /// Something else under a key's name.
    pub(crate) fn not_ours(&self, name: &str) -> Error {
        let (tag, value) = MANAGED_BY;
        Error::refused(format!(
            "cannot use {name} in {}: it is not ours",
            self.kind.title()
        ))
        .because(format!("it exists, but has no tag {tag}={value}"))
        .hint(if *name == self.name(1) {
            format!(
                "if it is this cluster's signing key: irsactl keygen{} --adopt",
                self.options()
            )
        } else {
            "no run puts a key there without that tag: look who did (CloudTrail)".to_owned()
        })
    }

    /// A key that another than a run of ours can have put there, or whose tags somebody has changed.
    pub(crate) fn unproven(&self, number: usize, kid: &Kid) -> Error {
        let error = Error::refused(format!("cannot use {} in {}", self.name(number), self.kind.title()))
            .because(format!("it holds the key {kid}, and its tags ({KID}, {STATE} and others) do not prove ({PROOF}) that a run with that key, and with the one before it, has put it there and set them"));
        let look = "whoever may create, overwrite or tag keys there can have done it: look who did (CloudTrail)";
        error.hint(match number {
            1 => format!(
                "{look}; if it is this cluster's signing key: irsactl keygen{} --adopt",
                self.options()
            ),
            _ => format!(
                "{look}; delete it if it is nobody's that you know, else give it its tags back"
            ),
        })
    }

    /// A key that is to be adopted, and that would replace another.
    pub(crate) fn replaces_some(&self, name: &str) -> Error {
        Error::refused(format!("cannot use {name} in {}", self.kind.title()))
            .because(format!(
                "its tag {REPLACES} names a key, which a rotation would take out of the JWK Set"
            ))
            .hint(format!(
                "no run has set that tag: look who did (CloudTrail), and take it off, with {STATE}"
            ))
    }

    /// Keys of which none is known.
    pub(crate) fn strangers(&self) -> Error {
        let kids: Vec<&str> = self.kids().map(Kid::as_str).collect();
        Error::refused(format!(
            "cannot use the keys in {}: none of them is published",
            self.kind.title()
        ))
        .because(format!("there is {}", kids.join(", ")))
        .because("whoever may create secrets there can have made them")
    }

    /// There is no key where the command needs one.
    pub(crate) fn has_none(&self) -> Error {
        Error::refused("cannot use the signing key")
            .because(format!(
                "{} is not in {}, and there is no key file",
                self.name(1),
                self.kind().title()
            ))
            .hint(format!("make one with: irsactl keygen{}", self.options()))
    }
}
