//! One line under a change.

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Value, json};

use crate::plan::tags::Tags;

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

/// A field that is set where nothing was.
pub(crate) fn set(name: &'static str, after: Value) -> Field {
    Field {
        name,
        before: None,
        after: Some(after),
    }
}

/// A field that is lost.
pub(crate) fn unset(name: &'static str, before: Value) -> Field {
    Field {
        name,
        before: Some(before),
        after: None,
    }
}

/// A field that is otherwise than before, if it is.
pub(crate) fn differing(name: &'static str, before: Value, after: Value) -> Vec<Field> {
    if before == after {
        return Vec::new();
    }
    vec![Field {
        name,
        before: (!before.is_null()).then_some(before),
        after: Some(after),
    }]
}

/// Tags that are set, or otherwise than before.
pub(crate) fn differing_tags(before: &Tags, after: &Tags) -> Vec<Field> {
    if before.is_empty() {
        return vec![set("tags", json!(after))];
    }
    differing("tags", json!(before), json!(after))
}
