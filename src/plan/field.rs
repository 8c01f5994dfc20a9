//! What a change sets, field by field: what is printed, and what is in plan.json.

use serde_json::{Value, json};

use crate::oidc::jwks::JwkSet;
use crate::oidc::key::Kid;
use crate::plan::change::Change;
use crate::plan::document::{CACHE_CONTROL, CONTENT_TYPE, Document, ENCRYPTION};
use crate::plan::line::Field;
use crate::plan::observed::Object;

impl Change {
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
                ..
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
            Self::TagBucket { before, after, .. }
            | Self::TagProvider { before, after, .. }
            | Self::TagRole { before, after, .. } => match before.is_empty() {
                true => vec![set("tags", json!(after))],
                false => differing("tags", json!(before), json!(after)),
            },
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
            Self::CreateRole { role, trust } => {
                let mut fields = vec![set("trust", trust.clone()), set("tags", json!(role.tags))];
                fields.extend(
                    role.permissions_boundary
                        .as_ref()
                        .map(|arn| set("boundary", json!(arn))),
                );
                fields.extend(
                    role.max_session
                        .map(|seconds| set("max session", json!(seconds))),
                );
                fields
            }
            Self::UpdateTrustPolicy { before, after, .. } => {
                differing("trust", before.clone(), after.clone())
            }
            Self::AttachPolicy { policy_arn, .. } => vec![set("policy", json!(policy_arn))],
            Self::PutInlinePolicy { before, after, .. } => {
                differing("policy", json!(before), after.clone())
            }
            Self::PutPermissionsBoundary { before, after, .. } => {
                differing("boundary", json!(before), json!(after))
            }
            Self::UpdateMaxSession { before, after, .. } => {
                differing("max session", json!(before), json!(after))
            }
            Self::Remove(removal) => removal.fields(),
            Self::UpdateThumbprints { before, after, .. } => {
                differing("thumbprints", json!(before), json!(after))
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
