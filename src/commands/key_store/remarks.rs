//! What a plan says of the store.

use crate::oidc::issuer::Issuer;
use crate::oidc::key::Kid;
use crate::plan::observed;

use super::store::{ISSUER, Store};

impl Store {
    /// Where the keys are, or will be.
    pub(in super::super) fn notes(&self) -> Vec<String> {
        let place = self.kind.title();
        let current = match self.current() {
            Some(key) => format!("the signing key is in {place}: {}", key.arn),
            None => format!(
                "the signing key will be kept in {place} as {}",
                self.name(1)
            ),
        };
        let others = self.keys.iter().filter_map(|key| {
            let what = match (key.is_compromised(), key.is_coming()) {
                (true, _) => "a compromised key",
                (false, true) => "the new signing key",
                (false, false) => return None,
            };
            Some(format!("{what} is in {place}: {}", key.arn))
        });
        std::iter::once(current).chain(others).collect()
    }

    /// What is left there of an issuer that goes, and how to delete it.
    pub(in super::super) fn left(&self, issuer: &Issuer) -> Vec<String> {
        let keys = self.keys.iter();
        keys.map(|key| match key.is_of_another_issuer(issuer) {
            true => format!(
                "{} stays: it signs the tokens of {}",
                key.arn, key.tags[ISSUER]
            ),
            false => format!(
                "the signing key stays in its store; to delete it: {}",
                self.kind.deletion(&key.name, &self.region)
            ),
        })
        .collect()
    }

    /// What a plan has seen of the store; `coming` are keys that it will be given besides.
    pub(in super::super) fn observed(
        &self,
        coming: &[Kid],
        issuer: Option<&Issuer>,
    ) -> observed::KeyStore {
        let place = self.kind.title();
        let coming: Vec<&Kid> = coming.iter().filter(|kid| !self.has(kid)).collect();
        let new = coming
            .iter()
            .map(|kid| format!("the new signing key {kid} will be kept in {place}"));
        let unmarked = self.unmarked(issuer);
        let marks = (unmarked > 0)
            .then(|| format!("keys in {place} that will be tagged as ours: {unmarked}"));
        observed::KeyStore {
            notes: self.notes().into_iter().chain(new).chain(marks).collect(),
            changes: usize::from(self.keys.is_empty()) + coming.len() + unmarked,
        }
    }
}
