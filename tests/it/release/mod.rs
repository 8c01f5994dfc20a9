//! What a release is made of.

pub(crate) mod archive;
pub(crate) mod ci_examples;
pub(crate) mod packaging;
