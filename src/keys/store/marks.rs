//! Marks the keys of a store, with tags that are written once.

use crate::aws::patience::Patience;
use crate::error::{Error, Exit, Result, after_changes};
use crate::keys::store::tags::{self, ISSUER, KID, PROOF, REPLACES, TIMES};
use crate::keys::store::{SHOWN_WITHIN, Store};
use crate::oidc::issuer::Issuer;
use crate::oidc::key::Kid;
use crate::plan::tags::{Tags, owner_tags};
use tokio::time::Instant;

impl Store {
    /// Marks the keys as ours, and as the issuer's. Returns how many calls changed something.
    pub(crate) async fn mark(&mut self, issuer: Option<&Issuer>) -> Result<usize> {
        let mut changes = 0;
        for number in 0..self.keys.len() {
            let key = &self.keys[number];
            let (kid, mut wanted) = (key.kid.clone(), self.tags_of(&key.kid, None, issuer));
            let before = number.checked_sub(1).map(|before| self.keys[before].key());
            let before = before.transpose()?;
            let replaces = key.tags.get(REPLACES).map(String::as_str);
            let proof = tags::proof(before.as_ref(), &key.name, &key.key()?, replaces)?;
            wanted.insert(PROOF.to_owned(), proof);
            let is_moved = issuer.is_some_and(|issuer| key.is_of_another_issuer(issuer));
            if is_moved {
                self.keys[number].tags.remove(ISSUER);
            }
            changes += self.tag(&kid, &wanted).await?;
        }
        Ok(changes)
    }

    /// How many keys have not the marks that they are to have.
    pub(crate) fn unmarked(&self, issuer: Option<&Issuer>) -> usize {
        let keys = self.keys.iter().filter(|key| {
            let wanted = self.tags_of(&key.kid, None, issuer);
            let is_moved = issuer.is_some_and(|issuer| key.is_of_another_issuer(issuer));
            is_moved || wanted.keys().any(|tag| !key.tags.contains_key(tag))
        });
        keys.count()
    }

    pub(crate) fn tags_of(
        &self,
        kid: &Kid,
        replaces: Option<&Kid>,
        issuer: Option<&Issuer>,
    ) -> Tags {
        let mut tags = owner_tags(Some(&self.cluster));
        tags.insert(KID.to_owned(), kid.to_string());
        tags.extend(replaces.map(|kid| (REPLACES.to_owned(), kid.to_string())));
        // The one character of an issuer that a tag cannot have.
        let issuer = issuer.filter(|issuer| !issuer.as_str().contains('~'));
        tags.extend(issuer.map(|issuer| (ISSUER.to_owned(), issuer.to_string())));
        tags
    }

    /// Adds the tags that a key lacks. Returns how many calls changed something.
    pub(crate) async fn tag(&mut self, kid: &Kid, wanted: &Tags) -> Result<usize> {
        let Some(key) = self.keys.iter_mut().find(|key| key.kid == *kid) else {
            return Ok(0);
        };
        let mut missing = wanted.clone();
        missing.retain(|tag, _| !key.tags.contains_key(tag));
        if missing.is_empty() {
            return Ok(0);
        }
        // Tags have no If-Match: what another run has set since they were read is not replaced.
        let now = self.client.entry(&key.name).await?;
        let now = now.map(|entry| entry.tags).unwrap_or_default();
        let set_meanwhile =
            |tag: &&String| now.contains_key(*tag) && now.get(*tag) != key.read.get(*tag);
        let theirs: Vec<String> = missing.keys().filter(set_meanwhile).cloned().collect();
        for tag in theirs {
            let value = now[&tag].clone();
            // When something came to pass may be told by either; whose the key is may not.
            if !TIMES.contains(&tag.as_str()) && wanted.get(&tag) != Some(&value) {
                return Err(Error::refused(format!("cannot tag {}", key.name))
                    .because(format!("another run has set {tag} to {value:?} meanwhile"))
                    .hint("run again: it starts from what is there now"));
            }
            missing.remove(&tag);
            key.tags.insert(tag, value);
        }
        if missing.is_empty() {
            return Ok(0);
        }
        self.client.tag(&key.name, &missing).await?;
        let mut patience = Patience::until(Instant::now() + SHOWN_WITHIN);
        loop {
            let shown = self.client.entry(&key.name).await.map_err(after_changes)?;
            let shown = shown.map(|entry| entry.tags).unwrap_or_default();
            if missing
                .iter()
                .all(|(tag, value)| shown.get(tag) == Some(value))
            {
                break;
            }
            if !patience.wait().await {
                return Err(
                    Error::failed(format!("cannot read back the tags of {}", key.name))
                        .because(format!(
                            "they were set in {}, and do not show",
                            self.kind.title()
                        ))
                        .hint("run the same command again: it goes on where this one stopped")
                        .with_exit(Exit::Drift),
                );
            }
        }
        key.read.extend(missing.clone());
        key.tags.extend(missing);
        Ok(1)
    }
}
