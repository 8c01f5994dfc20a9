//! What AWS defines: partitions, ARNs, bucket names, thumbprints, policy documents.
//!
//! Pure: no I/O, and nothing else of this crate is imported.

pub mod arn;
pub mod bucket;
pub mod key_store;
pub mod permissions;
pub mod policy;
pub mod public;
pub mod role;
pub mod thumbprint;
