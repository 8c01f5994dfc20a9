//! One change: one API call, with all that it sends and what was there before.

pub mod bucket;
pub mod provider;
pub mod role;

use serde::Serialize;

use crate::plan::action::Action;
use crate::plan::change::bucket::BucketChange;
use crate::plan::change::provider::ProviderChange;
use crate::plan::change::role::RoleChange;
use crate::plan::line::Field;
use crate::plan::observed::Observed;
use crate::plan::removal::Removal;

/// A change to one resource.
#[derive(Clone, Debug, Serialize)]
#[allow(missing_docs)] // Each type says what it is.
pub enum Change {
    Bucket(BucketChange),
    Provider(ProviderChange),
    Role(RoleChange),
    Remove(Removal),
}

impl From<BucketChange> for Change {
    fn from(change: BucketChange) -> Self {
        Self::Bucket(change)
    }
}

impl From<ProviderChange> for Change {
    fn from(change: ProviderChange) -> Self {
        Self::Provider(change)
    }
}

impl From<RoleChange> for Change {
    fn from(change: RoleChange) -> Self {
        Self::Role(change)
    }
}

impl Change {
    /// The API call that it is, as `service:Operation`.
    pub fn operation(&self) -> &'static str {
        match self {
            Self::Bucket(change) => change.operation(),
            Self::Provider(change) => change.operation(),
            Self::Role(change) => change.operation(),
            Self::Remove(removal) => removal.operation(),
        }
    }

    /// What it does to its resource.
    pub fn action(&self) -> Action {
        match self {
            Self::Bucket(change) => change.action(),
            Self::Provider(change) => change.action(),
            Self::Role(change) => change.action(),
            Self::Remove(_) => Action::Remove,
        }
    }

    /// The resource, in words.
    pub fn resource(&self) -> String {
        match self {
            Self::Bucket(change) => change.resource(),
            Self::Provider(change) => change.resource(),
            Self::Role(change) => change.resource(),
            Self::Remove(removal) => removal.resource(),
        }
    }

    /// The fields that are set, differ or are lost: what is printed, and what is in plan.json.
    pub fn fields(&self) -> Vec<Field> {
        match self {
            Self::Bucket(change) => change.fields(),
            Self::Provider(change) => change.fields(),
            Self::Role(change) => change.fields(),
            Self::Remove(removal) => removal.fields(),
        }
    }
}

impl Observed {
    /// What is there when changes have been made. Removals are left out: what is made or mended is meant.
    pub fn after(mut self, changes: &[Change]) -> Self {
        for change in changes.iter().cloned() {
            match change {
                Change::Bucket(change) => change.make(self.bucket.get_or_insert_default()),
                Change::Provider(change) => change.make(self.provider.get_or_insert_default()),
                Change::Role(change) => {
                    let role = self.roles.entry(change.role().to_owned());
                    change.make(role.or_default());
                }
                Change::Remove(_) => {}
            }
        }
        self
    }
}
