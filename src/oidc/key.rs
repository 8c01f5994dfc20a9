//! RSA public keys and their key IDs.
//!
//! kube-apiserver stamps tokens with `base64url(SHA-256(SPKI DER))`, unpadded
//! (kubernetes `pkg/serviceaccount/jwt.go`, `keyIDFromPublicKey`), so that is the `kid` here.
//! Only RSA of 2048 to 4096 bits with e = 65537 is taken: what every relying party accepts.

use std::fmt;

use aws_lc_rs::digest;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use pkcs8::der::asn1::{ObjectIdentifier, UintRef};
use pkcs8::der::{Decode, Encode};
use rsa::pkcs8::{DecodePublicKey, EncodePublicKey, LineEnding};
use rsa::traits::PublicKeyParts;
use rsa::{BigUint, RsaPublicKey, pkcs1};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use x509_cert::Certificate;

use crate::oidc::key_error::KeyError;
use crate::oidc::pem::{self, Block};

const RSA_ENCRYPTION: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1");
const RSA_PSS: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.10");
const EC: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.2.1");
const ED25519: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.101.112");

/// A key ID: base64url(SHA-256(SPKI DER)), unpadded, 43 characters.
#[derive(
    Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(try_from = "String", into = "String")]
pub struct Kid(pub(super) String);

/// Read from a file or a tag, it is what it would be if it was computed.
impl TryFrom<String> for Kid {
    type Error = String;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let is_base64url = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'_';
        if text.len() == 43 && text.bytes().all(is_base64url) {
            Ok(Self(text))
        } else {
            Err(format!(
                "{text:?} is no kid: it has 43 letters, digits, - and _"
            ))
        }
    }
}

impl From<Kid> for String {
    fn from(kid: Kid) -> Self {
        kid.0
    }
}

impl Kid {
    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Kid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// An RSA public key that may be published.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicKey(RsaPublicKey);

impl PublicKey {
    /// All public keys in a PEM file: SPKI, PKCS#1 public, PKCS#1 or PKCS#8 private (the public
    /// half alone is read), X.509 certificates; in the order of the file.
    pub fn all_from_pem(text: &[u8]) -> Result<Vec<Self>, KeyError> {
        pem::blocks(text)?.iter().map(Self::from_block).collect()
    }

    fn from_block(block: &Block) -> Result<Self, KeyError> {
        if block.encrypted {
            return Err(KeyError::Encrypted);
        }
        let der = block.der.as_slice();
        let damaged = |_| KeyError::Damaged {
            label: block.label.clone(),
            line: block.line,
        };
        match block.label.as_str() {
            "PUBLIC KEY" => {
                let spki = rsa::pkcs8::SubjectPublicKeyInfoRef::from_der(der).map_err(damaged)?;
                Self::from_spki(&spki)
                    .map_err(|e| e.unwrap_or_else(|| damaged(pkcs8::der::ErrorKind::Failed.into())))
            }
            "CERTIFICATE" => {
                let certificate = Certificate::from_der(der).map_err(damaged)?;
                let spki = certificate
                    .tbs_certificate
                    .subject_public_key_info
                    .to_der()
                    .map_err(damaged)?;
                let spki = rsa::pkcs8::SubjectPublicKeyInfoRef::from_der(&spki).map_err(damaged)?;
                Self::from_spki(&spki)
                    .map_err(|e| e.unwrap_or_else(|| damaged(pkcs8::der::ErrorKind::Failed.into())))
            }
            "RSA PUBLIC KEY" => {
                let key = pkcs1::RsaPublicKey::from_der(der).map_err(damaged)?;
                Self::from_numbers(key.modulus, key.public_exponent)
            }
            "RSA PRIVATE KEY" => {
                let key = pkcs1::RsaPrivateKey::from_der(der).map_err(damaged)?;
                Self::from_numbers(key.modulus, key.public_exponent)
            }
            "PRIVATE KEY" => {
                let info = pkcs8::PrivateKeyInfo::from_der(der).map_err(damaged)?;
                check_algorithm(&info.algorithm.oid)?;
                let key = pkcs1::RsaPrivateKey::from_der(info.private_key).map_err(damaged)?;
                Self::from_numbers(key.modulus, key.public_exponent)
            }
            "ENCRYPTED PRIVATE KEY" => Err(KeyError::Encrypted),
            "OPENSSH PRIVATE KEY" => Err(KeyError::OpenSsh),
            "EC PRIVATE KEY" => Err(KeyError::Algorithm("an EC key".to_owned())),
            _ => Err(KeyError::Label {
                label: block.label.clone(),
                line: block.line,
            }),
        }
    }

    /// `Err(None)`: the bits are not an RSA key although the algorithm says so.
    fn from_spki(spki: &rsa::pkcs8::SubjectPublicKeyInfoRef<'_>) -> Result<Self, Option<KeyError>> {
        check_algorithm(&spki.algorithm.oid)?;
        let bits = spki.subject_public_key.as_bytes().ok_or(None)?;
        let key = pkcs1::RsaPublicKey::from_der(bits).map_err(|_| None)?;
        Ok(Self::from_numbers(key.modulus, key.public_exponent)?)
    }

    fn from_numbers(modulus: UintRef<'_>, exponent: UintRef<'_>) -> Result<Self, KeyError> {
        let n = BigUint::from_bytes_be(modulus.as_bytes());
        let e = BigUint::from_bytes_be(exponent.as_bytes());
        if e != BigUint::from(65537_u32) {
            return Err(KeyError::Exponent);
        }
        if !(2048..=4096).contains(&n.bits()) {
            return Err(KeyError::Size(n.bits()));
        }
        RsaPublicKey::new(n, e)
            .map(Self)
            .map_err(|_| KeyError::Invalid)
    }

    /// From a JWK's `n` and `e` (RFC 7518 §6.3.1), under the same rules as from a file.
    pub(super) fn from_jwk(n: &str, e: &str) -> Result<Self, KeyError> {
        let decode = |text: &str| URL_SAFE_NO_PAD.decode(text).map_err(|_| KeyError::Invalid);
        let (n, e) = (decode(n)?, decode(e)?);
        let number = |bytes| UintRef::new(bytes).map_err(|_| KeyError::Invalid);
        Self::from_numbers(number(&n)?, number(&e)?)
    }

    pub(super) fn from_spki_der(der: &[u8]) -> Result<Self, KeyError> {
        RsaPublicKey::from_public_key_der(der)
            .map(Self)
            .map_err(|_| KeyError::Invalid)
    }

    /// The key as SubjectPublicKeyInfo, DER (RFC 5280 §4.1; algorithm rsaEncryption, NULL).
    fn spki_der(&self) -> Result<Vec<u8>, KeyError> {
        Ok(self
            .0
            .to_public_key_der()
            .map_err(|_| KeyError::Invalid)?
            .into_vec())
    }

    /// The key as SPKI PEM (`BEGIN PUBLIC KEY`): what kube-apiserver's key files may hold;
    /// it refuses `BEGIN RSA PUBLIC KEY`.
    pub fn to_pem(&self) -> Result<String, KeyError> {
        self.0
            .to_public_key_pem(LineEnding::LF)
            .map_err(|_| KeyError::Invalid)
    }

    /// The key ID.
    pub fn kid(&self) -> Result<Kid, KeyError> {
        let hash = digest::digest(&digest::SHA256, &self.spki_der()?);
        Ok(Kid(URL_SAFE_NO_PAD.encode(hash)))
    }

    /// The modulus, base64urlUInt (RFC 7518 §6.3.1.1: no leading zero octets).
    pub(super) fn n(&self) -> String {
        URL_SAFE_NO_PAD.encode(self.0.n().to_bytes_be())
    }

    /// The exponent, base64urlUInt (RFC 7518 §6.3.1.2).
    pub(super) fn e(&self) -> String {
        URL_SAFE_NO_PAD.encode(self.0.e().to_bytes_be())
    }
}

fn check_algorithm(oid: &ObjectIdentifier) -> Result<(), KeyError> {
    let name = match *oid {
        RSA_ENCRYPTION => return Ok(()),
        RSA_PSS => "an RSASSA-PSS key".to_owned(),
        EC => "an EC key".to_owned(),
        ED25519 => "an Ed25519 key".to_owned(),
        other => format!("a key of algorithm {other}"),
    };
    Err(KeyError::Algorithm(name))
}
