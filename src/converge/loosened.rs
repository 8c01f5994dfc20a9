//! A public access block that was loosened, and what came behind it meanwhile.
//!
//! S3 has no If-Match for bucket policies: whoever writes one between the look and the call that loosens the block
//! opens up what the block has held back. Then it is switched on again.

use std::time::Duration;

use tokio::time::Instant;

use crate::aws::connect::Aws;
use crate::aws::{apply, bucket};
use crate::error::{Error, Exit, Result};
use crate::iam::public;
use crate::plan::change::Change;
use crate::plan::change::bucket::BucketChange;
use crate::plan::diff::plan::Plan;

/// How long S3 is given to take the block back.
const TIME: Duration = Duration::from_secs(30);

/// Looks at the policy once more, whether all changes were made or not, and closes again what is open to more than
/// the readers of the two documents.
pub(crate) async fn check(aws: &Aws, plan: &Plan) -> Result<()> {
    let loosened = plan.changes.iter().find_map(|change| match change {
        Change::Bucket(BucketChange::PutPublicAccessBlock {
            bucket,
            owner,
            before: Some(before),
            after,
        }) if before.holds_back() => Some((bucket, owner, *before, *after)),
        _ => None,
    });
    let Some((bucket, owner, before, after)) = loosened else {
        return Ok(());
    };
    let now = tokio::try_join!(
        bucket::public_access_block(aws, bucket, owner),
        bucket::policy(aws, bucket, owner)
    );
    let (block, policy) = match now {
        Ok(now) => now,
        // It was to be made, and was not.
        Err(error) if error.code() == Some("NoSuchBucket") => return Ok(()),
        Err(error) => return Err(error),
    };
    if block.is_some_and(|block| block.holds_back()) {
        return Ok(());
    }
    let held_back = policy.as_ref().map(public::held_back).unwrap_or_default();
    let Some(first) = held_back.first() else {
        return Ok(());
    };
    let back = Change::Bucket(BucketChange::PutPublicAccessBlock {
        bucket: bucket.clone(),
        owner: owner.clone(),
        before: Some(after),
        after: before,
    });
    let closed = apply::apply(aws, &back, Instant::now() + TIME, |_| Ok(())).await;
    let opened = format!(
        "statement {} of its policy came while the public access block was loosened: {}",
        first.name, first.what
    );
    let error = match closed {
        Ok(()) => Error::failed(format!("cannot open bucket s3://{bucket} to the readers of the two documents alone"))
            .because(opened)
            .because("the block is switched on again")
            .hint("take the statement out (CloudTrail says whose it is), and run again"),
        Err(cause) => Error::failed(format!("bucket s3://{bucket} lets everybody do more than read the two documents"))
            .because(opened)
            .because(format!("the block cannot be switched on again: {}", cause.in_short()))
            .hint(format!("switch it on at once: aws s3api put-public-access-block --bucket {bucket} --public-access-block-configuration BlockPublicAcls=true,IgnorePublicAcls=true,BlockPublicPolicy=true,RestrictPublicBuckets=true")),
    };
    Err(error.with_exit(Exit::Interrupted))
}
