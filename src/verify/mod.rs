//! One function a check: what is expected, what is there, where, and the next command.
//!
//! Pure: what is checked has been fetched by a command.

pub mod cluster;
pub mod discovery;
pub mod explain;
pub mod jwks;
pub mod migration;
pub mod objects;
pub mod page;
pub mod plan;
pub mod proof;
pub mod report;
pub mod roles;
pub mod takeover;
pub mod tls;
pub mod token;
pub mod webhook;
