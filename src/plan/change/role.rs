//! Changes to a role.

use serde::Serialize;
use serde_json::{Value, json};

use crate::plan::action::Action;
use crate::plan::desired;
use crate::plan::line::{Field, differing, differing_tags, set};
use crate::plan::observed::Role;
use crate::plan::tags::Tags;

/// A change to a role.
#[derive(Clone, Debug, Serialize)]
pub enum RoleChange {
    /// A role that is absent.
    Create {
        /// What it is to be; its policies are attached by changes of their own.
        role: desired::Role,
        /// Its trust policy.
        trust: Value,
    },
    /// Tags on a role.
    Tag {
        /// Its name.
        role: String,
        /// These tags now.
        before: Tags,
        /// Tags to add or to change.
        after: Tags,
    },
    /// The trust policy.
    UpdateTrust {
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
        /// The trust policy that the role has by then: whoever it lets in gets the policy.
        trust: Value,
    },
    /// The inline policy.
    PutInlinePolicy {
        /// The role's name.
        role: String,
        /// The policy now.
        before: Option<Value>,
        /// The policy then.
        after: Value,
        /// The trust policy that the role has by then.
        trust: Value,
    },
    /// The permissions boundary.
    PutBoundary {
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
}

impl RoleChange {
    /// The API call that it is, as `service:Operation`.
    pub fn operation(&self) -> &'static str {
        match self {
            Self::Create { .. } => "iam:CreateRole",
            Self::Tag { .. } => "iam:TagRole",
            Self::UpdateTrust { .. } => "iam:UpdateAssumeRolePolicy",
            Self::AttachPolicy { .. } => "iam:AttachRolePolicy",
            Self::PutInlinePolicy { .. } => "iam:PutRolePolicy",
            Self::PutBoundary { .. } => "iam:PutRolePermissionsBoundary",
            Self::UpdateMaxSession { .. } => "iam:UpdateRole",
        }
    }

    /// What it does to its resource.
    pub fn action(&self) -> Action {
        match self {
            Self::Create { .. }
            | Self::AttachPolicy { .. }
            | Self::PutInlinePolicy { before: None, .. }
            | Self::PutBoundary { before: None, .. } => Action::Create,
            _ => Action::Update,
        }
    }

    /// The role's name.
    pub fn role(&self) -> &str {
        match self {
            Self::Create { role, .. } => &role.name,
            Self::Tag { role, .. }
            | Self::UpdateTrust { role, .. }
            | Self::AttachPolicy { role, .. }
            | Self::PutInlinePolicy { role, .. }
            | Self::PutBoundary { role, .. }
            | Self::UpdateMaxSession { role, .. } => role,
        }
    }

    /// The resource, in words.
    pub fn resource(&self) -> String {
        let what = match self {
            Self::Create { .. } => "",
            Self::Tag { .. } => "tags of ",
            Self::UpdateTrust { .. } => "trust policy of ",
            Self::AttachPolicy { .. } => "managed policy of ",
            Self::PutInlinePolicy { .. } => "inline policy of ",
            Self::PutBoundary { .. } => "permissions boundary of ",
            Self::UpdateMaxSession { .. } => "longest session of ",
        };
        format!("{what}role {}", self.role())
    }

    /// The fields that are set or differ.
    pub fn fields(&self) -> Vec<Field> {
        match self {
            Self::Create { role, trust } => {
                let boundary = role.permissions_boundary.as_ref();
                let mut fields = vec![set("trust", trust.clone()), set("tags", json!(role.tags))];
                fields.extend(boundary.map(|arn| set("boundary", json!(arn))));
                let session = role.max_session;
                fields.extend(session.map(|seconds| set("max session", json!(seconds))));
                fields
            }
            Self::Tag { before, after, .. } => differing_tags(before, after),
            Self::UpdateTrust { before, after, .. } => {
                differing("trust", before.clone(), after.clone())
            }
            Self::AttachPolicy { policy_arn, .. } => vec![set("policy", json!(policy_arn))],
            Self::PutInlinePolicy { before, after, .. } => {
                differing("policy", json!(before), after.clone())
            }
            Self::PutBoundary { before, after, .. } => {
                differing("boundary", json!(before), json!(after))
            }
            Self::UpdateMaxSession { before, after, .. } => {
                differing("max session", json!(before), json!(after))
            }
        }
    }

    /// What is there when it has been made.
    pub(crate) fn make(self, made: &mut Role) {
        match self {
            Self::Create { role, trust } => {
                made.path = "/".to_owned();
                made.trust = trust;
                made.permissions_boundary = role.permissions_boundary;
                made.max_session = role.max_session;
                made.tags = role.tags;
            }
            Self::Tag { after, .. } => made.tags.extend(after),
            Self::UpdateTrust { after, .. } => made.trust = after,
            Self::AttachPolicy { policy_arn, .. } => made.policy_arns.push(policy_arn),
            Self::PutInlinePolicy { after, .. } => made.inline_policy = Some(after),
            Self::PutBoundary { after, .. } => made.permissions_boundary = Some(after),
            Self::UpdateMaxSession { after, .. } => made.max_session = Some(after),
        }
    }
}
