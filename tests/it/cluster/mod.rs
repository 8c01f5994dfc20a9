//! What the nodes and the cluster get.

pub(crate) mod distributions;
pub(crate) mod merge_rules;
pub(crate) mod webhook;
