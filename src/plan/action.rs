//! What a change does to its resource.

use schemars::JsonSchema;
use serde::Serialize;

/// What a change does to its resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Action {
    /// It comes to be.
    Create,
    /// It is changed in place.
    Update,
    /// It goes.
    Remove,
}
