//! The thumbprint of a TLS certificate, as IAM defines it.
//!
//! SHA-1 is used here and nowhere else, since IAM's `ThumbprintList` is SHA-1 by definition ("Obtain
//! the thumbprint for an OpenID Connect identity provider", IAM User Guide). Nothing rests on it:
//! AWS compares it only when the issuer's certificate is not signed by a root that AWS trusts.

use std::fmt;

use schemars::JsonSchema;
use serde::Serialize;
use sha1::{Digest, Sha1};

/// SHA-1 of a certificate's DER: 40 lower-case hex digits.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(transparent)]
pub struct Thumbprint(String);

/// Text that is not a thumbprint. IAM itself takes any 40 characters, so this check is ours.
#[derive(Debug, thiserror::Error)]
#[error("a thumbprint is the SHA-1 of a certificate: 40 hex digits, colons allowed")]
pub struct NotAThumbprint;

impl Thumbprint {
    /// The thumbprint of a certificate.
    pub fn of(certificate_der: &[u8]) -> Self {
        let digest = Sha1::digest(certificate_der);
        Self(digest.iter().map(|byte| format!("{byte:02x}")).collect())
    }

    /// The hex digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::str::FromStr for Thumbprint {
    type Err = NotAThumbprint;

    fn from_str(text: &str) -> Result<Self, NotAThumbprint> {
        let hex: String = text.chars().filter(|c| *c != ':').collect();
        if hex.len() == 40 && hex.bytes().all(|b| b.is_ascii_hexdigit()) {
            Ok(Self(hex.to_ascii_lowercase()))
        } else {
            Err(NotAThumbprint)
        }
    }
}

impl fmt::Display for Thumbprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn openssls_form_and_iams_form_are_one() {
        let colons = "99:0F:41:93:97:2F:2B:EC:F1:2D:DE:DA:52:37:F9:C9:52:F2:0D:9E";
        let parsed: Thumbprint = colons.parse().unwrap();
        assert_eq!(parsed.as_str(), "990f4193972f2becf12ddeda5237f9c952f20d9e");
        assert!("x".repeat(40).parse::<Thumbprint>().is_err());
        // FIPS 180-2, appendix A.1.
        assert_eq!(
            Thumbprint::of(b"abc").as_str(),
            "a9993e364706816aba3e25717850c26c9cd0d89d"
        );
    }
}
