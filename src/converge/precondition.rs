//! What must be there before a plan makes sense.

use crate::aws::{bucket, provider};
use crate::converge::session::Session;
use crate::error::{Error, Result};
use crate::iam::bucket::BucketName;
use crate::plan::observed::Object;

impl Session<'_> {
    /// Whether the bucket is there; an error when it is not this account's.
    pub(crate) async fn has_bucket(&self, bucket: &BucketName) -> Result<bool> {
        match &self.aws {
            Some(aws) => bucket::bucket_exists(aws, bucket, &self.account).await,
            None => Ok(false),
        }
    }

    /// An object of one of this account's buckets; none when it is not there.
    pub(crate) async fn object(&self, bucket: &BucketName, key: &str) -> Result<Option<Object>> {
        match &self.aws {
            Some(aws) => bucket::object(aws, bucket, &self.account, key).await,
            None => Ok(None),
        }
    }

    /// Whether the provider is there; offline, nobody can tell.
    pub(crate) async fn has_provider(&self, arn: &str) -> Result<bool> {
        match &self.aws {
            Some(aws) => Ok(provider::provider(aws, arn).await?.is_some()),
            None => Ok(true),
        }
    }

    /// Refuses a bucket that is not there: whoever takes its name could sign tokens for a provider
    /// that trusts it.
    pub(crate) async fn require_bucket(&self, bucket: &BucketName) -> Result<()> {
        let Some(aws) = &self.aws else { return Ok(()) };
        if bucket::bucket_exists(aws, bucket, &self.account).await? {
            Ok(())
        } else {
            Err(Error::refused(format!("cannot let AWS trust bucket s3://{bucket}: it is not there"))
                .because("whoever creates it next could sign tokens that the provider accepts")
                .hint("publish first: 'irsactl publish' with the same names, or 'irsactl bootstrap' for both"))
        }
    }
}
