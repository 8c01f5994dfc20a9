//! Changes to an OpenID Connect provider.

use serde::Serialize;
use serde_json::json;

use crate::iam::arn::AccountId;
use crate::iam::bucket::BucketName;
use crate::iam::thumbprint::Thumbprint;
use crate::oidc::issuer::Issuer;
use crate::plan::action::Action;
use crate::plan::line::{Field, differing, differing_tags, set, unset};
use crate::plan::observed::Provider;
use crate::plan::tags::Tags;

/// A change to an OpenID Connect provider.
#[derive(Clone, Debug, Serialize)]
pub enum ProviderChange {
    /// A provider that is absent.
    Create {
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
    Tag {
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
        /// The list that replaces it.
        after: Vec<String>,
    },
}

impl ProviderChange {
    /// The API call that it is, as `service:Operation`.
    pub fn operation(&self) -> &'static str {
        match self {
            Self::Create { .. } => "iam:CreateOpenIDConnectProvider",
            Self::Tag { .. } => "iam:TagOpenIDConnectProvider",
            Self::AddAudience { .. } => "iam:AddClientIDToOpenIDConnectProvider",
            Self::RemoveAudience { .. } => "iam:RemoveClientIDFromOpenIDConnectProvider",
            Self::UpdateThumbprints { .. } => "iam:UpdateOpenIDConnectProviderThumbprint",
        }
    }

    /// What it does to its resource.
    pub fn action(&self) -> Action {
        match self {
            Self::Create { .. } | Self::AddAudience { .. } => Action::Create,
            Self::RemoveAudience { .. } => Action::Remove,
            Self::Tag { .. } | Self::UpdateThumbprints { .. } => Action::Update,
        }
    }

    /// The resource, in words.
    pub fn resource(&self) -> String {
        match self {
            Self::Create { arn, .. } => format!("OpenID Connect provider {arn}"),
            Self::Tag { arn, .. } => format!("tags of {arn}"),
            Self::AddAudience { arn, .. } | Self::RemoveAudience { arn, .. } => {
                format!("audience of {arn}")
            }
            Self::UpdateThumbprints { arn, .. } => format!("thumbprint of {arn}"),
        }
    }

    /// The fields that are set or differ.
    pub fn fields(&self) -> Vec<Field> {
        match self {
            Self::Create {
                url,
                audiences,
                thumbprint,
                tags,
                ..
            } => {
                let thumbprint = thumbprint.as_ref();
                let thumbprint = thumbprint.map_or(json!("retrieved by IAM"), |one| json!(one));
                vec![
                    set("url", json!(url)),
                    set("audiences", json!(audiences)),
                    set("thumbprint", thumbprint),
                    set("tags", json!(tags)),
                ]
            }
            Self::Tag { before, after, .. } => differing_tags(before, after),
            Self::AddAudience { audience, .. } => vec![set("audience", json!(audience))],
            Self::RemoveAudience { audience, .. } => vec![unset("audience", json!(audience))],
            Self::UpdateThumbprints { before, after, .. } => {
                differing("thumbprints", json!(before), json!(after))
            }
        }
    }

    /// What is there when it has been made.
    pub(crate) fn make(self, provider: &mut Provider) {
        match self {
            Self::Create {
                audiences,
                thumbprint,
                tags,
                ..
            } => {
                *provider = Provider {
                    audiences,
                    thumbprints: thumbprint.iter().map(ToString::to_string).collect(),
                    tags,
                };
            }
            Self::Tag { after, .. } => provider.tags.extend(after),
            Self::AddAudience { audience, .. } => provider.audiences.push(audience),
            Self::RemoveAudience { audience, .. } => {
                provider.audiences.retain(|one| *one != audience);
            }
            Self::UpdateThumbprints { after, .. } => provider.thumbprints = after,
        }
    }
}
