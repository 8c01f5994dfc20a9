//! What a plan says of the store.

use crate::keys::store::Store;
use crate::keys::store::tags::{COMPROMISED, ISSUER};
use crate::oidc::issuer::Issuer;
use crate::oidc::key::Kid;
use crate::plan::observed;

impl Store {
    /// Where the keys are, or will be.
    pub(crate) fn notes(&self) -> Vec<String> {
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
    pub(crate) fn left(&self, issuer: &Issuer) -> Vec<String> {
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

    /// What a plan has seen of the store. `coming` are keys that it will be given besides, `steps` the tags that
    /// it is told a rotation by: of a key, and what they mean.
    pub(crate) fn observed(
        &self,
        coming: &[Kid],
        issuer: Option<&Issuer>,
        steps: &[(Kid, &[&str])],
    ) -> observed::KeyStore {
        let place = self.kind.title();
        let coming: Vec<&Kid> = coming.iter().filter(|kid| !self.has(kid)).collect();
        let new = coming
            .iter()
            .map(|kid| format!("the new signing key {kid} will be kept in {place}"));
        let unmarked = self.unmarked(issuer);
        let marks = (unmarked > 0)
            .then(|| format!("keys in {place} that will be tagged as ours: {unmarked}"));
        let moves = self.keys.iter().filter_map(|key| {
            let issuer = issuer.filter(|issuer| key.is_of_another_issuer(issuer))?;
            let theirs = &key.tags[ISSUER];
            Some(format!(
                "{} signs the tokens of {theirs} until now, and will be marked as that of {issuer}",
                key.arn
            ))
        });
        let steps = steps.iter().filter_map(|(kid, tags)| {
            let has = |tag: &&&str| {
                self.find(kid)
                    .is_some_and(|key| key.tags.contains_key(**tag))
            };
            let missing: Vec<&str> = tags.iter().filter(|tag| !has(tag)).copied().collect();
            let is_there = self.has(kid) || coming.contains(&kid);
            let list = missing.join(", ");
            let means = match missing.contains(&COMPROMISED) {
                true => ": every job refuses that key from then on",
                false => "",
            };
            (is_there && !missing.is_empty())
                .then(|| format!("key {kid} in {place} will be tagged with {list}{means}"))
        });
        let steps: Vec<String> = steps.collect();
        observed::KeyStore {
            changes: usize::from(self.keys.is_empty()) + coming.len() + unmarked + steps.len(),
            notes: self
                .notes()
                .into_iter()
                .chain(new)
                .chain(marks)
                .chain(moves)
                .chain(steps)
                .collect(),
        }
    }
}
