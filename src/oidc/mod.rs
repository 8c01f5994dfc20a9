//! What the OpenID and JOSE standards define: issuer, key, JWK Set, discovery document.
//!
//! Pure: no I/O, and nothing else of this crate is imported. Each file is a step of the pipeline,
//! in this order: key → JWK Set → discovery document, all under one issuer.

pub mod adopt;
pub mod discovery;
pub mod issuer;
pub mod jwks;
pub mod key;
pub mod key_error;
mod pem;
pub mod signing_key;
pub mod subject;
pub mod token;
