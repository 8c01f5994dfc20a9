//! What has to change of a bucket: tags, public access block, policy, and the two documents.

use crate::error::{Error, Result};
use crate::iam::public::{self, Public};
use crate::oidc::jwks::JwkSet;
use crate::oidc::key::Kid;
use crate::plan::change::Change;
use crate::plan::change::bucket::BucketChange;
use crate::plan::desired::{PublicAccessBlock, Publication};
use crate::plan::diff::plan::Plan;
use crate::plan::document::{CACHE_CONTROL, CONTENT_TYPE, Document, ENCRYPTION};
use crate::plan::observed::{self, Object};
use crate::plan::tags::missing_tags;

/// What has to change of a bucket, its policy and its two documents.
pub(super) fn diff(
    publication: &Publication,
    found: Option<&observed::Bucket>,
    plan: &mut Plan,
) -> Result<()> {
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
        plan.changes.push(Change::Bucket(BucketChange::Create {
            bucket: publication.bucket.clone(),
            owner: publication.account.clone(),
            region: publication.region.clone(),
            tags: publication.tags.clone(),
        }));
    }
    let found = found.unwrap_or(&new_bucket);
    if let Some(missing) = missing_tags(&publication.tags, &found.tags) {
        let mut after = found.tags.clone();
        after.extend(missing);
        plan.changes.push(Change::Bucket(BucketChange::Tag {
            bucket: publication.bucket.clone(),
            owner: publication.account.clone(),
            before: found.tags.clone(),
            after,
        }));
    }
    refuse_to_open_more(publication, found)?;
    let access = access(publication, found)?;
    if !access.is_empty() {
        plan.becomes_public = becomes_public(publication, found);
    }
    notes(publication, found, &mut plan.notes);
    plan.changes.extend(access);
    documents(publication, found, plan)
}

/// What lets everybody read the two documents: the block, and the policy.
fn access(publication: &Publication, found: &observed::Bucket) -> Result<Vec<Change>> {
    let (bucket, owner) = (&publication.bucket, &publication.account);
    let policy = publication.policy(found.policy.as_ref()).map_err(|cause| {
        Error::refused(format!("cannot add to the policy of bucket s3://{bucket}"))
            .because(cause)
            .hint(format!(
                "look at it with: aws s3api get-bucket-policy --bucket {bucket}"
            ))
    })?;
    let block = found.public_access_block;
    let block_change = (block != Some(PublicAccessBlock::POLICY_ONLY)).then(|| {
        Change::Bucket(BucketChange::PutPublicAccessBlock {
            bucket: bucket.clone(),
            owner: owner.clone(),
            before: block,
            after: PublicAccessBlock::POLICY_ONLY,
        })
    });
    let policy_change = (found.policy.as_ref() != Some(&policy)).then(|| {
        Change::Bucket(BucketChange::PutPolicy {
            bucket: bucket.clone(),
            owner: owner.clone(),
            before: found.policy.clone(),
            after: policy,
        })
    });
    let mut access: Vec<Change> = block_change.into_iter().chain(policy_change).collect();
    // A bucket that takes public policies already may be public by ACL: the policy comes first then,
    // so that what is read now stays readable when the ACLs no longer count.
    if !block.is_some_and(|block| block.block_public_policy) {
        access.reverse();
    }
    Ok(access)
}

/// The two documents, and those of other issuers that a block which goes holds back too.
fn becomes_public(publication: &Publication, found: &observed::Bucket) -> Vec<String> {
    let keys = publication.object_keys();
    let mut objects = keys
        .map(|key| format!("s3://{}/{key}", publication.bucket))
        .to_vec();
    let published = found.policy.as_ref().map(public::published);
    for arn in published.unwrap_or_default() {
        let object = arn.split(":::").last().map(|path| format!("s3://{path}"));
        objects.extend(object.filter(|one| !objects.contains(one)));
    }
    objects
}

fn notes(publication: &Publication, found: &observed::Bucket, notes: &mut Vec<String>) {
    let counts_acls = |block: PublicAccessBlock| !block.ignore_public_acls;
    if found.public_access_block.is_none_or(counts_acls) {
        notes.push(format!(
            "bucket s3://{} counts public ACLs now and will not: other objects that are public by ACL become private",
            publication.bucket
        ));
    }
    let open = found.policy.as_ref().map(public::wider).unwrap_or_default();
    notes.extend(open.iter().map(|one| {
        let Public { name, what, .. } = one;
        format!("the bucket policy lets everybody do more already: {name}: {what}")
    }));
}

fn documents(publication: &Publication, found: &observed::Bucket, plan: &mut Plan) -> Result<()> {
    let keys = published_keys(publication, found.jwks.as_ref())?;
    let is_ours = |kid: &&Kid| publication.keys.kids().any(|ours| ours == *kid);
    for kid in keys.kids().filter(|kid| !is_ours(kid)) {
        plan.notes.push(format!(
            "keys.json also holds kid {kid}, which is not published by this run: whoever has that key can sign tokens"
        ));
    }
    let jwks = Document::Jwks(keys);
    let discovery = Document::Discovery(publication.discovery.clone());
    for (document, before) in [(jwks, &found.jwks), (discovery, &found.discovery)] {
        if before
            .as_ref()
            .is_some_and(|object| is_as_published(object, &document))
        {
            continue;
        }
        plan.changes.push(Change::Bucket(BucketChange::PutObject {
            bucket: publication.bucket.clone(),
            owner: publication.account.clone(),
            key: document.key(publication.prefix.as_deref()),
            before: before.clone(),
            document,
        }));
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
        .is_some_and(PublicAccessBlock::holds_back);
    let Some(policy) = found.policy.as_ref().filter(|_| is_loosened) else {
        return Ok(());
    };
    let mut held_back = public::held_back(policy);
    let restricts = |block: PublicAccessBlock| block.restrict_public_buckets;
    if found.public_access_block.is_some_and(restricts) {
        let cut_off = public::cut_off(policy, &publication.account);
        held_back.extend(
            cut_off
                .into_iter()
                .filter(|one| !held_back.contains(one))
                .collect::<Vec<_>>(),
        );
    }
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
