//! Whether what a change replaces as a whole is still what was seen, asked right before it is replaced.
//!
//! S3 and IAM have no If-Match for a bucket's policy or tags, a trust policy or a list of thumbprints: the last
//! writer wins. What somebody else has written since it was looked at is not replaced; what is left of the window
//! is the time between this look and the call.

use serde_json::{Value, json};

use crate::aws::connect::Aws;
use crate::aws::outcome::{Failure, cannot};
use crate::aws::{bucket, provider, role};
use crate::error::{Error, Result};
use crate::iam::arn::AccountId;
use crate::iam::bucket::BucketName;
use crate::iam::public;
use crate::plan::change::Change;
use crate::plan::change::bucket::BucketChange;
use crate::plan::change::provider::ProviderChange;
use crate::plan::change::role::RoleChange;
use crate::plan::desired::PublicAccessBlock;
use crate::plan::observed::{Provider, Role};
use crate::plan::removal::Removal;

/// What the look came to.
pub(super) enum Still {
    /// As it was seen: the change can be made.
    AsSeen,
    /// As it is to be: another run of the same has made it.
    Done,
}

/// Looks at what a change replaces.
pub(super) async fn look(aws: &Aws, change: &Change) -> std::result::Result<Still, Failure> {
    let looked = match change {
        Change::Bucket(BucketChange::Tag {
            bucket,
            owner,
            before,
            after,
        }) => {
            let now = bucket::tags(aws, bucket, owner).await;
            now.map(|now| compared(json!(now), json!(before), json!(after)))
        }
        Change::Bucket(BucketChange::PutPublicAccessBlock {
            bucket,
            owner,
            before,
            ..
        }) => {
            let now = bucket::public_access_block(aws, bucket, owner);
            let policy = bucket::policy(aws, bucket, owner);
            let both = tokio::try_join!(now, policy);
            both.map(|(now, policy)| {
                let is_on = now.is_some_and(PublicAccessBlock::holds_back);
                // Somebody has switched it on meanwhile, and for a reason, or has put something behind it.
                let is_new = is_on && !before.is_some_and(PublicAccessBlock::holds_back);
                let opens = policy.is_some_and(|policy| !public::held_back(&policy).is_empty());
                match is_new || is_on && opens {
                    true => None,
                    false => Some(Still::AsSeen),
                }
            })
        }
        Change::Bucket(BucketChange::PutPolicy {
            bucket,
            owner,
            before,
            after,
        }) => {
            let now = bucket::policy(aws, bucket, owner).await;
            now.map(|now| compared(json!(now), json!(before), after.clone()))
        }
        Change::Remove(Removal::BucketPolicy {
            bucket,
            owner,
            before,
        }) => {
            let now = bucket::policy(aws, bucket, owner).await;
            now.map(|now| compared(json!(now), before.clone(), Value::Null))
        }
        Change::Role(RoleChange::UpdateTrust {
            role,
            before,
            after,
        }) => {
            let now = role::observe(aws, role).await;
            let trust = |found: Option<_>| json!(found.map(|role: Role| role.trust));
            now.map(|now| compared(trust(now), before.clone(), after.clone()))
        }
        Change::Provider(ProviderChange::UpdateThumbprints { arn, before, after }) => {
            let now = provider::provider(aws, arn).await;
            let list = |found: Option<_>| json!(found.map(|one: Provider| one.thumbprints));
            now.map(|now| compared(list(now), json!(before), json!(after)))
        }
        Change::Provider(ProviderChange::Create {
            account, buckets, ..
        }) => every_bucket(aws, buckets, account).await,
        _ => Ok(Some(Still::AsSeen)),
    };
    match looked {
        Ok(Some(still)) => Ok(still),
        Ok(None) => Err(Failure {
            error: Error::refused(cannot(change))
                .because("somebody else has changed it since it was looked at")
                .hint("run again: it starts from what is there now"),
            not_yet: None,
        }),
        Err(error) if error.code() == Some("NoSuchBucket") => match change {
            Change::Remove(_) => Ok(Still::Done),
            // A bucket that was just made may be unknown to some of S3 yet; what had a policy is gone.
            Change::Bucket(BucketChange::PutPolicy { before: None, .. })
            | Change::Bucket(BucketChange::PutPublicAccessBlock { .. }) => Err(Failure {
                not_yet: error.code().map(str::to_owned),
                error,
            }),
            _ => Err(Failure {
                error,
                not_yet: None,
            }),
        },
        Err(error) => Err(Failure {
            error,
            not_yet: None,
        }),
    }
}

fn compared(now: Value, before: Value, after: Value) -> Option<Still> {
    match now {
        now if now == before => Some(Still::AsSeen),
        now if now == after => Some(Still::Done),
        _ => None,
    }
}

/// A provider is made only when the buckets that it trusts were just seen to be ours: whoever takes the name of
/// one that is gone could sign tokens for it.
async fn every_bucket(
    aws: &Aws,
    buckets: &[BucketName],
    account: &AccountId,
) -> Result<Option<Still>> {
    for bucket in buckets {
        if !bucket::bucket_exists(aws, bucket, account).await? {
            return Err(Error::refused(format!("cannot let AWS trust bucket s3://{bucket}: it is not there any more"))
                .because("whoever creates it next could sign tokens that the provider accepts")
                .hint("publish first: 'irsactl publish' with the same names, or 'irsactl bootstrap' for both"));
        }
    }
    Ok(Some(Still::AsSeen))
}
