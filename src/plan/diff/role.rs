//! What has to change on a role.

use crate::error::{Error, Result};

use super::super::change::Change;
use super::super::desired::Role;
use super::super::observed;
use super::{Plan, retagged};

/// Managed policies that others attached are kept; everything else is brought to what is wanted.
pub(super) fn diff(role: &Role, found: Option<&observed::Role>, plan: &mut Plan) -> Result<()> {
    let name = || role.name.clone();
    let existing = found.map(|found| &found.trust);
    let trust = role.trust.policy(existing).map_err(|cause| {
        Error::refused(format!(
            "cannot write the trust policy of role {}",
            role.name
        ))
        .because(cause)
        .hint("give fewer --service-account, or several roles with --name")
    })?;
    let changes = &mut plan.changes;
    let empty = observed::Role::default();
    match found {
        None => changes.push(Change::CreateRole {
            role: role.clone(),
            trust,
        }),
        Some(found) => {
            if let Some((before, after)) = retagged(&role.tags, &found.tags) {
                changes.push(Change::TagRole {
                    role: name(),
                    before,
                    after,
                });
            }
            if trust != found.trust {
                changes.push(Change::UpdateTrustPolicy {
                    role: name(),
                    before: found.trust.clone(),
                    after: trust,
                });
            }
            if let Some(after) = role
                .permissions_boundary
                .clone()
                .filter(|arn| found.permissions_boundary.as_ref() != Some(arn))
            {
                changes.push(Change::PutPermissionsBoundary {
                    role: name(),
                    before: found.permissions_boundary.clone(),
                    after,
                });
            }
            if let Some(after) = role
                .max_session
                .filter(|seconds| found.max_session != Some(*seconds))
            {
                changes.push(Change::UpdateMaxSession {
                    role: name(),
                    before: found.max_session,
                    after,
                });
            }
        }
    }
    let found = found.unwrap_or(&empty);
    for policy_arn in role
        .policy_arns
        .iter()
        .filter(|arn| !found.policy_arns.contains(arn))
    {
        changes.push(Change::AttachPolicy {
            role: name(),
            policy_arn: policy_arn.clone(),
        });
    }
    if let Some(after) = role
        .inline_policy
        .clone()
        .filter(|policy| found.inline_policy.as_ref() != Some(policy))
    {
        changes.push(Change::PutInlinePolicy {
            role: name(),
            before: found.inline_policy.clone(),
            after,
        });
    }
    for arn in found
        .policy_arns
        .iter()
        .filter(|arn| !role.policy_arns.contains(arn))
    {
        plan.notes.push(format!(
            "role {} also has policy {arn}; it is kept",
            role.name
        ));
    }
    Ok(())
}
