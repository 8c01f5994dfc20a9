//! What is left of an issuer, and the calls that take it away.

use crate::aws::connect::Aws;
use crate::aws::error::{code, failed};
use crate::aws::outcome::{Failure, cannot, done_unless};
use crate::plan::change::Change;
use crate::plan::removal::Removal;

/// Takes one thing away. What is gone already is as good.
pub(super) async fn remove(
    aws: &Aws,
    change: &Change,
    removal: &Removal,
) -> std::result::Result<(), Failure> {
    const GONE: &[&str] = &[
        "NoSuchEntity",
        "NoSuchBucket",
        "NoSuchKey",
        "NoSuchBucketPolicy",
    ];
    match removal {
        Removal::AttachedPolicy { role, policy_arn } => {
            let request = aws.iam.detach_role_policy().role_name(role);
            let result = request.policy_arn(policy_arn).send().await;
            done_unless(change, result, GONE)
        }
        Removal::InlinePolicy { role, name } => {
            let request = aws.iam.delete_role_policy().role_name(role);
            let result = request.policy_name(name).send().await;
            done_unless(change, result, GONE)
        }
        Removal::Role { role } => {
            let result = aws.iam.delete_role().role_name(role).send().await;
            done_unless(change, result, GONE)
        }
        Removal::Provider { arn } => {
            let request = aws.iam.delete_open_id_connect_provider();
            let result = request.open_id_connect_provider_arn(arn).send().await;
            done_unless(change, result, GONE)?;
            confirm_gone(aws, change, arn).await
        }
        Removal::Object {
            bucket,
            owner,
            key,
            version,
        } => {
            let request = aws.s3.delete_object().bucket(bucket.as_str()).key(key);
            let request = request.expected_bucket_owner(owner.as_str());
            let result = request.version_id(version).send().await;
            done_unless(change, result, GONE)
        }
        Removal::BucketPolicy { bucket, owner, .. } => {
            let request = aws.s3.delete_bucket_policy().bucket(bucket.as_str());
            let result = request.expected_bucket_owner(owner.as_str()).send().await;
            done_unless(change, result, GONE)
        }
        Removal::Bucket { bucket, owner } => {
            let request = aws.s3.delete_bucket().bucket(bucket.as_str());
            let result = request.expected_bucket_owner(owner.as_str()).send().await;
            done_unless(change, result, GONE)
        }
    }
}

/// The documents may only go when AWS trusts them no more.
async fn confirm_gone(aws: &Aws, change: &Change, arn: &str) -> std::result::Result<(), Failure> {
    let request = aws.iam.get_open_id_connect_provider();
    let result = request.open_id_connect_provider_arn(arn).send().await;
    match result {
        Err(error) if code(&error) == Some("NoSuchEntity") => Ok(()),
        Err(error) => Err(Failure {
            error: failed(cannot(change), "iam:GetOpenIDConnectProvider", error),
            not_yet: None,
        }),
        Ok(_) => Err(Failure::not_yet(change, "the provider is still there")),
    }
}
