//! Reads a role.

use aws_sdk_iam::types::Tag;
use serde_json::Value;

use crate::aws::account;
use crate::aws::connect::Aws;
use crate::aws::error::{code, failed, garbled};
use crate::aws::outcome::{Failure, created, done_unless, iam_tags};
use crate::error::Result;
use crate::plan::change::Change;
use crate::plan::change::role::RoleChange;
use crate::plan::desired::{self, INLINE_POLICY};
use crate::plan::observed::Role;
use crate::plan::tags::Tags;

/// Its trust policy and its tags, if it exists: one call.
pub(super) async fn head(aws: &Aws, name: &str) -> Result<Option<(Value, Tags)>> {
    let what = || format!("cannot read role {name}");
    let role = match aws.iam.get_role().role_name(name).send().await {
        Ok(output) => output.role,
        Err(e) if code(&e) == Some("NoSuchEntity") => None,
        Err(e) => return Err(failed(what(), "iam:GetRole", e)),
    };
    let Some(role) = role else { return Ok(None) };
    let trust = role.assume_role_policy_document().unwrap_or_default();
    let trust = account::policy(trust).map_err(|e| garbled(what(), "iam:GetRole", e))?;
    Ok(Some((trust, tags_of(role.tags()))))
}

fn tags_of(tags: &[Tag]) -> Tags {
    let pairs = tags.iter();
    pairs
        .map(|tag| (tag.key().to_owned(), tag.value().to_owned()))
        .collect()
}

/// The role, if it exists.
pub(super) async fn observe(aws: &Aws, name: &str) -> Result<Option<Role>> {
    let what = || format!("cannot read role {name}");
    let document = |encoded: &str, operation: &str| {
        account::policy(encoded).map_err(|e| garbled(what(), operation, e))
    };
    let role = async {
        match aws.iam.get_role().role_name(name).send().await {
            Ok(output) => Ok(output.role),
            Err(e) if code(&e) == Some("NoSuchEntity") => Ok(None),
            Err(e) => Err(failed(what(), "iam:GetRole", e)),
        }
    };
    let policy_arns = async {
        let mut policy_arns = Vec::new();
        let mut pages = aws
            .iam
            .list_attached_role_policies()
            .role_name(name)
            .into_paginator()
            .items()
            .send();
        while let Some(policy) = pages.next().await {
            match policy {
                Ok(policy) => policy_arns.extend(policy.policy_arn),
                Err(e) if code(&e) == Some("NoSuchEntity") => break,
                Err(e) => return Err(failed(what(), "iam:ListAttachedRolePolicies", e)),
            }
        }
        Ok(policy_arns)
    };
    let inline_policy = async {
        let found = aws
            .iam
            .get_role_policy()
            .role_name(name)
            .policy_name(INLINE_POLICY);
        match found.send().await {
            Ok(output) => document(output.policy_document(), "iam:GetRolePolicy").map(Some),
            Err(e) if code(&e) == Some("NoSuchEntity") => Ok(None),
            Err(e) => Err(failed(what(), "iam:GetRolePolicy", e)),
        }
    };
    // All at once: without the role, the other two find nothing.
    let (role, policy_arns, inline_policy) = tokio::join!(role, policy_arns, inline_policy);
    let (role, policy_arns, inline_policy) = (role?, policy_arns?, inline_policy?);
    let Some(role) = role else { return Ok(None) };
    let trust = role.assume_role_policy_document().unwrap_or_default();
    let boundary = role.permissions_boundary();
    Ok(Some(Role {
        path: role.path().to_owned(),
        trust: document(trust, "iam:GetRole")?,
        policy_arns,
        inline_policy,
        permissions_boundary: boundary
            .and_then(|boundary| boundary.permissions_boundary_arn().map(str::to_owned)),
        max_session: role.max_session_duration(),
        tags: tags_of(role.tags()),
    }))
}

/// Makes a change. `whole` is the same, for what is said of it.
pub(super) async fn make(
    aws: &Aws,
    whole: &Change,
    change: &RoleChange,
) -> std::result::Result<(), Failure> {
    match change {
        RoleChange::Create { role, trust } => {
            let request = aws
                .iam
                .create_role()
                .role_name(&role.name)
                .assume_role_policy_document(trust.to_string())
                .set_permissions_boundary(role.permissions_boundary.clone())
                .set_max_session_duration(role.max_session)
                .set_tags(Some(iam_tags(&role.tags)));
            let found = async {
                Ok(observe(aws, &role.name)
                    .await?
                    .map(|it| is_of(role, trust, it)))
            };
            created(
                whole,
                request.send().await,
                "EntityAlreadyExists",
                &role.tags,
                found,
            )
            .await
        }
        RoleChange::Tag { role, after, .. } => {
            let request = aws
                .iam
                .tag_role()
                .role_name(role)
                .set_tags(Some(iam_tags(after)));
            done_unless(whole, request.send().await, &[])
        }
        RoleChange::UpdateTrust { role, after, .. } => {
            let request = aws
                .iam
                .update_assume_role_policy()
                .role_name(role)
                .policy_document(after.to_string());
            done_unless(whole, request.send().await, &[])
        }
        RoleChange::AttachPolicy {
            role, policy_arn, ..
        } => {
            let request = aws
                .iam
                .attach_role_policy()
                .role_name(role)
                .policy_arn(policy_arn);
            done_unless(whole, request.send().await, &[])
        }
        RoleChange::PutInlinePolicy { role, after, .. } => {
            let request = aws
                .iam
                .put_role_policy()
                .role_name(role)
                .policy_name(INLINE_POLICY)
                .policy_document(after.to_string());
            done_unless(whole, request.send().await, &[])
        }
        RoleChange::PutBoundary { role, after, .. } => {
            let request = aws
                .iam
                .put_role_permissions_boundary()
                .role_name(role)
                .permissions_boundary(after);
            done_unless(whole, request.send().await, &[])
        }
        RoleChange::UpdateMaxSession { role, after, .. } => {
            let request = aws
                .iam
                .update_role()
                .role_name(role)
                .max_session_duration(*after);
            done_unless(whole, request.send().await, &[])
        }
    }
}

/// The tags of a role, and whether it is otherwise as it was to be made.
fn is_of(role: &desired::Role, trust: &Value, found: Role) -> (Tags, bool) {
    let is_same = found.trust == *trust
        && found.path == "/"
        && found.permissions_boundary == role.permissions_boundary;
    (found.tags, is_same)
}
