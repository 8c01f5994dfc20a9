//! What a plan says of the store.

use crate::keys::store::Store;
use crate::keys::store::state::COMPROMISED;
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
            let what = match (self.is_compromised(&key.kid), key.is_coming()) {
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
        keys.map(|key| match key.other_issuer(issuer) {
            Some(other) => format!("{} stays: it signs the tokens of {other}", key.arn),
            None => format!(
                "the signing key stays in its store; to delete it: {}",
                self.kind.deletion(&key.name, &self.region)
            ),
        })
        .collect()
    }

    /// What a plan has seen of the store. `coming` are keys that it will be given besides, `steps` what is
    /// said of a key in the course of a rotation.
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
        let unmarked = self
            .keys
            .iter()
            .filter(|key| Self::is_unmarked(key, issuer));
        let unmarked = unmarked.count();
        let marks = (unmarked > 0)
            .then(|| format!("keys in {place} that will be tagged as ours: {unmarked}"));
        let moves = self.keys.iter().filter_map(|key| {
            let issuer = issuer?;
            let theirs = key.other_issuer(issuer)?;
            Some(format!(
                "{} signs the tokens of {theirs} until now, and will be marked as that of {issuer}",
                key.arn
            ))
        });
        let steps = steps.iter().filter_map(|(kid, steps)| {
            let has = |step: &&&str| match **step {
                COMPROMISED => self.is_compromised(kid),
                step => self.find(kid).is_some_and(|key| key.marks.state.has(step)),
            };
            let missing: Vec<&str> = steps.iter().filter(|step| !has(step)).copied().collect();
            let list = missing.join(", ");
            let means = if missing.contains(&COMPROMISED) {
                ": every job refuses that key from then on"
            } else {
                ""
            };
            (!missing.is_empty())
                .then(|| format!("key {kid} in {place} will be marked as {list}{means}"))
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
