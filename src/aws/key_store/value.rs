//! A key as a store has it.

use zeroize::Zeroizing;

use crate::error::Error;
use crate::plan::tags::Tags;

/// What is under a name, without its value.
pub(crate) struct Entry {
    /// Its tags.
    pub(crate) tags: Tags,
    /// The versions of its value that have a label, and when the first one came, in seconds since 1970; none where
    /// the value itself says which one it is.
    pub(crate) history: Option<(usize, i64)>,
}

/// A key as the store has it.
pub(crate) struct Value {
    /// Its ARN.
    pub(crate) arn: String,
    /// The text. The SDK's own copies of it cannot be wiped.
    pub(crate) text: Zeroizing<String>,
}

/// What the value of `name` is by now need not be what was put there.
pub(crate) fn overwritten(name: &str, how: &str) -> Error {
    Error::refused(format!("cannot use {name} as the signing key"))
        .because(format!("it has been overwritten: {how}"))
}
