//! One change: one API call, with all that it sends and what was there before.

use serde::Serialize;
use serde_json::{Value, json};

use crate::iam::arn::AccountId;
use crate::iam::bucket::BucketName;
use crate::iam::thumbprint::Thumbprint;
use crate::oidc::issuer::Issuer;
use crate::oidc::key::Kid;

use super::desired::{PublicAccessBlock, Tags};
use super::document::{CACHE_CONTROL, CONTENT_TYPE, Document, ENCRYPTION};
use super::observed::Object;

/// A change to a bucket or a provider.
#[derive(Clone, Debug)]
pub enum Change {
    /// A bucket that is absent.
    CreateBucket {
        /// Its name.
        bucket: BucketName,
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
    /// The whole thumbprint list.
    UpdateThumbprints {
        /// The provider's ARN.
        arn: String,
        /// The list now.
        before: Vec<String>,
        /// The one that replaces it.
        after: Thumbprint,
    },
}

/// What a change does to its resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Action {
    /// It comes to be.
    Create,
    /// It is changed in place.
    Update,
    /// It goes.
    Remove,
}

/// One line under a change.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Field {
    /// What it is.
    pub name: &'static str,
    /// Its value now; absent when there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub before: Option<Value>,
    /// Its value then.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after: Option<Value>,
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
        }
    }

    /// What it does to its resource.
    pub fn action(&self) -> Action {
        match self {
            Self::CreateBucket { .. } | Self::CreateProvider { .. } => Action::Create,
            Self::PutBucketPolicy { before: None, .. } | Self::PutObject { before: None, .. } => {
                Action::Create
            }
            Self::AddAudience { .. } => Action::Create,
            Self::RemoveAudience { .. } => Action::Remove,
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
        }
    }

    /// The fields that are set or differ.
    pub fn fields(&self) -> Vec<Field> {
        let set = |name, after: Value| Field {
            name,
            before: None,
            after: Some(after),
        };
        match self {
            Self::CreateBucket {
                bucket,
                region,
                tags,
            } => vec![
                set("region", json!(region)),
                set(
                    "namespace",
                    json!(if bucket.is_account_regional() {
                        "account-regional"
                    } else {
                        "global"
                    }),
                ),
                set("tags", json!(tags)),
            ],
            Self::TagBucket { before, after, .. } | Self::TagProvider { before, after, .. } => {
                differing("tags", json!(before), json!(after))
            }
            Self::PutPublicAccessBlock { before, after, .. } => [
                (
                    "BlockPublicAcls",
                    before.map(|b| b.block_public_acls),
                    after.block_public_acls,
                ),
                (
                    "IgnorePublicAcls",
                    before.map(|b| b.ignore_public_acls),
                    after.ignore_public_acls,
                ),
                (
                    "BlockPublicPolicy",
                    before.map(|b| b.block_public_policy),
                    after.block_public_policy,
                ),
                (
                    "RestrictPublicBuckets",
                    before.map(|b| b.restrict_public_buckets),
                    after.restrict_public_buckets,
                ),
            ]
            .into_iter()
            .flat_map(|(name, before, after)| differing(name, json!(before), json!(after)))
            .collect(),
            Self::PutBucketPolicy { before, after, .. } => {
                differing("policy", json!(before), after.clone())
            }
            Self::PutObject {
                before, document, ..
            } => object_fields(before.as_ref(), document),
            Self::CreateProvider {
                url,
                audiences,
                thumbprint,
                tags,
                ..
            } => vec![
                set("url", json!(url)),
                set("audiences", json!(audiences)),
                set(
                    "thumbprint",
                    thumbprint
                        .as_ref()
                        .map_or(json!("retrieved by IAM"), |t| json!(t)),
                ),
                set("tags", json!(tags)),
            ],
            Self::AddAudience { audience, .. } => vec![set("audience", json!(audience))],
            Self::RemoveAudience { audience, .. } => {
                vec![Field {
                    name: "audience",
                    before: Some(json!(audience)),
                    after: None,
                }]
            }
            Self::UpdateThumbprints { before, after, .. } => {
                differing("thumbprints", json!(before), json!([after]))
            }
        }
    }
}

fn differing(name: &'static str, before: Value, after: Value) -> Vec<Field> {
    match before == after {
        true => Vec::new(),
        false => vec![Field {
            name,
            before: (!before.is_null()).then_some(before),
            after: Some(after),
        }],
    }
}

fn object_fields(before: Option<&Object>, document: &Document) -> Vec<Field> {
    let text = document.text();
    let body_before = before.map(|object| String::from_utf8_lossy(&object.body).into_owned());
    let body = match document {
        Document::Jwks(set) => {
            let published = body_before
                .as_deref()
                .and_then(|text| crate::oidc::jwks::JwkSet::parse(text.as_bytes()).ok());
            let kids = |set: &crate::oidc::jwks::JwkSet| {
                json!(set.kids().map(Kid::as_str).collect::<Vec<_>>())
            };
            differing("kids", json!(published.as_ref().map(kids)), kids(set))
        }
        Document::Discovery(_) => differing(
            "body",
            as_json(body_before.as_deref()),
            as_json(Some(&text)),
        ),
    };
    let header = |name, before: Option<&Option<String>>, after| {
        differing(name, json!(before.cloned().flatten()), json!(after))
    };
    [
        body,
        differing(
            "bytes",
            json!(before.map(|object| object.body.len())),
            json!(text.len()),
        ),
        header(
            "content-type",
            before.map(|o| &o.content_type),
            CONTENT_TYPE,
        ),
        header(
            "cache-control",
            before.map(|o| &o.cache_control),
            CACHE_CONTROL,
        ),
        header("encryption", before.map(|o| &o.encryption), ENCRYPTION),
    ]
    .concat()
}

/// A document as JSON where it is JSON, else as text.
fn as_json(text: Option<&str>) -> Value {
    text.map_or(Value::Null, |text| {
        serde_json::from_str(text).unwrap_or_else(|_| json!(text))
    })
}
