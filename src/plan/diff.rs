//! What has to change, in the safe order: bucket, public access block, policy, keys, discovery,
//! provider. The provider comes last, so that AWS never trusts an issuer that is not there yet.

use crate::error::Result;
use crate::iam::thumbprint::Thumbprint;
use crate::plan::change::Change;
use crate::plan::change::provider::ProviderChange;
use crate::plan::desired::{Audiences, Desired, Provider, ThumbprintChoice};
pub use crate::plan::diff::bucket::published_keys;
use crate::plan::observed::{self, Observed};

/// Compares every field of every resource. Refuses what is not ours.
pub fn diff(desired: &Desired, observed: &Observed) -> Result<Plan> {
    let mut plan = Plan::default();
    // Ownership first: a refusal must come before any change is listed.
    if let (Some(publication), Some(bucket)) = (&desired.publication, &observed.bucket) {
        owned(
            &format!("bucket s3://{}", publication.bucket),
            &bucket.tags,
            desired.adopt,
        )?;
    }
    if let (Some(provider), Some(found)) = (&desired.provider, &observed.provider) {
        owned(&provider.arn, &found.tags, desired.adopt)?;
        let hint = "two clusters with one issuer can use each other's tokens: give this one its own --prefix or --bucket";
        same_cluster(&provider.arn, &provider.tags, &found.tags, hint)?;
    }
    for role in &desired.roles {
        let Some(found) = observed.roles.get(&role.name) else {
            continue;
        };
        owned(&format!("role {}", role.name), &found.tags, desired.adopt)?;
        role::check(role, found, desired.adopt)?;
    }
    if let Some(publication) = &desired.publication {
        bucket::diff(publication, observed.bucket.as_ref(), &mut plan)?;
    }
    if let Some(provider) = &desired.provider {
        diff_provider(provider, observed.provider.as_ref(), &mut plan);
    }
    if let Some(set) = &desired.key_set {
        key_set::diff(set, observed.key_set.as_ref(), desired.adopt, &mut plan)?;
    }
    if let (Some(teardown), Some(remains)) = (&desired.teardown, &observed.remains) {
        teardown::diff(teardown, remains, &mut plan)?;
    }
    for role in &desired.roles {
        role::diff(
            role,
            observed.roles.get(&role.name),
            desired.adopt,
            &mut plan,
        )?;
    }
    Ok(plan)
}

fn diff_provider(provider: &Provider, found: Option<&observed::Provider>, plan: &mut Plan) {
    let arn = &provider.arn;
    let Some(found) = found else {
        plan.changes.push(Change::Provider(ProviderChange::Create {
            arn: arn.clone(),
            url: provider.url.clone(),
            audiences: provider.audiences.initial(),
            thumbprint: provider.thumbprint.value().cloned(),
            tags: provider.tags.clone(),
            account: provider.account.clone(),
            buckets: provider.buckets.clone(),
        }));
        return;
    };
    if let Some((before, after)) = retagged(&provider.tags, &found.tags) {
        plan.changes.push(Change::Provider(ProviderChange::Tag {
            arn: arn.clone(),
            before,
            after,
        }));
    }
    // Add before remove: the provider is never without an audience.
    let wanted = provider.audiences.initial();
    for audience in wanted
        .iter()
        .filter(|audience| !found.audiences.contains(audience))
    {
        plan.changes
            .push(Change::Provider(ProviderChange::AddAudience {
                arn: arn.clone(),
                audience: audience.clone(),
            }));
    }
    for audience in found
        .audiences
        .iter()
        .filter(|audience| !wanted.contains(audience))
    {
        match provider.audiences {
            Audiences::Exactly(_) => plan.changes.push(Change::Provider(ProviderChange::RemoveAudience { arn: arn.clone(), audience: audience.clone() })),
            Audiences::AtLeast(_) => plan.notes.push(format!(
                "the provider also accepts audience {audience:?}; it is kept (give every --audience to set the list)"
            )),
        }
    }
    let after = match &provider.thumbprint {
        ThumbprintChoice::Given(thumbprint) => vec![thumbprint.to_string()],
        ThumbprintChoice::Observed(thumbprint) => {
            with(&found.thumbprints, thumbprint, &mut plan.notes)
        }
        ThumbprintChoice::Iam => found.thumbprints.clone(),
    };
    if after != found.thumbprints {
        plan.changes
            .push(Change::Provider(ProviderChange::UpdateThumbprints {
                arn: arn.clone(),
                before: found.thumbprints.clone(),
                after,
            }));
    }
}

/// IAM keeps five thumbprints (`ThumbprintList`).
const MAX_THUMBPRINTS: usize = 5;

/// The list with a thumbprint in it.
pub(crate) fn with(
    list: &[String],
    thumbprint: &Thumbprint,
    notes: &mut Vec<String>,
) -> Vec<String> {
    let mut list = list.to_vec();
    if list.iter().any(|one| one == thumbprint.as_str()) {
        return list;
    }
    if list.len() >= MAX_THUMBPRINTS {
        notes.push(format!(
            "the provider has {MAX_THUMBPRINTS} thumbprints, and {thumbprint} of the issuer's chain is not among them; set one with --thumbprint"
        ));
        return list;
    }
    list.push(thumbprint.to_string());
    list
}

mod bucket;
mod key_set;
mod role;
mod teardown;

pub(crate) mod plan;

pub(crate) mod ownership;
#[cfg(test)]
mod tests;

use crate::plan::diff::ownership::owned;
use crate::plan::diff::ownership::retagged;
use crate::plan::diff::ownership::same_cluster;

use crate::plan::diff::plan::Plan;
