//! One change: one API call, with all that it sends and what was there before.

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use crate::iam::arn::AccountId;
use crate::iam::bucket::BucketName;
use crate::iam::thumbprint::Thumbprint;
use crate::oidc::issuer::Issuer;
use crate::plan::desired::{PublicAccessBlock, Role};
use crate::plan::document::Document;
use crate::plan::observed::Object;
use crate::plan::removal::Removal;
use crate::plan::tags::Tags;

/// A change to a bucket or a provider.
#[derive(Clone, Debug, Serialize)]
pub enum Change {
    /// A bucket that is absent.
    CreateBucket {
        /// Its name.
        bucket: BucketName,
        /// The account that is to have it.
        owner: AccountId,
        /// Its region.
        region: String,
        /// Its tags, set in the same call.
        tags: Tags,
    },
    /// Tags on a bucket that is taken over.
    TagBucket {
        /// Its name.
        bucket: BucketName,
        /// Its owner.
        owner: AccountId,
        /// All its tags now.
        before: Tags,
        /// All its tags then: S3 replaces the whole set.
        after: Tags,
    },
    /// The bucket's public access block.
    PutPublicAccessBlock {
        /// Its name.
        bucket: BucketName,
        /// Its owner.
        owner: AccountId,
        /// What is there. A new bucket has all four on.
        before: Option<PublicAccessBlock>,
        /// What must be there.
        after: PublicAccessBlock,
    },
    /// The bucket's policy.
    PutBucketPolicy {
        /// Its name.
        bucket: BucketName,
        /// Its owner.
        owner: AccountId,
        /// The whole policy now.
        before: Option<Value>,
        /// The whole policy then.
        after: Value,
    },
    /// A document.
    PutObject {
        /// The bucket.
        bucket: BucketName,
        /// Its owner.
        owner: AccountId,
        /// The object's key.
        key: String,
        /// What is there; its ETag goes with the write as If-Match, absence as If-None-Match.
        before: Option<Object>,
        /// What is written.
        document: Document,
    },
    /// A provider that is absent.
    CreateProvider {
        /// Its ARN.
        arn: String,
        /// Its URL.
        url: Issuer,
        /// Its audiences.
        audiences: Vec<String>,
        /// Its thumbprint; none lets IAM retrieve it.
        thumbprint: Option<Thumbprint>,
        /// Its tags.
        tags: Tags,
        /// The account that it is in.
        account: AccountId,
        /// The buckets that must be seen to be that account's, right before.
        buckets: Vec<BucketName>,
    },
    /// Tags on a provider.
    TagProvider {
        /// Its ARN.
        arn: String,
        /// These tags now.
        before: Tags,
        /// Tags to add or to change.
        after: Tags,
    },
    /// An audience that is missing.
    AddAudience {
        /// The provider's ARN.
        arn: String,
        /// The audience.
        audience: String,
    },
    /// An audience that the user's list does not have.
    RemoveAudience {
        /// The provider's ARN.
        arn: String,
        /// The audience.
        audience: String,
    },
    /// A role that is absent.
    CreateRole {
        /// What it is to be; its policies are attached by changes of their own.
        role: Role,
        /// Its trust policy.
        trust: Value,
    },
    /// Tags on a role.
    TagRole {
        /// Its name.
        role: String,
        /// These tags now.
        before: Tags,
        /// Tags to add or to change.
        after: Tags,
    },
    /// The trust policy.
    UpdateTrustPolicy {
        /// The role's name.
        role: String,
        /// The whole policy now.
        before: Value,
        /// The whole policy then.
        after: Value,
    },
    /// A managed policy that is not attached.
    AttachPolicy {
        /// The role's name.
        role: String,
        /// The policy's ARN.
        policy_arn: String,
    },
    /// The inline policy.
    PutInlinePolicy {
        /// The role's name.
        role: String,
        /// The policy now.
        before: Option<Value>,
        /// The policy then.
        after: Value,
    },
    /// The permissions boundary.
    PutPermissionsBoundary {
        /// The role's name.
        role: String,
        /// The ARN now.
        before: Option<String>,
        /// The ARN then.
        after: String,
    },
    /// The longest session.
    UpdateMaxSession {
        /// The role's name.
        role: String,
        /// Seconds now.
        before: Option<i32>,
        /// Seconds then.
        after: i32,
    },
    /// Something goes.
    Remove(Removal),
    /// The whole thumbprint list.
    UpdateThumbprints {
        /// The provider's ARN.
        arn: String,
        /// The list now.
        before: Vec<String>,
        /// The list that replaces it.
        after: Vec<String>,
    },
}

/// What a change does to its resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Action {
    /// It comes to be.
    Create,
    /// It is changed in place.
    Update,
    /// It goes.
    Remove,
}

impl Change {
    /// The API call that it is, as `service:Operation`.
    pub fn operation(&self) -> &'static str {
        match self {
            Self::CreateBucket { .. } => "s3:CreateBucket",
            Self::TagBucket { .. } => "s3:PutBucketTagging",
            Self::PutPublicAccessBlock { .. } => "s3:PutPublicAccessBlock",
            Self::PutBucketPolicy { .. } => "s3:PutBucketPolicy",
            Self::PutObject { .. } => "s3:PutObject",
            Self::CreateProvider { .. } => "iam:CreateOpenIDConnectProvider",
            Self::TagProvider { .. } => "iam:TagOpenIDConnectProvider",
            Self::AddAudience { .. } => "iam:AddClientIDToOpenIDConnectProvider",
            Self::RemoveAudience { .. } => "iam:RemoveClientIDFromOpenIDConnectProvider",
            Self::UpdateThumbprints { .. } => "iam:UpdateOpenIDConnectProviderThumbprint",
            Self::CreateRole { .. } => "iam:CreateRole",
            Self::TagRole { .. } => "iam:TagRole",
            Self::UpdateTrustPolicy { .. } => "iam:UpdateAssumeRolePolicy",
            Self::AttachPolicy { .. } => "iam:AttachRolePolicy",
            Self::PutInlinePolicy { .. } => "iam:PutRolePolicy",
            Self::PutPermissionsBoundary { .. } => "iam:PutRolePermissionsBoundary",
            Self::UpdateMaxSession { .. } => "iam:UpdateRole",
            Self::Remove(removal) => removal.operation(),
        }
    }

    /// What it does to its resource.
    pub fn action(&self) -> Action {
        match self {
            Self::CreateBucket { .. } | Self::CreateProvider { .. } => Action::Create,
            Self::PutBucketPolicy { before: None, .. } | Self::PutObject { before: None, .. } => {
                Action::Create
            }
            Self::AddAudience { .. } | Self::CreateRole { .. } | Self::AttachPolicy { .. } => {
                Action::Create
            }
            Self::PutInlinePolicy { before: None, .. }
            | Self::PutPermissionsBoundary { before: None, .. } => Action::Create,
            Self::RemoveAudience { .. } | Self::Remove(_) => Action::Remove,
            _ => Action::Update,
        }
    }

    /// The resource, in words.
    pub fn resource(&self) -> String {
        match self {
            Self::CreateBucket { bucket, .. } => format!("bucket s3://{bucket}"),
            Self::TagBucket { bucket, .. } => format!("tags of bucket s3://{bucket}"),
            Self::PutPublicAccessBlock { bucket, .. } => {
                format!("public access block of s3://{bucket}")
            }
            Self::PutBucketPolicy { bucket, .. } => format!("bucket policy of s3://{bucket}"),
            Self::PutObject { bucket, key, .. } => format!("object s3://{bucket}/{key}"),
            Self::CreateProvider { arn, .. } => format!("OpenID Connect provider {arn}"),
            Self::TagProvider { arn, .. } => format!("tags of {arn}"),
            Self::AddAudience { arn, .. } | Self::RemoveAudience { arn, .. } => {
                format!("audience of {arn}")
            }
            Self::UpdateThumbprints { arn, .. } => format!("thumbprint of {arn}"),
            Self::CreateRole { role, .. } => format!("role {}", role.name),
            Self::TagRole { role, .. } => format!("tags of role {role}"),
            Self::UpdateTrustPolicy { role, .. } => format!("trust policy of role {role}"),
            Self::AttachPolicy { role, .. } => format!("managed policy of role {role}"),
            Self::PutInlinePolicy { role, .. } => format!("inline policy of role {role}"),
            Self::PutPermissionsBoundary { role, .. } => {
                format!("permissions boundary of role {role}")
            }
            Self::UpdateMaxSession { role, .. } => format!("longest session of role {role}"),
            Self::Remove(removal) => removal.resource(),
        }
    }
}
