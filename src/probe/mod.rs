//! What the public internet sees of an issuer: its TLS chain and its two documents.
//!
//! Verification is never switched off. HTTPS_PROXY, NO_PROXY and SSL_CERT_FILE are honoured as the
//! AWS SDK honours them.

pub mod chain;
mod connection;
pub mod document;
pub mod roots;
