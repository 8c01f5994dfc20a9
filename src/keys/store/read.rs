//! Reads the keys of a store: only as what a run of ours has put there, and nobody has changed since.

use tokio::time::Instant;

use crate::aws::patience::Patience;
use crate::error::{Error, Exit, Result};
use crate::keys::store::stored_key::{StoredKey, unusable};
use crate::keys::store::tags::{Maker, Marks, REPLACES};
use crate::keys::store::{SHOWN_WITHIN, Store};
use crate::oidc::signing_key::SigningKey;
use crate::plan::tags::MANAGED_BY;

impl Store {
    /// Reads a key, after those before it; none when nothing is there. The first one may be taken over.
    pub(crate) async fn read(&self, number: usize) -> Result<Option<StoredKey>> {
        let name = self.name(number);
        tracing::info!(name, "reading the key store");
        let Some(entry) = self.client.entry(&name).await? else {
            return Ok(None);
        };
        let (owner, irsactl) = MANAGED_BY;
        let is_ours = entry.tags.get(owner).is_some_and(|found| found == irsactl);
        let adopts = self.adopt && number == 1;
        if !is_ours && !adopts {
            return Err(self.not_ours(&name));
        }
        let Some(value) = self.client.value(&name, &entry).await? else {
            return Ok(None);
        };
        let key = SigningKey::from_pem(value.text.as_bytes());
        let key = key.map_err(|cause| unusable(&name, &cause))?;
        let public = key.public().map_err(|cause| unusable(&name, &cause))?;
        let kid = public.kid().map_err(|cause| unusable(&name, &cause))?;
        let before = number
            .checked_sub(2)
            .and_then(|before| self.keys.get(before));
        let before = before.map(StoredKey::key).transpose()?;
        let maker = Maker {
            name: &name,
            cluster: &self.cluster,
            key: &key,
            before: before.as_ref(),
        };
        let marks = match maker.marks(&kid, &entry.tags)? {
            Some(marks) => marks,
            None if !adopts => return Err(self.unproven(number, &kid)),
            // Nothing of what is said of it is believed; what it would replace can only be taken off by hand.
            None if entry.tags.contains_key(REPLACES) => return Err(self.replaces_some(&name)),
            None => Marks::default(),
        };
        Ok(Some(StoredKey {
            name,
            arn: value.arn,
            kid,
            public,
            pem: value.text,
            marks,
            read: entry.tags,
        }))
    }

    /// The same, of a key that was put there a moment ago.
    pub(crate) async fn read_back(&self, number: usize) -> Result<StoredKey> {
        let mut patience = Patience::until(Instant::now() + SHOWN_WITHIN);
        loop {
            if let Some(key) = self.read(number).await? {
                return Ok(key);
            }
            if !patience.wait().await {
                return Err(
                    Error::failed(format!("cannot read back {}", self.name(number)))
                        .because(format!(
                            "it was put into {}, and is not there",
                            self.kind.title()
                        ))
                        .with_exit(Exit::Drift),
                );
            }
        }
    }
}
