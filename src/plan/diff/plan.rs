//! The changes, and what the user should know besides.

use crate::plan::change::Change;

/// The changes, in order, and what the user should know besides.
#[derive(Clone, Debug, Default)]
pub struct Plan {
    /// One API call each.
    pub changes: Vec<Change>,
    /// The objects that everybody can read afterwards, where the changes see to that: `s3://BUCKET/KEY`.
    pub becomes_public: Vec<String>,
    /// Remarks that need no change.
    pub notes: Vec<String>,
    /// How many keys are put into a key store or tagged there, before the changes.
    pub key_store_changes: usize,
}
