//! Other issuers in the same bucket, whose statements of its policy must outlive this run.
//!
//! S3 has no If-Match for bucket policies. Each one is read right before it is written; what is left is a run that
//! publishes, and ends, between that look and the call. It has left its documents, which the policy that was
//! written over its own does not open.

use std::collections::BTreeSet;

use crate::aws::connect::Aws;
use crate::aws::{account, bucket, partition};
use crate::error::{Error, Exit, Result};
use crate::iam::arn::{self, AccountId};
use crate::iam::bucket::BucketName;
use crate::iam::public;
use crate::output;
use crate::plan::change::Change;
use crate::plan::change::bucket::BucketChange;
use crate::plan::diff::plan::Plan;
use crate::plan::removal::Removal;

/// The issuers that a bucket had before its policy was written.
pub(crate) struct Neighbours {
    bucket: BucketName,
    owner: AccountId,
    before: BTreeSet<String>,
}

impl Neighbours {
    /// Looks, where a plan writes or removes a policy.
    pub(crate) async fn look(aws: &Aws, plan: &Plan) -> Result<Option<Self>> {
        let written = plan.changes.iter().find_map(|change| match change {
            Change::Bucket(BucketChange::PutPolicy { bucket, owner, .. })
            | Change::Remove(Removal::BucketPolicy { bucket, owner, .. }) => Some((bucket, owner)),
            _ => None,
        });
        let Some((bucket, owner)) = written else {
            return Ok(None);
        };
        Ok(Some(Self {
            bucket: bucket.clone(),
            owner: owner.clone(),
            before: account::issuers(aws, bucket, owner).await?.0,
        }))
    }

    /// Looks again, when all is done: an issuer that came meanwhile must be one that everybody can read.
    pub(crate) async fn check(&self, aws: &Aws, own: &[String]) -> Result<()> {
        let Self {
            bucket,
            owner,
            before,
        } = self;
        let (mut came, has_more) = account::issuers(aws, bucket, owner).await?;
        if has_more {
            output::say(format_args!(
                "note: s3://{bucket} holds more than 10,000 objects: not all were looked at for issuers that came meanwhile"
            ));
        }
        came.retain(|key| !before.contains(key) && !own.contains(key));
        if came.is_empty() {
            return Ok(());
        }
        let policy = bucket::policy(aws, bucket, owner)
            .await?
            .unwrap_or_default();
        let partition = partition::of_region(&aws.region)?;
        let is_closed =
            |key: &&String| !public::opens(&policy, &arn::object(&partition, bucket.as_str(), key));
        let closed: Vec<&str> = came.iter().filter(is_closed).map(String::as_str).collect();
        match closed.first() {
            None => Ok(()),
            Some(key) => Err(Error::failed(format!(
                "bucket s3://{bucket} was written by another run at the same time"
            ))
            .because(format!(
                "s3://{bucket}/{key} was published meanwhile, and the bucket policy does not let everybody read it"
            ))
            .hint("run both again, one after the other: the statement is put back by the run of that issuer")
            .with_exit(Exit::Interrupted)),
        }
    }
}
