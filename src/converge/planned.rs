//! What a plan came from, and what came of it.

use crate::aws::account;
use crate::error::{Result, after_changes};
use crate::plan::change::Change;
use crate::plan::change::bucket::BucketChange;
use crate::plan::desired::Desired;
use crate::plan::diff;
use crate::plan::diff::plan::Plan;
use crate::plan::observed::{self, Object, Observed};

/// What a plan was made of.
pub(crate) struct Planned {
    pub(crate) observed: Observed,
    pub(crate) plan: Plan,
}

impl Planned {
    /// Compares.
    pub(crate) fn new(desired: &Desired, observed: Observed) -> Result<Self> {
        let plan = diff::diff(desired, &observed)?;
        let writes =
            |change: &Change| matches!(change, Change::Bucket(BucketChange::PutPolicy { .. }));
        if let Some(publication) = &desired.publication
            && observed.account_blocks_policies
            && plan.changes.iter().any(writes)
        {
            return Err(account::blocked(&publication.account, "BlockPublicPolicy"));
        }
        Ok(Self { observed, plan })
    }

    /// Adds what is done in a key store.
    pub(crate) fn with_store(mut self, store: Option<observed::KeyStore>) -> Self {
        if let Some(store) = &store {
            self.plan.notes.extend(store.notes.iter().cloned());
            self.plan.key_store_changes = store.changes;
        }
        self.observed.key_store = store;
        self
    }
}

/// What a run came to.
pub(crate) struct Outcome {
    /// How many changes were made.
    pub(crate) changes: usize,
    pub(crate) observed: Observed,
}

impl Outcome {
    /// The thumbprints that the provider has in the end.
    pub(crate) fn thumbprints(&self) -> Vec<String> {
        let provider = self.observed.provider.as_ref();
        provider
            .map(|provider| provider.thumbprints.clone())
            .unwrap_or_default()
    }

    /// The JWK Set as its owner sees it in the end.
    pub(crate) fn key_set(&self) -> Option<&Object> {
        let (_, object) = self.observed.key_set.as_ref()?;
        object.as_ref()
    }

    /// What went wrong afterwards, when something had been changed.
    pub(crate) fn then<T>(&self, result: Result<T>) -> Result<T> {
        result.map_err(|error| match self.changes {
            0 => error,
            _ => after_changes(error),
        })
    }
}
