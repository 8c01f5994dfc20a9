//! One file a subcommand: its arguments and what it does. None knows another: what two of them share lies below.

pub mod apply;
pub mod bootstrap;
pub mod completions;
pub mod config;
pub mod destroy;
pub mod discovery;
pub mod echoer;
pub mod emit;
pub mod explain;
pub mod flags;
pub mod jwks;
pub mod keygen;
pub mod man;
pub mod migrate;
pub mod policy;
pub mod provider;
pub mod publish;
pub mod report;
pub mod role;
pub mod rotate;
pub mod thumbprint;
pub mod token;
pub mod verify;
pub mod webhook;
