//! The signing key, and where it is kept.

pub(crate) mod adopt;
pub(crate) mod files;
pub(crate) mod pair;
pub(crate) mod private;
pub(crate) mod store;
