//! The signing key: the one secret. Generated, parsed and checked by AWS-LC, constant-time.
//!
//! The `rsa` crate never sees it: its private-key operations carry RUSTSEC-2023-0071 and
//! RUSTSEC-2026-0583.

use std::fmt;

use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der, PublicKeyX509Der};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeyPair, KeySize};
use aws_lc_rs::signature::{KeyPair as _, RSA_PKCS1_SHA256};
use pkcs8::{LineEnding, SecretDocument};
use zeroize::Zeroizing;

use crate::oidc::key::PublicKey;
use crate::oidc::key_error::KeyError;
use crate::oidc::pem;

/// An RSA private key that kube-apiserver signs service account tokens with.
pub struct SigningKey(KeyPair);

impl SigningKey {
    /// A new key of 2048, 3072 or 4096 bits, e = 65537.
    pub fn generate(bits: u16) -> Result<Self, KeyError> {
        let size = match bits {
            2048 => KeySize::Rsa2048,
            3072 => KeySize::Rsa3072,
            4096 => KeySize::Rsa4096,
            other => return Err(KeyError::Size(other.into())),
        };
        KeyPair::generate(size)
            .map(Self)
            .map_err(|_| KeyError::Invalid)
    }

    /// Parses a file with one PKCS#8 or PKCS#1 private key and checks that its numbers fit.
    pub fn from_pem(text: &[u8]) -> Result<Self, KeyError> {
        let blocks = pem::blocks(text)?;
        let [block] = blocks.as_slice() else {
            return Err(KeyError::NotOne(blocks.len()));
        };
        // What kind of key it is, its size and exponent: AWS-LC says only "rejected".
        PublicKey::all_from_pem(text)?;
        match block.label.as_str() {
            "PRIVATE KEY" => KeyPair::from_pkcs8(&block.der),
            "RSA PRIVATE KEY" => KeyPair::from_der(&block.der),
            other => return Err(KeyError::NotPrivate(other.to_owned())),
        }
        .map(Self)
        .map_err(|_| KeyError::Invalid)
    }

    /// The key as PKCS#8 PEM (`BEGIN PRIVATE KEY`), which every API server reads.
    pub fn to_pem(&self) -> Result<Zeroizing<String>, KeyError> {
        let der = AsDer::<Pkcs8V1Der<'_>>::as_der(&self.0).map_err(|_| KeyError::Invalid)?;
        SecretDocument::try_from(der.as_ref())
            .and_then(|document| document.to_pem("PRIVATE KEY", LineEnding::LF))
            .map_err(|_| KeyError::Invalid)
    }

    /// An RSASSA-PKCS1-v1_5 signature with SHA-256 (RFC 7518 §3.3, RS256).
    pub(super) fn sign_rs256(&self, message: &[u8]) -> Result<Vec<u8>, KeyError> {
        let mut signature = vec![0; self.0.public_modulus_len()];
        self.0
            .sign(
                &RSA_PKCS1_SHA256,
                &SystemRandom::new(),
                message,
                &mut signature,
            )
            .map_err(|_| KeyError::Invalid)?;
        Ok(signature)
    }

    /// The public half.
    pub fn public(&self) -> Result<PublicKey, KeyError> {
        let spki = AsDer::<PublicKeyX509Der<'_>>::as_der(self.0.public_key())
            .map_err(|_| KeyError::Invalid)?;
        PublicKey::from_spki_der(spki.as_ref())
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SigningKey(redacted)")
    }
}
