//! Makes a self-managed Kubernetes cluster an OpenID Connect issuer that AWS trusts (IRSA).
//!
//! ```text
//! signing key ─▶ public key ─▶ kid ─▶ JWK Set ─▶ discovery document ─▶ S3 objects, public
//!                                                                          │
//!                      kube-apiserver settings ◀─ IAM provider ◀─ TLS thumbprint
//! ```
//!
//! Each step is a function from the previous value to the next. The modules are the floors of a tower, and each
//! imports those below it (`tests/it/promises/layout.rs` checks that):
//!
//! - [`cli`] runs a subcommand, [`schemas`] describes the answers; [`commands`] has one file a subcommand, and none
//!   knows another.
//! - [`inspect`] looks at an issuer as it is found.
//! - [`converge`] is the one way in which AWS is changed: look, compare, show, ask, change, read back. [`keys`] has the
//!   signing key, wherever it is. Neither knows the other.
//! - [`config`] makes values of what was asked for.
//! - [`aws`], [`probe`] (the public internet), [`system`] (this machine) and [`output`] (the reader) do the I/O.
//! - [`verify`] judges what was fetched, [`plan`] compares what is wanted with what is there, [`cluster`] renders what
//!   the nodes get, [`iam`] and [`oidc`] are the standards' nouns: no I/O in any of them.

mod aws;
pub mod cli;
pub mod cluster;
pub mod commands;
pub mod config;
mod converge;
pub mod error;
pub mod iam;
mod inspect;
mod keys;
pub mod oidc;
pub mod output;
pub mod plan;
pub mod probe;
pub mod schemas;
pub mod system;
pub mod verify;
