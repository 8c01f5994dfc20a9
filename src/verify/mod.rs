//! One function a check: what is expected, what is there, and the next command.
//!
//! Pure: what is checked has been fetched by a command.

pub mod report;
pub mod token;
