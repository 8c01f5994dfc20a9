//! The AWS SDK's edge: connect, observe (reads ─▶ [`crate::plan::observed::Observed`]), apply
//! ([`crate::plan::change::Change`] ─▶ one call), and what AWS's errors mean.

mod absence;
pub mod account;
pub mod apply;
pub mod assume;
mod client;
pub mod connect;
mod endpoint;
pub mod error;
pub mod key_store;
pub mod observe;
mod outcome;
mod parameter;
pub mod partition;
pub mod patience;
mod role;
pub mod s3_url;
mod secret;
mod still;
mod teardown;
