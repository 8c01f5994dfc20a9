//! One function a check: what is expected, what is there, where, and the next command.
//!
//! Pure: what is checked has been fetched by a command.

pub mod discovery;
pub mod explain;
pub mod jwks;
pub mod page;
pub mod plan;
pub mod proof;
pub mod report;
pub mod tls;
pub mod token;
