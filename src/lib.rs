//! Makes a self-managed Kubernetes cluster an OpenID Connect issuer that AWS trusts (IRSA).
//!
//! ```text
//! signing key ─▶ public key ─▶ kid ─▶ JWK Set ─▶ discovery document ─▶ S3 objects, public
//!                                                                          │
//!                      kube-apiserver settings ◀─ IAM provider ◀─ TLS thumbprint
//! ```
//!
//! Each step is a function from the previous value to the next, and the modules follow it:
//! [`oidc`] and [`iam`] are the standards' nouns, [`plan`] compares what is wanted with what is
//! there, [`aws`], [`probe`] and [`system`] do the I/O, [`cluster`] is the cluster's side, [`verify`]
//! judges what was fetched, [`output`] shows it, and [`commands`] ties them together, one file a
//! subcommand.

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
