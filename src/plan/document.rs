//! The two published documents. The uploader takes this type and nothing else, so no other file
//! of the issuer directory can end up in the bucket.

use serde::Serialize;
use serde_json::Value;

use crate::oidc::discovery::DiscoveryDocument;
use crate::oidc::jwks::JwkSet;

/// Content type of both objects.
pub const CONTENT_TYPE: &str = "application/json";
/// Every reader must see a rotated key at once.
pub const CACHE_CONTROL: &str = "no-cache";
/// SSE-S3: an anonymous reader cannot use a KMS key, whatever the bucket's default is.
pub const ENCRYPTION: &str = "AES256";

/// A public document.
#[derive(Clone, Debug, Serialize)]
pub enum Document {
    /// `keys.json`
    Jwks(JwkSet),
    /// `.well-known/openid-configuration`
    Discovery(DiscoveryDocument),
}

impl Document {
    /// The exact bytes that are published; the same for the same input.
    pub fn text(&self) -> String {
        match self {
            Self::Jwks(set) => json_text(set),
            Self::Discovery(document) => json_text(document),
        }
    }

    /// The object's key under an issuer's prefix.
    pub fn key(&self, prefix: Option<&str>) -> String {
        let [jwks, discovery] = object_keys(prefix);
        match self {
            Self::Jwks(_) => jwks,
            Self::Discovery(_) => discovery,
        }
    }
}

/// The keys of the two objects of an issuer: JWK Set, discovery document.
pub fn object_keys(prefix: Option<&str>) -> [String; 2] {
    ["keys.json", ".well-known/openid-configuration"].map(|name| match prefix {
        Some(prefix) => format!("{prefix}/{name}"),
        None => name.to_owned(),
    })
}

/// JSON as we write it everywhere: two spaces, a newline at the end.
pub fn json_text(value: &impl Serialize) -> String {
    // Serialising these types cannot fail: no maps with other keys than strings, no I/O.
    let value = serde_json::to_value(value).unwrap_or(Value::Null);
    format!("{value:#}\n")
}
