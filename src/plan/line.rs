//! One line under a change.

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

/// One line under a change.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Field {
    /// What it is.
    pub name: &'static str,
    /// Its value now; absent when there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub before: Option<Value>,
    /// Its value then.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after: Option<Value>,
}
