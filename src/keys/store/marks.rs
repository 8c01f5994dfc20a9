//! Marks the keys of a store. What has been said of a key stays said.

use tokio::time::Instant;

use crate::aws::patience::Patience;
use crate::error::{Error, Exit, Result, after_changes};
use crate::keys::store::state::State;
use crate::keys::store::stored_key::StoredKey;
use crate::keys::store::tags::{KID, Maker, Marks, PROOF, issuer_mark};
use crate::keys::store::{SHOWN_WITHIN, Store};
use crate::oidc::issuer::Issuer;
use crate::oidc::key::Kid;
use crate::plan::tags::Tags;

/// How often the marks of another run are taken in that come at the same time.
const ATTEMPTS: usize = 5;

impl Store {
    /// Marks the keys as ours, and as the issuer's. Returns how many calls changed something.
    pub(crate) async fn mark(&mut self, issuer: Option<&Issuer>) -> Result<usize> {
        let mut changes = 0;
        for number in 0..self.keys.len() {
            let mut marks = self.keys[number].marks.clone();
            marks.issuer = issuer_mark(issuer).or(marks.issuer);
            changes += self.write(number, marks).await?;
        }
        Ok(changes)
    }

    /// Says how far the rotation is that a key came with. Returns how many calls changed something.
    pub(crate) async fn record(&mut self, kid: &Kid, state: &State) -> Result<usize> {
        let Some(number) = self.keys.iter().position(|key| key.kid == *kid) else {
            return Ok(0);
        };
        let mut marks = self.keys[number].marks.clone();
        marks.state = marks.state.or(state);
        self.write(number, marks).await
    }

    /// Whether a key has not the marks that it is to have.
    pub(crate) fn is_unmarked(key: &StoredKey, issuer: Option<&Issuer>) -> bool {
        let issuer = issuer_mark(issuer);
        !key.read.contains_key(PROOF) || issuer.is_some() && key.marks.issuer != issuer
    }

    /// Tags have no If-Match: what another run has said since they were read is taken in, not replaced.
    async fn write(&mut self, number: usize, mut marks: Marks) -> Result<usize> {
        let before = number.checked_sub(1).map(|before| self.keys[before].key());
        let before = before.transpose()?;
        let key = &mut self.keys[number];
        let signing_key = key.key()?;
        let maker = Maker {
            name: &key.name,
            cluster: &self.cluster,
            key: &signing_key,
            before: before.as_ref(),
        };
        let mut changes = 0;
        for _ in 0..ATTEMPTS {
            let wanted = maker.tags(&key.kid, &marks)?;
            let is_set = |now: &Tags| {
                wanted
                    .iter()
                    .all(|(tag, value)| now.get(tag) == Some(value))
            };
            if is_set(&key.read) {
                key.marks = marks;
                return Ok(changes);
            }
            let now = self.client.entry(&key.name).await?;
            let now = now.map(|entry| entry.tags).unwrap_or_default();
            if now.get(PROOF) != key.read.get(PROOF) {
                let Some(theirs) = maker.marks(&key.kid, &now)? else {
                    return Err(changed(&key.name));
                };
                if marks.issuer != theirs.issuer && key.marks.issuer != theirs.issuer {
                    return Err(Error::refused(format!("cannot tag {}", key.name))
                        .because(format!(
                            "another run has made it the key of {} meanwhile",
                            theirs.issuer.unwrap_or_default()
                        ))
                        .hint("run the command again; it continues from the current state"));
                }
                marks.state = theirs.state.or(&marks.state);
                key.read = now;
                continue;
            }
            self.client.tag(&key.name, &wanted).await?;
            changes = 1;
            let mut patience = Patience::until(Instant::now() + SHOWN_WITHIN);
            loop {
                let shown = self.client.entry(&key.name).await.map_err(after_changes)?;
                let shown = shown.map(|entry| entry.tags).unwrap_or_default();
                let is_old = shown.get(PROOF) == now.get(PROOF);
                if is_set(&shown) || !is_old && maker.marks(&key.kid, &shown)?.is_some() {
                    key.read = shown;
                    break;
                }
                if !patience.wait().await {
                    return Err(not_shown(&key.name, self.kind.title()));
                }
            }
        }
        Err(after_changes(changed(&key.name)))
    }
}

fn changed(name: &str) -> Error {
    Error::refused(format!("cannot tag {name}"))
        .because(format!(
            "somebody else changes its tags {KID} and others at the same time"
        ))
        .hint("run the command again; it continues from the current state")
}

fn not_shown(name: &str, place: &str) -> Error {
    Error::failed(format!("cannot read back the tags of {name}"))
        .because(format!("they were set in {place}, and do not show"))
        .hint("run the same command again: it goes on where this one stopped")
        .with_exit(Exit::Drift)
}
