//! The JWK Set (RFC 7517 §5): the public keys that AWS checks tokens with.
//!
//! STS needs `kid` and `alg` on every key and refuses `key_ops`; so a key has exactly six members,
//! and none that could hold anything private.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Deserializer, Serialize};

use crate::oidc::key::{Kid, PublicKey};
use crate::oidc::key_error::KeyError;

/// STS stops accepting RSA tokens when a set holds more RSA keys than this.
const MAX_KEYS: usize = 100;

/// One RSA public key (RFC 7517 §4, RFC 7518 §6.3.1).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Jwk {
    kty: Kty,
    #[serde(deserialize_with = "claimed")]
    kid: Kid,
    #[serde(rename = "use")]
    key_use: KeyUse,
    alg: Alg,
    n: String,
    e: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
enum Kty {
    #[serde(rename = "RSA")]
    Rsa,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
enum KeyUse {
    #[serde(rename = "sig")]
    Signature,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
enum Alg {
    #[serde(rename = "RS256")]
    Rs256,
}

/// A kid as it is published, which is only believed once it is compared with its key's own.
fn claimed<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Kid, D::Error> {
    String::deserialize(deserializer).map(Kid)
}

/// A JWK Set; keys sorted by kid, each kid once.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct JwkSet {
    keys: Vec<Jwk>,
}

/// Why a published set was not taken.
#[derive(Debug, thiserror::Error)]
pub enum JwksError {
    /// A member that only a private or symmetric key has.
    #[error(
        "it holds the private member \"{0}\": the signing key is public, and must be replaced now"
    )]
    Private(String),
    /// Not the JSON that we write and STS needs.
    #[error("it is not a JWK Set of RSA signature keys with kty, kid, use, alg, n and e: {0}")]
    Json(#[from] serde_json::Error),
    /// Numbers that do not make a key that we would publish.
    #[error("the key with kid {0:?} is not taken: {1}")]
    Key(String, KeyError),
    /// A kid that no API server would stamp.
    #[error("the kid {published:?} is not the one of its key, which is {derived}")]
    Kid {
        /// What is published.
        published: String,
        /// What kube-apiserver derives.
        derived: Kid,
    },
    /// Too many keys for STS.
    #[error("it would hold {0} keys; STS takes {MAX_KEYS}")]
    TooMany(usize),
    /// Two different keys claim one kid.
    #[error("kid {0} stands for two different keys")]
    Conflict(Kid),
}

impl JwkSet {
    /// The set of these keys; duplicates fold.
    pub fn of(keys: &[PublicKey]) -> Result<Self, KeyError> {
        let keys = keys
            .iter()
            .map(|key| {
                Ok(Jwk {
                    kty: Kty::Rsa,
                    kid: key.kid()?,
                    key_use: KeyUse::Signature,
                    alg: Alg::Rs256,
                    n: key.n(),
                    e: key.e(),
                })
            })
            .collect::<Result<Vec<_>, KeyError>>()?;
        Ok(Self::sorted(keys))
    }

    fn sorted(mut keys: Vec<Jwk>) -> Self {
        keys.sort_by(|a, b| a.kid.cmp(&b.kid));
        keys.dedup();
        Self { keys }
    }

    /// Parses a published set, strictly: a member that is unknown here is refused, so that
    /// writing the set back never drops anything; every key must be one that we would publish, under
    /// its own kid, since whoever slips a key in can sign tokens.
    pub fn parse(bytes: &[u8]) -> Result<Self, JwksError> {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Published {
            keys: Vec<Jwk>,
        }
        if let Some(member) = private_member(bytes) {
            return Err(JwksError::Private(member));
        }
        let Published { mut keys } = serde_json::from_slice(bytes)?;
        for key in &mut keys {
            let refused = |cause| JwksError::Key(key.kid.0.clone(), cause);
            let public = PublicKey::from_jwk(&key.n, &key.e).map_err(refused)?;
            let derived = public.kid().map_err(refused)?;
            if derived != key.kid {
                let published = key.kid.0.clone();
                return Err(JwksError::Kid { published, derived });
            }
            // Others write leading zeros, which RFC 7518 §6.3.1.1 forbids: it is the same key.
            (key.n, key.e) = (public.n(), public.e());
        }
        let set = Self::sorted(keys);
        set.check()?;
        Ok(set)
    }

    /// This set and the other's keys together: a published kid never disappears by publishing.
    pub fn merged(&self, other: &Self) -> Result<Self, JwksError> {
        let set = Self::sorted([self.keys.as_slice(), other.keys.as_slice()].concat());
        set.check()?;
        Ok(set)
    }

    /// This set less some keys.
    pub fn without(&self, kids: &[Kid]) -> Self {
        let stays = |key: &&Jwk| !kids.contains(&key.kid);
        let keys = self.keys.iter().filter(stays).cloned().collect();
        Self { keys }
    }

    /// Parses a set that another tool published, as far as it can be written back in our form without
    /// losing a key: RSA keys whose kid is the derived one, or empty. The empty one is the copy that the
    /// upstream guide makes for Kubernetes before 1.16; it folds into its key.
    pub fn parse_foreign(bytes: &[u8]) -> Result<Self, JwksError> {
        #[derive(Deserialize)]
        struct Foreign {
            keys: Vec<ForeignKey>,
        }
        // Members such as alg may be missing, others may be there: n and e are the key.
        #[derive(Deserialize)]
        struct ForeignKey {
            #[serde(rename = "kty")]
            _kty: Kty,
            #[serde(default)]
            kid: String,
            n: String,
            e: String,
        }
        if let Some(member) = private_member(bytes) {
            return Err(JwksError::Private(member));
        }
        let Foreign { keys } = serde_json::from_slice(bytes)?;
        let mut public = Vec::new();
        for key in keys {
            let refused = |cause| JwksError::Key(key.kid.clone(), cause);
            let one = PublicKey::from_jwk(&key.n, &key.e).map_err(refused)?;
            let derived = one.kid().map_err(refused)?;
            if !key.kid.is_empty() && key.kid != derived.as_str() {
                let published = key.kid;
                return Err(JwksError::Kid { published, derived });
            }
            public.push(one);
        }
        let set = Self::of(&public).map_err(|cause| JwksError::Key(String::new(), cause))?;
        set.check()?;
        Ok(set)
    }

    fn check(&self) -> Result<(), JwksError> {
        if self.keys.len() > MAX_KEYS {
            return Err(JwksError::TooMany(self.keys.len()));
        }
        match self.keys.windows(2).find(|pair| pair[0].kid == pair[1].kid) {
            Some(pair) => Err(JwksError::Conflict(pair[0].kid.clone())),
            None => Ok(()),
        }
    }

    /// Modulus and exponent, big-endian, of the key with this kid.
    pub(super) fn numbers(&self, kid: &str) -> Option<(Kid, Vec<u8>, Vec<u8>)> {
        let key = self.keys.iter().find(|key| key.kid.as_str() == kid)?;
        let decode = |text: &str| URL_SAFE_NO_PAD.decode(text).ok();
        Some((key.kid.clone(), decode(&key.n)?, decode(&key.e)?))
    }

    /// The key with this kid.
    pub fn public_key(&self, kid: &Kid) -> Option<PublicKey> {
        let key = self.keys.iter().find(|key| key.kid == *kid)?;
        PublicKey::from_jwk(&key.n, &key.e).ok()
    }

    /// The key IDs, sorted.
    pub fn kids(&self) -> impl Iterator<Item = &Kid> {
        self.keys.iter().map(|key| &key.kid)
    }
}

/// Members of RFC 7518 §6.2.2, §6.3.2 and §6.4 that must never be published.
fn private_member(bytes: &[u8]) -> Option<String> {
    let set: serde_json::Value = serde_json::from_slice(bytes).ok()?;
    let keys = set.get("keys")?.as_array()?;
    keys.iter()
        .filter_map(serde_json::Value::as_object)
        .flat_map(serde_json::Map::keys)
        .find(|name| ["d", "p", "q", "dp", "dq", "qi", "oth", "k"].contains(&name.as_str()))
        .cloned()
}

#[cfg(test)]
mod tests {
    use super::super::signing_key::SigningKey;
    use super::*;

    fn key() -> PublicKey {
        SigningKey::generate(2048).unwrap().public().unwrap()
    }

    #[test]
    fn a_set_reads_back_sorted_and_without_duplicates() {
        let (a, b) = (key(), key());
        let set = JwkSet::of(&[a.clone(), b.clone(), a]).unwrap();
        assert_eq!(set.kids().count(), 2);
        assert!(set.kids().is_sorted());
        let json = serde_json::to_vec(&set).unwrap();
        assert_eq!(JwkSet::parse(&json).unwrap(), set);
        let only_b = JwkSet::of(&[b]).unwrap();
        assert_eq!(only_b.merged(&set).unwrap(), set);
    }

    #[test]
    fn what_is_not_a_set_of_public_rs256_keys_is_refused() {
        let json = serde_json::to_string(&JwkSet::of(&[key()]).unwrap()).unwrap();
        for (from, to, reason) in [
            (r#""use":"sig""#, r#""use":"enc""#, "unknown variant"),
            (
                r#""use":"sig""#,
                r#""use":"sig","key_ops":["verify"]"#,
                "unknown field",
            ),
            (
                r#""use":"sig""#,
                r#""use":"sig","d":"AQAB""#,
                "private member \"d\"",
            ),
            (r#""alg":"RS256""#, r#""alg":"none""#, "unknown variant"),
            (
                r#""kty":"RSA""#,
                r#""kty":"RSA","kty":"RSA""#,
                "duplicate field",
            ),
            (r#""e":"AQAB""#, r#""f":"AQAB""#, "unknown field"),
            (r#"{"keys""#, r#"<html>"#, "not a JWK Set"),
            (r#""e":"AQAB""#, r#""e":"Aw""#, "exponent is not 65537"),
            (r#""n":""#, r#""n":"AQAB","x":""#, "unknown field"),
            (r#""kid":""#, r#""kid":"x"#, "is not the one of its key"),
        ] {
            assert!(json.contains(from), "{from}");
            let error = JwkSet::parse(json.replace(from, to).as_bytes()).unwrap_err();
            assert!(error.to_string().contains(reason), "{to}: {error}");
        }
    }
}
