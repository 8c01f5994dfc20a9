//! What has to change on a role.

use crate::error::{Error, Result};
use crate::plan::change::Change;
use crate::plan::change::role::RoleChange;
use crate::plan::desired::{INLINE_POLICY, Role};
use crate::plan::diff::plan::Plan;
use crate::plan::diff::{retagged, same_cluster};
use crate::plan::observed;

/// Refuses a role that stands for something else.
pub(super) fn check(role: &Role, found: &observed::Role, adopt: bool) -> Result<()> {
    let what = format!("role {}", role.name);
    if found.path != "/" {
        return Err(
            Error::refused(format!("cannot use {what}: its path is {}", found.path))
                .because("its ARN is not what service accounts would be given")
                .hint("give another name with --name"),
        );
    }
    same_cluster(
        &what,
        &role.tags,
        &found.tags,
        "give this one another name with --name",
    )?;
    let others = role.trust.subjects_in(&found.trust);
    let is_for_others =
        !others.is_empty() && !role.trust.subjects.iter().any(|one| others.contains(one));
    match is_for_others && !adopt {
        false => Ok(()),
        // Two service accounts can come to one default name: a-b of c, and a of b-c.
        true => Err(Error::refused(format!("cannot use {what}: it is for other service accounts"))
            .because(format!("it trusts {}", others.join(", ")))
            .hint("give another name with --name; or, where these are to take its place and its policies, --adopt")),
    }
}

/// Managed policies that others attached are kept, and an inline policy that is wanted no more; everything
/// else is brought to what is wanted.
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
        None => changes.push(Change::Role(RoleChange::Create {
            role: role.clone(),
            trust,
        })),
        Some(found) => {
            if let Some((before, after)) = retagged(&role.tags, &found.tags) {
                changes.push(Change::Role(RoleChange::Tag {
                    role: name(),
                    before,
                    after,
                }));
            }
            if trust != found.trust {
                changes.push(Change::Role(RoleChange::UpdateTrust {
                    role: name(),
                    before: found.trust.clone(),
                    after: trust,
                }));
            }
            if let Some(after) = role
                .permissions_boundary
                .clone()
                .filter(|arn| found.permissions_boundary.as_ref() != Some(arn))
            {
                changes.push(Change::Role(RoleChange::PutBoundary {
                    role: name(),
                    before: found.permissions_boundary.clone(),
                    after,
                }));
            }
            if let Some(after) = role
                .max_session
                .filter(|seconds| found.max_session != Some(*seconds))
            {
                changes.push(Change::Role(RoleChange::UpdateMaxSession {
                    role: name(),
                    before: found.max_session,
                    after,
                }));
            }
        }
    }
    let found = found.unwrap_or(&empty);
    for policy_arn in role
        .policy_arns
        .iter()
        .filter(|arn| !found.policy_arns.contains(arn))
    {
        changes.push(Change::Role(RoleChange::AttachPolicy {
            role: name(),
            policy_arn: policy_arn.clone(),
        }));
    }
    if let Some(after) = role
        .inline_policy
        .clone()
        .filter(|policy| found.inline_policy.as_ref() != Some(policy))
    {
        changes.push(Change::Role(RoleChange::PutInlinePolicy {
            role: name(),
            before: found.inline_policy.clone(),
            after,
        }));
    }
    if role.inline_policy.is_none() && found.inline_policy.is_some() {
        plan.notes.push(format!(
            "role {} also has the inline policy {INLINE_POLICY}; it is kept: aws iam delete-role-policy --role-name {0} --policy-name {INLINE_POLICY} takes it away",
            role.name
        ));
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
