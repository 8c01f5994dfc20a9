//! What has to change in a published JWK Set whose keys are being rotated.

use crate::error::{Error, Result};
use crate::oidc::jwks::JwkSet;
use crate::oidc::key::Kid;
use crate::plan::change::Change;
use crate::plan::change::bucket::BucketChange;
use crate::plan::desired::KeySet;
use crate::plan::diff::ownership::owned;
use crate::plan::diff::plan::Plan;
use crate::plan::document::Document;
use crate::plan::observed::Object;
use crate::plan::tags::Tags;

/// Keys that are not spoken of stay. With `adopt`, a set in another tool's form is taken and written back
/// in ours.
pub(super) fn diff(
    set: &KeySet,
    found: Option<&(Tags, Option<Object>)>,
    adopt: bool,
    plan: &mut Plan,
) -> Result<()> {
    let place = format!("s3://{}/{}", set.bucket, set.key);
    let Some((tags, Some(object))) = found else {
        return Err(Error::refused(format!("cannot rotate the keys in {place}"))
            .because("nothing is published there")
            .hint("publish first: 'irsactl bootstrap', or 'irsactl publish'"));
    };
    owned(&format!("bucket s3://{}", set.bucket), tags, adopt)?;
    let parsed = if adopt {
        JwkSet::parse_foreign(&object.body)
    } else {
        JwkSet::parse(&object.body)
    };
    let refused = |cause| {
        Error::refused(format!("cannot rotate the keys in {place}"))
            .because(cause)
            .hint("nothing was changed; look at the object: 'irsactl verify'")
    };
    let published = parsed.map_err(refused)?;
    let joined = published.merged(&set.join).map_err(refused)?;
    let after = joined.without(&set.retire);
    if after == JwkSet::default() {
        return Err(
            Error::refused(format!("cannot take the last key out of {place}"))
                .because("AWS would accept no token of the cluster any more")
                .hint("publish the new key first: 'irsactl rotate prepare'"),
        );
    }
    if after == published {
        return Ok(());
    }
    for kid in unspoken(&after, set) {
        plan.notes
            .push(format!("kid {kid} is published too; it is kept"));
    }
    plan.changes.push(Change::Bucket(BucketChange::PutObject {
        bucket: set.bucket.clone(),
        owner: set.account.clone(),
        key: set.key.clone(),
        before: Some(object.clone()),
        document: Document::Jwks(after),
    }));
    Ok(())
}

fn unspoken<'a>(after: &'a JwkSet, set: &'a KeySet) -> impl Iterator<Item = &'a Kid> {
    after
        .kids()
        .filter(|kid| !set.join.kids().any(|joins| joins == *kid))
}
