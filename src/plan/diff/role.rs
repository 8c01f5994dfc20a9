//! What has to change on a role.

use serde_json::Value;

use crate::error::{Error, Result};
use crate::iam::role::strangers;
use crate::plan::change::Change;
use crate::plan::change::role::RoleChange;
use crate::plan::desired::{INLINE_POLICY, Role};
use crate::plan::diff::ownership::{retagged, same_cluster};
use crate::plan::diff::plan::Plan;
use crate::plan::observed;
use crate::plan::tags::CLUSTER;

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
    let is_of_no_cluster = role.tags.contains_key(CLUSTER) && !found.tags.contains_key(CLUSTER);
    if is_of_no_cluster && others.is_empty() && !adopt {
        return Err(Error::refused(format!("cannot use {what}: it is for something else"))
            .because(format!("it trusts nobody of this issuer, and has no tag {CLUSTER}"))
            .hint("give another name with --name; or, where these service accounts are to have its policies, --adopt"));
    }
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
pub(super) fn diff(
    role: &Role,
    found: Option<&observed::Role>,
    adopt: bool,
    plan: &mut Plan,
) -> Result<()> {
    let existing = found.map(|found| &found.trust);
    let trust = role.trust.policy(existing).map_err(|cause| {
        Error::refused(format!(
            "cannot write the trust policy of role {}",
            role.name
        ))
        .because(cause)
        .hint("give fewer --service-account, or several roles with --name")
    })?;
    let mut changes = match found {
        None => vec![RoleChange::Create {
            role: role.clone(),
            trust: trust.clone(),
        }],
        Some(found) => mended(role, found, &trust),
    };
    let empty = observed::Role::default();
    let found = found.unwrap_or(&empty);
    let given = given(role, found, &trust);
    let strangers = strangers(&trust, &role.trust.provider_arn).join("; ");
    if !strangers.is_empty() && !given.is_empty() && !adopt {
        return Err(Error::refused(format!("cannot give a policy to role {}", role.name))
            .because(format!("its trust policy lets in others than this issuer's tokens: {strangers}"))
            .hint("take those statements out, or give another name with --name; where they are to have the policy too: --adopt"));
    }
    changes.extend(given);
    plan.changes.extend(changes.into_iter().map(Change::Role));
    if !strangers.is_empty() {
        let note = format!(
            "role {} can be assumed by others than this issuer's tokens, too: {strangers}",
            role.name
        );
        plan.notes.insert(0, note);
    }
    if role.inline_policy.is_none() && found.inline_policy.is_some() {
        plan.notes.push(format!(
            "role {} also has the inline policy {INLINE_POLICY}; it is kept: aws iam delete-role-policy --role-name {0} --policy-name {INLINE_POLICY} takes it away",
            role.name
        ));
    }
    let others = found.policy_arns.iter();
    let others = others.filter(|arn| !role.policy_arns.contains(arn));
    plan.notes
        .extend(others.map(|arn| format!("role {} also has policy {arn}; it is kept", role.name)));
    Ok(())
}

/// What is otherwise than wanted of a role, but for its policies.
fn mended(role: &Role, found: &observed::Role, trust: &Value) -> Vec<RoleChange> {
    let name = || role.name.clone();
    let tags = retagged(&role.tags, &found.tags);
    let tags = tags.map(|(before, after)| RoleChange::Tag {
        role: name(),
        before,
        after,
    });
    let trust = (*trust != found.trust).then(|| RoleChange::UpdateTrust {
        role: name(),
        before: found.trust.clone(),
        after: trust.clone(),
    });
    let boundary = role.permissions_boundary.clone();
    let boundary = boundary.filter(|arn| found.permissions_boundary.as_ref() != Some(arn));
    let boundary = boundary.map(|after| RoleChange::PutBoundary {
        role: name(),
        before: found.permissions_boundary.clone(),
        after,
    });
    let session = role.max_session;
    let session = session.filter(|seconds| found.max_session != Some(*seconds));
    let session = session.map(|after| RoleChange::UpdateMaxSession {
        role: name(),
        before: found.max_session,
        after,
    });
    let all = [tags, trust, boundary, session];
    all.into_iter().flatten().collect()
}

/// The policies that a role has not yet.
fn given(role: &Role, found: &observed::Role, trust: &Value) -> Vec<RoleChange> {
    let missing = role.policy_arns.iter();
    let missing = missing.filter(|arn| !found.policy_arns.contains(arn));
    let attached = missing.map(|policy_arn| RoleChange::AttachPolicy {
        role: role.name.clone(),
        policy_arn: policy_arn.clone(),
        trust: trust.clone(),
    });
    let inline = role.inline_policy.clone();
    let inline = inline.filter(|policy| found.inline_policy.as_ref() != Some(policy));
    let inline = inline.map(|after| RoleChange::PutInlinePolicy {
        role: role.name.clone(),
        before: found.inline_policy.clone(),
        after,
        trust: trust.clone(),
    });
    attached.chain(inline).collect()
}
