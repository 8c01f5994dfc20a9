//! What has to change, in the safe order: bucket, public access block, policy, keys, discovery,
//! provider. The provider comes last, so that AWS never trusts an issuer that is not there yet.

use crate::error::{Error, Result};
use crate::iam::policy::{self, Public};
use crate::iam::thumbprint::Thumbprint;
use crate::oidc::jwks::JwkSet;
use crate::oidc::key::Kid;

use super::change::Change;
use super::desired::{
    Audiences, CLUSTER, Desired, MANAGED_BY, Provider, PublicAccessBlock, Publication, Tags,
    ThumbprintChoice,
};
use super::document::{CACHE_CONTROL, CONTENT_TYPE, Document, ENCRYPTION};
use super::observed::{self, Object, Observed};

/// The changes, in order, and what the user should know besides.
#[derive(Clone, Debug, Default)]
pub struct Plan {
    /// One API call each.
    pub changes: Vec<Change>,
    /// The objects that everybody can read afterwards, where the changes see to that: `s3://BUCKET/KEY`.
    pub becomes_public: Vec<String>,
    /// Remarks that need no change.
    pub notes: Vec<String>,
    /// How many keys are put into a key store or tagged there, before the changes.
    pub besides: usize,
}

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
        diff_bucket(publication, observed.bucket.as_ref(), &mut plan)?;
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
        role::diff(role, observed.roles.get(&role.name), &mut plan)?;
    }
    Ok(plan)
}

fn owned(what: &str, tags: &Tags, adopt: bool) -> Result<()> {
    let (key, value) = MANAGED_BY;
    if adopt || tags.get(key).is_some_and(|v| v == value) {
        return Ok(());
    }
    Err(Error::refused(format!("cannot change {what}: it is not ours"))
        .because(format!("it exists, but has no tag {key}={value}"))
        .hint("if it is meant to be managed from here, run again with --adopt; else choose another name with --bucket, --prefix or (a role) --name"))
}

fn same_cluster(what: &str, wanted: &Tags, found: &Tags, hint: &str) -> Result<()> {
    match (wanted.get(CLUSTER), found.get(CLUSTER)) {
        (Some(ours), Some(theirs)) if ours != theirs => Err(Error::refused(format!(
            "cannot use {what}: it belongs to another cluster"
        ))
        .because(format!(
            "its tag {CLUSTER} says {theirs:?}, and this is {ours:?}"
        ))
        .hint(hint)),
        _ => Ok(()),
    }
}

fn diff_bucket(
    publication: &Publication,
    found: Option<&observed::Bucket>,
    plan: &mut Plan,
) -> Result<()> {
    let bucket = publication.bucket.clone();
    let owner = publication.account.clone();
    // What CreateBucket gives since April 2023.
    let new_bucket = observed::Bucket {
        tags: publication.tags.clone(),
        public_access_block: Some(PublicAccessBlock {
            block_public_acls: true,
            ignore_public_acls: true,
            block_public_policy: true,
            restrict_public_buckets: true,
        }),
        ..Default::default()
    };
    if found.is_none() {
        plan.changes.push(Change::CreateBucket {
            bucket: bucket.clone(),
            owner: owner.clone(),
            region: publication.region.clone(),
            tags: publication.tags.clone(),
        });
    }
    let found = found.unwrap_or(&new_bucket);

    if let Some(missing) = missing_tags(&publication.tags, &found.tags) {
        let mut after = found.tags.clone();
        after.extend(missing);
        plan.changes.push(Change::TagBucket {
            bucket: bucket.clone(),
            owner: owner.clone(),
            before: found.tags.clone(),
            after,
        });
    }
    let policy = publication.policy(found.policy.as_ref()).map_err(|cause| {
        Error::refused(format!("cannot add to the policy of bucket s3://{bucket}"))
            .because(cause)
            .hint(format!(
                "look at it with: aws s3api get-bucket-policy --bucket {bucket}"
            ))
    })?;
    refuse_to_open_more(publication, found)?;
    let mut access = Vec::new();
    if found.public_access_block != Some(PublicAccessBlock::POLICY_ONLY) {
        access.push(Change::PutPublicAccessBlock {
            bucket: bucket.clone(),
            owner: owner.clone(),
            before: found.public_access_block,
            after: PublicAccessBlock::POLICY_ONLY,
        });
    }
    if found.policy.as_ref() != Some(&policy) {
        access.push(Change::PutBucketPolicy {
            bucket: bucket.clone(),
            owner: owner.clone(),
            before: found.policy.clone(),
            after: policy,
        });
    }
    // A bucket that takes public policies already may be public by ACL: the policy comes first then,
    // so that what is read now stays readable when the ACLs no longer count.
    if !found
        .public_access_block
        .is_some_and(|block| block.block_public_policy)
    {
        access.reverse();
    }
    if !found
        .public_access_block
        .is_some_and(|block| block.ignore_public_acls)
    {
        plan.notes.push(format!(
            "bucket s3://{bucket} counts public ACLs now and will not: other objects that are public by ACL become private"
        ));
    }
    if !access.is_empty() {
        let keys = publication.object_keys();
        plan.becomes_public = keys.map(|key| format!("s3://{bucket}/{key}")).to_vec();
        let open = found.policy.as_ref().map(policy::wider).unwrap_or_default();
        plan.notes.extend(open.iter().map(|one| {
            let Public { name, what, .. } = one;
            format!("the bucket policy lets everybody do more already: {name}: {what}")
        }));
    }
    plan.changes.extend(access);
    let keys = published_keys(publication, found.jwks.as_ref())?;
    for kid in keys
        .kids()
        .filter(|kid| !publication.keys.kids().any(|ours| ours == *kid))
    {
        plan.notes.push(format!(
            "keys.json also holds kid {kid}, which is not published by this run: whoever has that key can sign tokens"
        ));
    }
    let jwks = Document::Jwks(keys);
    let discovery = Document::Discovery(publication.discovery.clone());
    for (document, before) in [(jwks, &found.jwks), (discovery, &found.discovery)] {
        if !before
            .as_ref()
            .is_some_and(|object| is_as_published(object, &document))
        {
            plan.changes.push(Change::PutObject {
                bucket: bucket.clone(),
                owner: owner.clone(),
                key: document.key(publication.prefix.as_deref()),
                before: before.clone(),
                document,
            });
        }
    }
    Ok(())
}

/// Our keys and all that are published already: a kid never disappears by publishing, and none is
/// added beside others unless it is asked for. Two clusters with one issuer can use each other's
/// tokens.
pub fn published_keys(publication: &Publication, found: Option<&Object>) -> Result<JwkSet> {
    let Some(found) = found else {
        return Ok(publication.keys.clone());
    };
    let [key, _] = publication.object_keys();
    let object = format!("s3://{}/{key}", publication.bucket);
    let refused = |cause| {
        Error::refused(format!("cannot merge with {object}"))
            .because(cause)
            .hint(
                "nothing was changed; look at the object, and delete it if its keys are not needed",
            )
    };
    let published = JwkSet::parse(&found.body).map_err(refused)?;
    let merged = published.merged(&publication.keys).map_err(refused)?;
    if merged != published && published != JwkSet::default() && !publication.add_key {
        let kids: Vec<&str> = published.kids().map(Kid::as_str).collect();
        return Err(Error::refused(format!("cannot publish another key in {object}"))
            .because(format!("it holds {}, and not the key that is to be published", kids.join(", ")))
            .hint(
                "put this issuer's own signing key into --dir; a second key of the same cluster is published with \
                 --add-key; another cluster needs its own --bucket or --prefix",
            ));
    }
    Ok(merged)
}

/// Refuses to loosen a public access block that holds back more than issuers' documents. Public ACLs stay
/// blocked and ignored, so that none of them opens up.
fn refuse_to_open_more(publication: &Publication, found: &observed::Bucket) -> Result<()> {
    let is_loosened = found
        .public_access_block
        .is_some_and(|block| block.block_public_policy || block.restrict_public_buckets);
    let held_back = found.policy.as_ref().filter(|_| is_loosened);
    let held_back = held_back.map(policy::held_back).unwrap_or_default();
    if held_back.is_empty() {
        return Ok(());
    }
    let bucket = &publication.bucket;
    let refused = Error::refused(format!(
        "cannot loosen the public access block of bucket s3://{bucket}: more than the two documents would become public"
    ));
    let refused = held_back.iter().fold(refused, |error, one| {
        error.because(format!(
            "statement {} of its policy would let everybody {}",
            one.name, one.what
        ))
    });
    Err(refused.hint(format!(
        "take it out of the policy first, if nobody needs it (aws s3api get-bucket-policy --bucket {bucket} shows it), or give another --bucket"
    )))
}

fn is_as_published(object: &Object, document: &Document) -> bool {
    object.body == document.text().as_bytes()
        && object.content_type.as_deref() == Some(CONTENT_TYPE)
        && object.cache_control.as_deref() == Some(CACHE_CONTROL)
        && object.encryption.as_deref() == Some(ENCRYPTION)
}

fn diff_provider(provider: &Provider, found: Option<&observed::Provider>, plan: &mut Plan) {
    let arn = &provider.arn;
    let Some(found) = found else {
        plan.changes.push(Change::CreateProvider {
            arn: arn.clone(),
            url: provider.url.clone(),
            audiences: provider.audiences.initial(),
            thumbprint: provider.thumbprint.value().cloned(),
            tags: provider.tags.clone(),
            account: provider.account.clone(),
            buckets: provider.buckets.clone(),
        });
        return;
    };
    if let Some((before, after)) = retagged(&provider.tags, &found.tags) {
        plan.changes.push(Change::TagProvider {
            arn: arn.clone(),
            before,
            after,
        });
    }
    // Add before remove: the provider is never without an audience.
    let wanted = provider.audiences.initial();
    for audience in wanted
        .iter()
        .filter(|audience| !found.audiences.contains(audience))
    {
        plan.changes.push(Change::AddAudience {
            arn: arn.clone(),
            audience: audience.clone(),
        });
    }
    for audience in found
        .audiences
        .iter()
        .filter(|audience| !wanted.contains(audience))
    {
        match provider.audiences {
            Audiences::Exactly(_) => plan.changes.push(Change::RemoveAudience { arn: arn.clone(), audience: audience.clone() }),
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
        plan.changes.push(Change::UpdateThumbprints {
            arn: arn.clone(),
            before: found.thumbprints.clone(),
            after,
        });
    }
}

/// IAM keeps five thumbprints (`ThumbprintList`).
const MAX_THUMBPRINTS: usize = 5;

/// The list with a thumbprint in it.
fn with(list: &[String], thumbprint: &Thumbprint, notes: &mut Vec<String>) -> Vec<String> {
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

/// The tags to add or to change, as they are now and then; none when all are as wanted.
fn retagged(wanted: &Tags, found: &Tags) -> Option<(Tags, Tags)> {
    let after = missing_tags(wanted, found)?;
    let mut before = found.clone();
    before.retain(|key, _| after.contains_key(key));
    Some((before, after))
}

/// The wanted tags that are absent or differ; others on the resource are not ours to touch.
fn missing_tags(wanted: &Tags, found: &Tags) -> Option<Tags> {
    let missing: Tags = wanted
        .iter()
        .filter(|(key, value)| found.get(*key) != Some(value))
        .map(|(key, value)| (key.clone(), value.clone()))
        .collect();
    (!missing.is_empty()).then_some(missing)
}

mod key_set;
mod role;
mod teardown;
#[cfg(test)]
mod tests;
