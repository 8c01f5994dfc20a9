//! What the user asked for, fully resolved: every name, ARN and byte is computed.

use serde::Serialize;
use serde_json::Value;

use crate::iam::arn::{self, AccountId, Partition};
use crate::iam::bucket::BucketName;
use crate::iam::policy::{self, MergeError};
use crate::iam::role::Trust;
use crate::iam::thumbprint::Thumbprint;
use crate::oidc::discovery::DiscoveryDocument;
use crate::oidc::issuer::Issuer;
use crate::oidc::jwks::JwkSet;
use crate::oidc::key::Kid;
use crate::plan::document::object_keys;
use crate::plan::removal::Teardown;
use crate::plan::tags::Tags;

/// Everything a command wants to be there. `publish` and `provider` are slices of `bootstrap`.
#[derive(Clone, Debug)]
pub struct Desired {
    /// The issuer.
    pub issuer: Issuer,
    /// The bucket with the two documents.
    pub publication: Option<Publication>,
    /// The IAM OpenID Connect provider.
    pub provider: Option<Provider>,
    /// Roles that service accounts assume.
    pub roles: Vec<Role>,
    /// The published JWK Set alone, wherever it lies.
    pub key_set: Option<KeySet>,
    /// An issuer that is to be no more.
    pub teardown: Option<Teardown>,
    /// Take over what is not tagged ours.
    pub adopt: bool,
}

impl Desired {
    /// Nothing of an issuer: what is wanted of it is added.
    pub fn of(issuer: Issuer) -> Self {
        Self {
            issuer,
            publication: None,
            provider: None,
            roles: Vec::new(),
            key_set: None,
            teardown: None,
            adopt: false,
        }
    }

    /// The keys of the issuer's objects, where its bucket is concerned.
    pub fn object_keys(&self) -> Vec<String> {
        let published = self.publication.iter().flat_map(Publication::object_keys);
        let removed = self.teardown.iter().flat_map(|one| one.object_keys.clone());
        published.chain(removed).collect()
    }

    /// Settles the provider's thumbprint, which takes a look at the issuer's host.
    pub fn set_thumbprint(&mut self, thumbprint: ThumbprintChoice) {
        if let Some(provider) = &mut self.provider {
            provider.thumbprint = thumbprint;
        }
    }
}

/// The bucket, who may read it, and the two documents in it.
#[derive(Clone, Debug)]
pub struct Publication {
    /// The bucket.
    pub bucket: BucketName,
    /// Its region.
    pub region: String,
    /// The partition of its ARN.
    pub partition: Partition,
    /// The account that owns it, sent as expected bucket owner.
    pub account: AccountId,
    /// The path of the issuer, without slashes at the ends.
    pub prefix: Option<String>,
    /// Tags that must be on the bucket.
    pub tags: Tags,
    /// The public keys of this cluster.
    pub keys: JwkSet,
    /// Publish them beside others that are there, which is what a rotation does.
    pub add_key: bool,
    /// The discovery document.
    pub discovery: DiscoveryDocument,
}

impl Publication {
    /// The keys of the two objects: JWK Set, discovery document.
    pub fn object_keys(&self) -> [String; 2] {
        object_keys(self.prefix.as_deref())
    }

    /// The bucket policy that must be there, given the one that is.
    pub fn policy(&self, existing: Option<&Value>) -> Result<Value, MergeError> {
        let arns = self
            .object_keys()
            .map(|key| arn::object(&self.partition, self.bucket.as_str(), &key));
        policy::merged(
            existing,
            &policy::statement_id(self.prefix.as_deref()),
            &arns,
        )
    }
}

/// A published JWK Set that a key joins or leaves: what a rotation changes, and nothing else of the bucket.
#[derive(Clone, Debug)]
pub struct KeySet {
    /// The bucket.
    pub bucket: BucketName,
    /// The account that owns it.
    pub account: AccountId,
    /// The object.
    pub key: String,
    /// Keys that must be in the set.
    pub join: JwkSet,
    /// Key IDs that must not be.
    pub retire: Vec<Kid>,
}

/// The public access block (S3 `PublicAccessBlockConfiguration`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct PublicAccessBlock {
    /// Refuse public ACLs.
    pub block_public_acls: bool,
    /// Ignore public ACLs.
    pub ignore_public_acls: bool,
    /// Refuse public bucket policies.
    pub block_public_policy: bool,
    /// Let only AWS services and the account through public policies.
    pub restrict_public_buckets: bool,
}

impl PublicAccessBlock {
    /// Whether it keeps from the public what a bucket policy gives it.
    pub fn holds_back(self) -> bool {
        self.block_public_policy || self.restrict_public_buckets
    }

    /// Public by policy only: both ACL halves stay on.
    pub const POLICY_ONLY: Self = Self {
        block_public_acls: true,
        ignore_public_acls: true,
        block_public_policy: false,
        restrict_public_buckets: false,
    };
}

/// The IAM OpenID Connect provider.
#[derive(Clone, Debug)]
pub struct Provider {
    /// Its ARN.
    pub arn: String,
    /// Its URL: the issuer.
    pub url: Issuer,
    /// Its audiences.
    pub audiences: Audiences,
    /// Its thumbprint.
    pub thumbprint: ThumbprintChoice,
    /// Tags that must be on it.
    pub tags: Tags,
    /// The account that it is in.
    pub account: AccountId,
    /// The buckets of this account that its trust hangs on: it is made only when they were just seen.
    pub buckets: Vec<BucketName>,
}

/// The name of the inline policy that is ours.
pub const INLINE_POLICY: &str = "irsactl";

/// A role that service accounts assume.
#[derive(Clone, Debug, Serialize)]
pub struct Role {
    /// Its name.
    pub name: String,
    /// Who may assume it.
    pub trust: Trust,
    /// Managed policies that must be attached.
    pub policy_arns: Vec<String>,
    /// The inline policy [`INLINE_POLICY`].
    pub inline_policy: Option<Value>,
    /// The permissions boundary.
    pub permissions_boundary: Option<String>,
    /// The longest session, in seconds.
    pub max_session: Option<i32>,
    /// Tags that must be on it.
    pub tags: Tags,
}

/// The audiences (IAM's client IDs) that a provider must have.
#[derive(Clone, Debug)]
pub enum Audiences {
    /// Given by the user: exactly these.
    Exactly(Vec<String>),
    /// The default: at least this one. What others added is kept.
    AtLeast(String),
}

impl Audiences {
    /// The audiences of a new provider.
    pub fn initial(&self) -> Vec<String> {
        match self {
            Self::Exactly(list) => list.clone(),
            Self::AtLeast(one) => vec![one.clone()],
        }
    }
}

/// Where the provider's thumbprint comes from.
#[derive(Clone, Debug)]
pub enum ThumbprintChoice {
    /// Given by the user: exactly this one.
    Given(Thumbprint),
    /// Read from the issuer's TLS chain: it must be in the list. Others in it are kept, since the
    /// chain may look different from elsewhere (proxies, a certificate being replaced).
    Observed(Thumbprint),
    /// Left to IAM, which connects to the issuer itself when the provider is created.
    Iam,
}

impl ThumbprintChoice {
    /// The thumbprint, where we have one.
    pub fn value(&self) -> Option<&Thumbprint> {
        match self {
            Self::Given(thumbprint) | Self::Observed(thumbprint) => Some(thumbprint),
            Self::Iam => None,
        }
    }
}
