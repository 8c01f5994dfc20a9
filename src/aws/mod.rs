//! The AWS SDK's edge: connect, observe (reads ─▶ [`crate::plan::observed::Observed`]), apply
//! ([`crate::plan::change::Change`] ─▶ one call), and what AWS's errors mean.

mod absence;
pub(crate) mod account;
pub(crate) mod apply;
pub(crate) mod assume;
pub(crate) mod bucket;
mod client;
pub(crate) mod connect;
mod endpoint;
pub(crate) mod error;
pub(crate) mod key_store;
pub(crate) mod observe;
mod outcome;
pub(crate) mod partition;
pub(crate) mod patience;
pub(crate) mod provider;
pub(crate) mod remains;
pub(crate) mod remove;
mod role;
pub(crate) mod s3_url;
mod still;
