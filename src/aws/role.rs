//! Reads a role.

use aws_sdk_iam::types::Tag;

use crate::aws::account;
use crate::aws::connect::Aws;
use crate::aws::error::{code, failed, garbled};
use crate::error::Result;
use crate::plan::desired::INLINE_POLICY;
use crate::plan::observed::Role;

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
        tags: role
            .tags()
            .iter()
            .map(|tag: &Tag| (tag.key().to_owned(), tag.value().to_owned()))
            .collect(),
    }))
}
