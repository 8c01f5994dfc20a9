//! What has to go, and what keeps it from going.

use serde_json::{Value, json};

use crate::error::{Error, Result};
use crate::oidc::jwks::JwkSet;
use crate::plan::change::Change;
use crate::plan::change::bucket::BucketChange;
use crate::plan::diff::plan::Plan;
use crate::plan::removal::{BucketRemains, Remains, Removal, Teardown, TrustingRole};
use crate::plan::tags::{CLUSTER, MANAGED_BY, Tags, is_ours};

/// Roles, provider, documents, policy, bucket. What is not ours is never touched, and a role that is not
/// ours and trusts the provider stops it all.
pub(super) fn diff(teardown: &Teardown, remains: &Remains, plan: &mut Plan) -> Result<()> {
    if let Some(tags) = &remains.provider {
        ours(&teardown.provider_arn, tags)?;
        same_cluster(teardown, tags)?;
    }
    if let Some(bucket) = &remains.bucket
        && teardown.with_bucket
    {
        ours(&format!("bucket s3://{}", teardown.bucket), &bucket.tags)?;
        refuse_others(teardown, bucket)?;
    }
    roles(teardown, remains, plan)?;
    let mut remove = |removal| plan.changes.push(Change::Remove(removal));
    if remains.provider.is_some() {
        remove(Removal::Provider {
            arn: teardown.provider_arn.clone(),
        });
    }
    // A provider whose bucket somebody else has must go above all.
    if let Some(cause) = &remains.foreign_bucket {
        plan.notes.push(format!(
            "bucket s3://{} is not this account's, and is left alone: {cause}",
            teardown.bucket
        ));
    }
    let Some(bucket) = &remains.bucket else {
        return Ok(());
    };
    if !is_ours(&bucket.tags) {
        plan.notes.push(format!(
            "bucket s3://{} is not tagged ours: its documents are left alone",
            teardown.bucket
        ));
        return Ok(());
    }
    if remains.provider.is_none() {
        same_key(teardown, bucket)?;
    }
    let name = || teardown.bucket.clone();
    let owner = || teardown.account.clone();
    for (key, version) in &bucket.documents {
        remove(Removal::Object {
            bucket: name(),
            owner: owner(),
            key: key.clone(),
            version: version.clone(),
        });
    }
    if let Some(before) = &bucket.policy
        && let Some(after) = without_ours(before, &teardown.statement_id)
    {
        let empty = after["Statement"].as_array().is_some_and(Vec::is_empty);
        plan.changes.push(if empty {
            Change::Remove(Removal::BucketPolicy {
                bucket: name(),
                owner: owner(),
                before: before.clone(),
            })
        } else {
            Change::Bucket(BucketChange::PutPolicy {
                bucket: name(),
                owner: owner(),
                before: Some(before.clone()),
                after,
            })
        });
    }
    if teardown.with_bucket {
        plan.changes.push(Change::Remove(Removal::Bucket {
            bucket: name(),
            owner: owner(),
        }))
    } else {
        plan.notes.push(format!(
            "bucket s3://{} is kept: nobody else can take its name, and with it the issuer",
            teardown.bucket
        ))
    }
    Ok(())
}

fn ours(what: &str, tags: &Tags) -> Result<()> {
    if is_ours(tags) {
        Ok(())
    } else {
        Err(Error::refused(format!("cannot remove {what}: it is not ours"))
            .because(format!("it has no tag {}={}", MANAGED_BY.0, MANAGED_BY.1))
            .hint("what made it should remove it; or take it over first: 'irsactl bootstrap --adopt'"))
    }
}

/// Without a provider nothing names the cluster of the documents in a bucket that was named by hand: then
/// the published key must be the one of the issuer directory.
fn same_key(teardown: &Teardown, bucket: &BucketRemains) -> Result<()> {
    let published = bucket.jwks.as_deref().map(JwkSet::parse);
    let known = match (&published, &teardown.own_kid) {
        (None, _) => true,
        (Some(Ok(set)), Some(own)) => set.kids().any(|kid| kid == own),
        _ => false,
    };
    if known || teardown.bucket_is_derived {
        Ok(())
    } else {
        Err(Error::refused(format!(
            "cannot tell whose documents are in s3://{}",
            teardown.bucket
        ))
        .because("there is no provider in this account that names their cluster, and their key is not that of the issuer directory")
        .hint("name the directory of their key with --dir; or remove them by hand: aws s3 rm"))
    }
}

fn same_cluster(teardown: &Teardown, tags: &Tags) -> Result<()> {
    match (&teardown.cluster, tags.get(CLUSTER)) {
        (Some(ours), Some(theirs)) if ours != theirs => Err(Error::refused(format!(
            "cannot remove {}: it belongs to another cluster",
            teardown.provider_arn
        ))
        .because(format!(
            "its tag {CLUSTER} says {theirs:?}, and this is {ours:?}"
        ))
        .hint("give that cluster's name, or this one's own --bucket and --prefix")),
        _ => Ok(()),
    }
}

/// A bucket is only deleted when nothing but our documents is in it.
fn refuse_others(teardown: &Teardown, bucket: &BucketRemains) -> Result<()> {
    match bucket.others.first() {
        Some(first) if teardown.with_bucket => Err(Error::refused(format!(
            "cannot delete bucket s3://{}: other objects are in it",
            teardown.bucket
        ))
        .because(format!("such as {first}"))
        .hint("move them away, or leave --delete-bucket away: the bucket is kept then")),
        _ => Ok(()),
    }
}

fn roles(teardown: &Teardown, remains: &Remains, plan: &mut Plan) -> Result<()> {
    let is_foreign = |role: &&TrustingRole| {
        let theirs = role.tags.get(CLUSTER);
        let other = theirs.is_some_and(|theirs| teardown.cluster.as_ref() != Some(theirs));
        !is_ours(&role.tags) || other || role.is_shared
    };
    let (foreign, ours): (Vec<&TrustingRole>, Vec<_>) = remains.roles.iter().partition(is_foreign);
    let names = |roles: &[&TrustingRole]| {
        let names: Vec<&str> = roles.iter().map(|role| role.name.as_str()).collect();
        names.join(", ")
    };
    if !foreign.is_empty() {
        return Err(Error::refused(format!("cannot remove {}: roles that are not this cluster's alone trust it", teardown.provider_arn))
            .because(names(&foreign))
            .hint("take the provider out of their trust policies first: their pods lose their credentials then"));
    }
    let held: Vec<&TrustingRole> = ours
        .iter()
        .copied()
        .filter(|role| teardown.with_roles && !role.instance_profiles.is_empty())
        .collect();
    if let Some(role) = held.first() {
        return Err(Error::refused(format!(
            "cannot remove role {}: it is in an instance profile",
            role.name
        ))
        .because(role.instance_profiles.join(", "))
        .hint("take it out: aws iam remove-role-from-instance-profile; or leave --roles away"));
    }
    if !teardown.with_roles {
        if !ours.is_empty() {
            let names = names(&ours);
            plan.notes.push(format!(
                "roles that trust it are kept, and nobody can assume them any more: {names} (--roles removes them)"
            ));
        }
        return Ok(());
    }
    for role in ours {
        let name = || role.name.clone();
        let attached = role.policy_arns.iter().map(|arn| Removal::AttachedPolicy {
            role: name(),
            policy_arn: arn.clone(),
        });
        let inline = role
            .inline_policies
            .iter()
            .map(|policy| Removal::InlinePolicy {
                role: name(),
                name: policy.clone(),
            });
        let all = attached
            .chain(inline)
            .chain([Removal::Role { role: name() }]);
        plan.changes.extend(all.map(Change::Remove));
    }
    Ok(())
}

/// The policy less our statement; none when it has no such.
fn without_ours(policy: &Value, sid: &str) -> Option<Value> {
    let mut policy = policy.clone();
    let statements = policy.get_mut("Statement")?;
    if statements.is_object() {
        *statements = json!([statements.take()]);
    }
    let list = statements.as_array_mut()?;
    let before = list.len();
    list.retain(|statement| statement["Sid"] != sid);
    (list.len() < before).then_some(policy)
}
