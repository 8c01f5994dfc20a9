//! Public keys that somebody else made: PEM text, or the JWK Set of an API server.
//!
//! The key that signs stays where it is, so whatever could hold a private key is not looked at further.

use serde::Deserialize;
use serde_json::Value;

use crate::oidc::key::PublicKey;
use crate::oidc::key_error::KeyError;

/// Members that only a private or symmetric key has (RFC 7518 §6.2.2, §6.3.2 and §6.4).
const PRIVATE_MEMBERS: [&str; 8] = ["d", "p", "q", "dp", "dq", "qi", "oth", "k"];

/// The keys of a file.
#[derive(Debug)]
pub struct Adopted {
    /// Those that can be published.
    pub keys: Vec<PublicKey>,
    /// Keys of the JWK Set that AWS does not take, as kid and reason.
    pub left_out: Vec<String>,
}

/// Why no keys were taken.
#[derive(Debug, thiserror::Error)]
pub enum AdoptError {
    /// A private key.
    #[error("it holds a private key, and only public ones are taken")]
    Private,
    /// PEM text that does not do.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// JSON that is not a JWK Set.
    #[error("it is JSON, but not a JWK Set: {0}")]
    Json(#[from] serde_json::Error),
    /// A key of the JWK Set that does not do.
    #[error("its key with the kid {0:?} cannot be published: {1}")]
    Jwk(String, String),
    /// Nothing to publish.
    #[error("none of its keys can be published{0}")]
    None(String),
}

#[derive(Deserialize)]
struct JwkSet {
    keys: Vec<Jwk>,
}

/// What kube-apiserver writes of a key (kubernetes `pkg/serviceaccount/openidmetadata.go`).
#[derive(Deserialize)]
struct Jwk {
    kty: String,
    #[serde(default)]
    kid: String,
    #[serde(default)]
    alg: Option<String>,
    #[serde(default)]
    n: String,
    #[serde(default)]
    e: String,
}

/// Whether the text holds a private key, in any form that it can have here.
pub fn is_private(text: &[u8]) -> bool {
    let label = b"PRIVATE KEY";
    let in_pem = text.windows(label.len()).any(|window| window == label);
    let set: Option<Value> = serde_json::from_slice(without_mark(text)).ok();
    let has_private = |key: &Value| PRIVATE_MEMBERS.iter().any(|name| key.get(name).is_some());
    let in_set = |set: &Value| {
        let keys = set.get("keys").and_then(Value::as_array);
        has_private(set) || keys.is_some_and(|keys| keys.iter().any(has_private))
    };
    in_pem || set.as_ref().is_some_and(in_set)
}

/// The keys of a file without private keys.
pub fn adopt(text: &[u8]) -> Result<Adopted, AdoptError> {
    if is_private(text) {
        Err(AdoptError::Private)
    } else {
        public_keys(text)
    }
}

/// The public keys of PEM text, also of private keys in it, or of a JWK Set.
pub fn public_keys(text: &[u8]) -> Result<Adopted, AdoptError> {
    let json = without_mark(text);
    if !json.starts_with(b"{") {
        return Ok(Adopted {
            keys: PublicKey::all_from_pem(text)?,
            left_out: Vec::new(),
        });
    }
    let set: JwkSet = serde_json::from_slice(json)?;
    let (mut keys, mut left_out) = (Vec::new(), Vec::new());
    for jwk in set.keys {
        let alg = jwk.alg.as_deref().unwrap_or("RS256");
        if (jwk.kty.as_str(), alg) != ("RSA", "RS256") {
            left_out.push(format!("{} ({}, {alg})", jwk.kid, jwk.kty));
            continue;
        }
        let refused = |cause: String| AdoptError::Jwk(jwk.kid.clone(), cause);
        let key = PublicKey::from_jwk(&jwk.n, &jwk.e);
        let key = key.map_err(|cause| refused(cause.to_string()))?;
        let kid = key.kid()?;
        // A kid that is not the key's own is an external signer's, and its tokens carry it.
        if !jwk.kid.is_empty() && kid.as_str() != jwk.kid {
            return Err(refused(format!("the kid of this key is {kid}")));
        }
        keys.push(key);
    }
    match (keys.is_empty(), left_out.is_empty()) {
        (true, true) => Err(AdoptError::None(String::new())),
        (true, false) => Err(AdoptError::None(format!(
            ": AWS takes RSA keys for RS256, and these are {}",
            left_out.join(", ")
        ))),
        (false, _) => Ok(Adopted { keys, left_out }),
    }
}

/// The text from its first visible character on: editors put a byte order mark before it.
fn without_mark(text: &[u8]) -> &[u8] {
    let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text);
    text.trim_ascii_start()
}

#[cfg(test)]
mod tests {
    use super::super::signing_key::SigningKey;
    use super::*;

    #[test]
    fn a_set_gives_its_rsa_keys_and_names_the_others() {
        let key = SigningKey::generate(2048).unwrap().public().unwrap();
        let set = super::super::jwks::JwkSet::of(std::slice::from_ref(&key)).unwrap();
        let mut json = serde_json::to_value(&set).unwrap();
        let ec = serde_json::json!({"kty": "EC", "kid": "x", "alg": "ES256", "crv": "P-256", "x": "", "y": ""});
        json["keys"].as_array_mut().unwrap().push(ec.clone());
        let adopted = adopt(json.to_string().as_bytes()).unwrap();
        assert_eq!(adopted.keys, [key]);
        assert_eq!(adopted.left_out, ["x (EC, ES256)"]);
        for (text, reason) in [
            (
                serde_json::json!({"keys": [ec]}).to_string(),
                "these are x (EC, ES256)",
            ),
            (r#"{"keys":[]}"#.to_owned(), "none of its keys"),
            (
                json.to_string().replace(r#""kid":""#, r#""kid":"y"#),
                "the kid of this key is",
            ),
            (
                json.to_string().replace(r#""e":"AQAB""#, r#""e":"Aw""#),
                "exponent is not 65537",
            ),
            (
                json.to_string().replace(r#""n":"#, r#""d":"x","n":"#),
                "private key",
            ),
            (r#"{"kty":"oct","k":"x"}"#.to_owned(), "private key"),
            (r#"{"issuer":"x"}"#.to_owned(), "not a JWK Set"),
            ("-----BEGIN RSA PRIVATE KEY-----".to_owned(), "private key"),
            ("text".to_owned(), "no PEM block"),
        ] {
            let error = adopt(text.as_bytes()).unwrap_err();
            assert!(error.to_string().contains(reason), "{text}: {error}");
        }
    }
}
