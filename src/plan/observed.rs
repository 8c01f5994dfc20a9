//! What is there, as AWS tells it and shows it to anybody. Tests write it by hand: it is the seam.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value;

use crate::plan::desired::PublicAccessBlock;
use crate::plan::removal::Remains;
use crate::plan::tags::Tags;

/// Everything that was read. `None`: it does not exist.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Observed {
    /// The bucket.
    pub bucket: Option<Bucket>,
    /// The IAM OpenID Connect provider.
    pub provider: Option<Provider>,
    /// The roles that exist, by name.
    pub roles: BTreeMap<String, Role>,
    /// The bucket's tags and the object, where a JWK Set alone is looked at.
    pub key_set: Option<(Tags, Option<Object>)>,
    /// What is left of an issuer that is to go.
    pub remains: Option<Remains>,
    /// The key store, where one is used.
    pub key_store: Option<KeyStore>,
    /// Whether the account lets nobody write a public bucket policy.
    #[serde(skip)]
    pub account_blocks_policies: bool,
    /// What anybody gets, where that was asked beside the rest.
    #[serde(skip)]
    pub shown: Shown,
}

/// The bytes of both documents as an anonymous GET answers them; `None`: it was not asked, or they did not come.
#[derive(Clone, Debug, Default)]
pub struct Shown {
    /// The JWK Set.
    pub jwks: Option<Vec<u8>>,
    /// The discovery document.
    pub discovery: Option<Vec<u8>>,
}

/// Where the signing key is kept, or will be. No key is in it.
#[derive(Clone, Debug, Default, Serialize)]
pub struct KeyStore {
    /// As the plan's notes have it.
    pub notes: Vec<String>,
    /// How many keys are to be put there or tagged, before the plan's changes.
    pub changes: usize,
}

/// A bucket of this account in this region.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Bucket {
    /// Its tags.
    pub tags: Tags,
    /// Its own public access block; none is as if all four were off.
    pub public_access_block: Option<PublicAccessBlock>,
    /// Its policy.
    pub policy: Option<Value>,
    /// The object at `keys.json`.
    pub jwks: Option<Object>,
    /// The object at `.well-known/openid-configuration`.
    pub discovery: Option<Object>,
}

/// A published object.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Object {
    /// Its bytes.
    pub body: Vec<u8>,
    /// Its entity tag, for If-Match.
    pub etag: String,
    /// Its `Content-Type`.
    pub content_type: Option<String>,
    /// Its `Cache-Control`.
    pub cache_control: Option<String>,
    /// Its `x-amz-server-side-encryption`.
    pub encryption: Option<String>,
}

/// An IAM OpenID Connect provider.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Provider {
    /// Its audiences.
    pub audiences: Vec<String>,
    /// Its thumbprints.
    pub thumbprints: Vec<String>,
    /// Its tags.
    pub tags: Tags,
}

/// A role.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Role {
    /// Its path, which is a part of its ARN.
    pub path: String,
    /// Its trust policy.
    pub trust: Value,
    /// The ARNs of its managed policies.
    pub policy_arns: Vec<String>,
    /// The inline policy that is ours.
    pub inline_policy: Option<Value>,
    /// Its permissions boundary.
    pub permissions_boundary: Option<String>,
    /// Its longest session, in seconds.
    pub max_session: Option<i32>,
    /// Its tags.
    pub tags: Tags,
}
