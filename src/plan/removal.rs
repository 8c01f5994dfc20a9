//! What is taken away, one call each, in the safe order: roles, provider, objects, and the bucket last
//! if at all. A provider whose bucket is gone lets whoever takes the name sign tokens.

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Value, json};

use crate::iam::arn::AccountId;
use crate::iam::bucket::BucketName;
use crate::oidc::key::Kid;
use crate::plan::line::{Field, unset};
use crate::plan::tags::{Tags, is_ours};

/// Something that goes.
#[derive(Clone, Debug, Serialize)]
pub enum Removal {
    /// A managed policy is detached: a role with one cannot be deleted.
    AttachedPolicy {
        /// The role's name.
        role: String,
        /// The policy's ARN.
        policy_arn: String,
    },
    /// An inline policy of a role.
    InlinePolicy {
        /// The role's name.
        role: String,
        /// The policy's name.
        name: String,
    },
    /// A role.
    Role {
        /// Its name.
        role: String,
    },
    /// The OpenID Connect provider; done when it is confirmed to be gone.
    Provider {
        /// Its ARN.
        arn: String,
    },
    /// One version of an object, or a delete marker.
    Object {
        /// The bucket.
        bucket: BucketName,
        /// Its owner.
        owner: AccountId,
        /// The object's key.
        key: String,
        /// The version; "null" for one from before the bucket had versions.
        version: String,
    },
    /// The whole bucket policy, which holds nothing but our statement.
    BucketPolicy {
        /// The bucket.
        bucket: BucketName,
        /// Its owner.
        owner: AccountId,
        /// The policy now.
        before: Value,
    },
    /// The bucket, which is empty then.
    Bucket {
        /// Its name.
        bucket: BucketName,
        /// Its owner.
        owner: AccountId,
    },
}

impl Removal {
    /// The API call that it is, as `service:Operation`.
    pub(super) fn operation(&self) -> &'static str {
        match self {
            Self::AttachedPolicy { .. } => "iam:DetachRolePolicy",
            Self::InlinePolicy { .. } => "iam:DeleteRolePolicy",
            Self::Role { .. } => "iam:DeleteRole",
            Self::Provider { .. } => "iam:DeleteOpenIDConnectProvider",
            Self::Object { .. } => "s3:DeleteObject",
            Self::BucketPolicy { .. } => "s3:DeleteBucketPolicy",
            Self::Bucket { .. } => "s3:DeleteBucket",
        }
    }

    /// The resource, in words.
    pub(super) fn resource(&self) -> String {
        match self {
            Self::AttachedPolicy { role, .. } => format!("managed policy of role {role}"),
            Self::InlinePolicy { role, .. } => format!("inline policy of role {role}"),
            Self::Role { role } => format!("role {role}"),
            Self::Provider { arn } => format!("OpenID Connect provider {arn}"),
            Self::Object { bucket, key, .. } => format!("object s3://{bucket}/{key}"),
            Self::BucketPolicy { bucket, .. } => format!("bucket policy of s3://{bucket}"),
            Self::Bucket { bucket, .. } => format!("bucket s3://{bucket}"),
        }
    }

    /// What is lost.
    pub(super) fn fields(&self) -> Vec<Field> {
        match self {
            Self::AttachedPolicy { policy_arn, .. } => vec![unset("policy", json!(policy_arn))],
            Self::InlinePolicy { name, .. } => vec![unset("policy", json!(name))],
            Self::Object { version, .. } if version != "null" => {
                vec![unset("version", json!(version))]
            }
            Self::BucketPolicy { before, .. } => vec![unset("policy", before.clone())],
            _ => Vec::new(),
        }
    }
}

/// An issuer that is to be no more.
#[derive(Clone, Debug)]
pub struct Teardown {
    /// The ARN of its provider.
    pub provider_arn: String,
    /// The cluster, whose tag a provider of ours has.
    pub cluster: Option<String>,
    /// Whether the roles of ours that trust it go too.
    pub with_roles: bool,
    /// The bucket.
    pub bucket: BucketName,
    /// The account that owns it.
    pub account: AccountId,
    /// The keys of its two documents.
    pub object_keys: [String; 2],
    /// The Sid of our statement of the bucket policy.
    pub statement_id: String,
    /// Whether the bucket goes too.
    pub with_bucket: bool,
    /// The key ID of the issuer directory: whose documents they are, where no provider says so.
    pub own_kid: Option<Kid>,
    /// Whether the bucket's name is made of the cluster's.
    pub bucket_is_derived: bool,
}

/// What is left of an issuer.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Remains {
    /// The provider's tags; `None`: it does not exist.
    pub provider: Option<Tags>,
    /// The roles that trust it.
    pub roles: Vec<TrustingRole>,
    /// The bucket; `None`: it does not exist, or is not this account's.
    pub bucket: Option<BucketRemains>,
    /// Why the bucket is not looked into: it is somebody else's by now.
    pub foreign_bucket: Option<String>,
}

impl Remains {
    /// What is to become of the bucket.
    pub fn bucket_end(&self, teardown: &Teardown) -> BucketEnd {
        match (&self.bucket, &self.foreign_bucket) {
            (_, Some(_)) => BucketEnd::Foreign,
            (None, None) => BucketEnd::Absent,
            (Some(bucket), None) if !is_ours(&bucket.tags) => BucketEnd::NotOurs,
            _ if teardown.with_bucket => BucketEnd::Deleted,
            _ => BucketEnd::Kept,
        }
    }
}

/// What becomes of an issuer's bucket.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum BucketEnd {
    /// It stays, without the issuer's documents: nobody else can take its name.
    Kept,
    /// It goes.
    Deleted,
    /// It was not there.
    Absent,
    /// It may be another account's, and is left alone.
    Foreign,
    /// It is not tagged as ours, and its documents are left alone.
    NotOurs,
}

/// A role that trusts the provider.
#[derive(Clone, Debug, Default, Serialize)]
pub struct TrustingRole {
    /// Its name.
    pub name: String,
    /// Its tags.
    pub tags: Tags,
    /// Its managed policies, by ARN.
    pub policy_arns: Vec<String>,
    /// Its inline policies, by name.
    pub inline_policies: Vec<String>,
    /// The instance profiles that it is in.
    pub instance_profiles: Vec<String>,
    /// Whether its trust policy lets somebody else in too.
    pub is_shared: bool,
}

/// What is left in a bucket.
#[derive(Clone, Debug, Default, Serialize)]
pub struct BucketRemains {
    /// Its tags.
    pub tags: Tags,
    /// Its policy.
    pub policy: Option<Value>,
    /// Versions and delete markers of the two documents: key and version.
    pub documents: Vec<(String, String)>,
    /// Keys of other objects, the first few.
    pub others: Vec<String>,
    /// The JWK Set that is published.
    pub jwks: Option<Vec<u8>>,
}
