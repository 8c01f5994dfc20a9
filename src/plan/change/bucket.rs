//! Changes to a bucket, and to what is in it.

use serde::Serialize;
use serde_json::{Value, json};

use crate::iam::arn::AccountId;
use crate::iam::bucket::BucketName;
use crate::oidc::jwks::JwkSet;
use crate::oidc::key::Kid;
use crate::plan::action::Action;
use crate::plan::desired::PublicAccessBlock;
use crate::plan::document::{CACHE_CONTROL, CONTENT_TYPE, Document, ENCRYPTION};
use crate::plan::line::{Field, differing, differing_tags, set};
use crate::plan::observed::{Bucket, Object};
use crate::plan::tags::Tags;

/// A change to a bucket, or to what is in it.
#[derive(Clone, Debug, Serialize)]
pub enum BucketChange {
    /// A bucket that is absent.
    Create {
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
    Tag {
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
    PutPolicy {
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
}

impl BucketChange {
    /// The API call that it is, as `service:Operation`.
    pub fn operation(&self) -> &'static str {
        match self {
            Self::Create { .. } => "s3:CreateBucket",
            Self::Tag { .. } => "s3:PutBucketTagging",
            Self::PutPublicAccessBlock { .. } => "s3:PutPublicAccessBlock",
            Self::PutPolicy { .. } => "s3:PutBucketPolicy",
            Self::PutObject { .. } => "s3:PutObject",
        }
    }

    /// What it does to its resource.
    pub fn action(&self) -> Action {
        match self {
            Self::Create { .. }
            | Self::PutPolicy { before: None, .. }
            | Self::PutObject { before: None, .. } => Action::Create,
            _ => Action::Update,
        }
    }

    /// The resource, in words.
    pub fn resource(&self) -> String {
        match self {
            Self::Create { bucket, .. } => format!("bucket s3://{bucket}"),
            Self::Tag { bucket, .. } => format!("tags of bucket s3://{bucket}"),
            Self::PutPublicAccessBlock { bucket, .. } => {
                format!("public access block of s3://{bucket}")
            }
            Self::PutPolicy { bucket, .. } => format!("bucket policy of s3://{bucket}"),
            Self::PutObject { bucket, key, .. } => format!("object s3://{bucket}/{key}"),
        }
    }

    /// The fields that are set or differ.
    pub fn fields(&self) -> Vec<Field> {
        match self {
            Self::Create {
                bucket,
                region,
                tags,
                ..
            } => {
                let namespace = if bucket.is_account_regional() {
                    "account-regional"
                } else {
                    "global"
                };
                vec![
                    set("region", json!(region)),
                    set("namespace", json!(namespace)),
                    set("tags", json!(tags)),
                ]
            }
            Self::Tag { before, after, .. } => differing_tags(before, after),
            Self::PutPublicAccessBlock { before, after, .. } => block_fields(*before, *after),
            Self::PutPolicy { before, after, .. } => {
                differing("policy", json!(before), after.clone())
            }
            Self::PutObject {
                before, document, ..
            } => object_fields(before.as_ref(), document),
        }
    }

    /// What is there when it has been made.
    pub(crate) fn make(self, bucket: &mut Bucket) {
        match self {
            Self::Create { tags, .. } | Self::Tag { after: tags, .. } => bucket.tags = tags,
            Self::PutPublicAccessBlock { after, .. } => bucket.public_access_block = Some(after),
            Self::PutPolicy { after, .. } => bucket.policy = Some(after),
            Self::PutObject { document, .. } => {
                let object = Some(published(&document));
                match document {
                    Document::Jwks(_) => bucket.jwks = object,
                    Document::Discovery(_) => bucket.discovery = object,
                }
            }
        }
    }
}

fn block_fields(before: Option<PublicAccessBlock>, after: PublicAccessBlock) -> Vec<Field> {
    type Block = fn(PublicAccessBlock) -> bool;
    let blocks: [(_, Block); 4] = [
        ("BlockPublicAcls", |b| b.block_public_acls),
        ("IgnorePublicAcls", |b| b.ignore_public_acls),
        ("BlockPublicPolicy", |b| b.block_public_policy),
        ("RestrictPublicBuckets", |b| b.restrict_public_buckets),
    ];
    let fields = blocks.into_iter();
    fields
        .flat_map(|(name, of)| differing(name, json!(before.map(of)), json!(of(after))))
        .collect()
}

fn object_fields(before: Option<&Object>, document: &Document) -> Vec<Field> {
    let text = document.text();
    let body_before = before.map(|object| String::from_utf8_lossy(&object.body).into_owned());
    let body = match document {
        Document::Jwks(set) => {
            let published = body_before
                .as_deref()
                .and_then(|text| JwkSet::parse(text.as_bytes()).ok());
            let kids = |set: &JwkSet| json!(set.kids().map(Kid::as_str).collect::<Vec<_>>());
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

fn published(document: &Document) -> Object {
    Object {
        body: document.text().into_bytes(),
        etag: String::new(),
        content_type: Some(CONTENT_TYPE.to_owned()),
        cache_control: Some(CACHE_CONTROL.to_owned()),
        encryption: Some(ENCRYPTION.to_owned()),
    }
}
