//! An issuer: made, changed, written down, and removed.

pub(crate) mod apply;
pub(crate) mod bootstrap;
pub(crate) mod cluster_file;
pub(crate) mod consent;
pub(crate) mod convergence;
pub(crate) mod destroy;
pub(crate) mod emit;
pub(crate) mod generated;
pub(crate) mod meanwhile;
pub(crate) mod opened;
pub(crate) mod prepared;
pub(crate) mod refusals;
pub(crate) mod role;
pub(crate) mod who_signs;
