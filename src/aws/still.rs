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
use crate::plan::removal::Removal;
use crate::plan::tags::{Tags, is_ours};

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
        Change::Bucket(change) => of_bucket(aws, change).await,
        Change::Provider(change) => of_provider(aws, change).await,
        Change::Role(one) => match of_role(aws, one).await {
            // It may have been written a moment ago.
            Ok(None) if gives(one) => {
                let reason = "its trust policy is not the one that was seen or set";
                return Err(Failure::not_yet(change, reason));
            }
            looked => looked,
        },
        Change::Remove(removal) => of_removal(aws, removal).await,
    };
    let failed = |error, not_yet| Err(Failure { error, not_yet });
    match looked {
        Ok(Some(still)) => Ok(still),
        Ok(None) => failed(
            Error::refused(cannot(change))
                .because("somebody else has changed it since it was looked at")
                .hint("run the command again; it continues from the current state"),
            None,
        ),
        Err(error) if error.code() == Some("NoSuchBucket") => match change {
            Change::Remove(_) => Ok(Still::Done),
            // A bucket that was just made may be unknown to some of S3 yet; what had a policy is gone.
            Change::Bucket(
                BucketChange::PutPolicy { before: None, .. }
                | BucketChange::PutPublicAccessBlock { .. },
            ) => {
                let code = error.code().map(str::to_owned);
                failed(error, code)
            }
            _ => failed(error, None),
        },
        Err(error) => failed(error, None),
    }
}

async fn of_bucket(aws: &Aws, change: &BucketChange) -> Result<Option<Still>> {
    match change {
        BucketChange::Tag {
            bucket,
            owner,
            before,
            after,
        } => {
            let now = bucket::tags(aws, bucket, owner).await?;
            Ok(compared(json!(now), json!(before), json!(after)))
        }
        BucketChange::PutPublicAccessBlock {
            bucket,
            owner,
            before,
            ..
        } => {
            let now = bucket::public_access_block(aws, bucket, owner);
            let policy = bucket::policy(aws, bucket, owner);
            let (now, policy) = tokio::try_join!(now, policy)?;
            let is_on = now.is_some_and(PublicAccessBlock::holds_back);
            // Somebody has switched it on meanwhile, and for a reason, or has put something behind it.
            let is_new = is_on && !before.is_some_and(PublicAccessBlock::holds_back);
            let opens = policy.is_some_and(|policy| !public::held_back(&policy).is_empty());
            Ok((!(is_new || is_on && opens)).then_some(Still::AsSeen))
        }
        BucketChange::PutPolicy {
            bucket,
            owner,
            before,
            after,
        } => {
            let now = bucket::policy(aws, bucket, owner).await?;
            Ok(compared(json!(now), json!(before), after.clone()))
        }
        _ => Ok(Some(Still::AsSeen)),
    }
}

async fn of_provider(aws: &Aws, change: &ProviderChange) -> Result<Option<Still>> {
    match change {
        ProviderChange::Create {
            account, buckets, ..
        } => every_bucket(aws, buckets, account).await,
        ProviderChange::UpdateThumbprints { arn, before, after } => {
            let now = provider::provider(aws, arn).await?;
            let list = json!(now.map(|one| one.thumbprints));
            Ok(compared(list, json!(before), json!(after)))
        }
        _ => Ok(Some(Still::AsSeen)),
    }
}

async fn of_role(aws: &Aws, change: &RoleChange) -> Result<Option<Still>> {
    match change {
        RoleChange::UpdateTrust {
            role,
            before,
            after,
        } => {
            let now = role::head(aws, role).await?;
            let trust = json!(now.map(|(trust, _)| trust));
            Ok(compared(trust, before.clone(), after.clone()))
        }
        // Whoever the role lets in gets the policy.
        RoleChange::AttachPolicy { role, trust, .. }
        | RoleChange::PutInlinePolicy { role, trust, .. } => {
            let now = role::head(aws, role).await?;
            let is_same = now.is_some_and(|(found, _)| found == *trust);
            Ok(is_same.then_some(Still::AsSeen))
        }
        _ => Ok(Some(Still::AsSeen)),
    }
}

/// Whether a change gives a role more than it has.
fn gives(change: &RoleChange) -> bool {
    matches!(
        change,
        RoleChange::AttachPolicy { .. } | RoleChange::PutInlinePolicy { .. }
    )
}

async fn of_removal(aws: &Aws, removal: &Removal) -> Result<Option<Still>> {
    match removal {
        Removal::BucketPolicy {
            bucket,
            owner,
            before,
        } => {
            let now = bucket::policy(aws, bucket, owner).await?;
            Ok(compared(json!(now), before.clone(), Value::Null))
        }
        Removal::Role { role }
        | Removal::AttachedPolicy { role, .. }
        | Removal::InlinePolicy { role, .. } => {
            let now = role::head(aws, role).await?;
            Ok(still_ours(now.map(|(_, tags)| tags)))
        }
        Removal::Provider { arn } => {
            let now = provider::provider(aws, arn).await?;
            Ok(still_ours(now.map(|provider| provider.tags)))
        }
        Removal::Object { .. } | Removal::Bucket { .. } => Ok(Some(Still::AsSeen)),
    }
}

/// What goes was ours when it was looked at: somebody may have made another one of its name since.
fn still_ours(tags: Option<Tags>) -> Option<Still> {
    match tags {
        None => Some(Still::Done),
        Some(tags) => is_ours(&tags).then_some(Still::AsSeen),
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
