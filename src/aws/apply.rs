//! Applies one change: one call, sent again where AWS says "not yet".

use aws_sdk_iam::types::Tag as IamTag;
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_s3::types::{
    BucketLocationConstraint, BucketNamespace, CreateBucketConfiguration,
    PublicAccessBlockConfiguration, ServerSideEncryption, Tag, Tagging,
};
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_types::request_id::RequestId;
use tokio::time::Instant;

use crate::aws::bucket::{self, object};
use crate::aws::connect::Aws;
use crate::aws::error::code;
use crate::aws::outcome::{Failure, cannot, done_unless};
use crate::aws::patience::Patience;
use crate::aws::still::{self, Still};
use crate::aws::{provider, remove, role};
use crate::error::{Error, Exit, Result};
use crate::plan::change::Change;
use crate::plan::desired::INLINE_POLICY;
use crate::plan::document::{CACHE_CONTROL, CONTENT_TYPE};
use crate::plan::tags::Tags;

/// Makes the change. `on_wait` is told the error code when AWS needs time, and can end it. Returns before
/// `deadline` unless the call in hand takes longer.
pub(crate) async fn apply(
    aws: &Aws,
    change: &Change,
    deadline: Instant,
    on_wait: impl Fn(&str) -> Result<()>,
) -> Result<()> {
    let mut patience = Patience::until(deadline);
    loop {
        let (operation, resource) = (change.operation(), change.resource());
        tracing::info!(operation, resource, "calling");
        let failure = match still::look(aws, change).await {
            Ok(Still::Done) => return Ok(()),
            Err(failure) => failure,
            Ok(Still::AsSeen) => match call(aws, change).await {
                Ok(()) => return Ok(()),
                Err(failure) => failure,
            },
        };
        let Some(reason) = &failure.not_yet else {
            return Err(failure.error);
        };
        on_wait(reason)?;
        if !patience.wait().await {
            return Err(match patience.ends_with_deadline() {
                true => failure.error.with_exit(Exit::Deadline),
                false => failure.error,
            });
        }
    }
}

/// The outcome of a creation; the error code `exists` says that something is there already.
async fn created<O, E>(
    aws: &Aws,
    change: &Change,
    result: std::result::Result<O, SdkError<E, HttpResponse>>,
    exists: &str,
) -> std::result::Result<(), Failure>
where
    E: ProvideErrorMetadata + RequestId + std::error::Error + 'static,
{
    let is_there = matches!(&result, Err(error) if code(error) == Some(exists));
    done_unless(change, result, &[exists])?;
    match is_there {
        true => is_of_this_plan(aws, change).await,
        false => Ok(()),
    }
}

/// An earlier attempt whose answer was lost, or another run of the same, has made it with these tags. What
/// anybody else has made since it was looked for is not changed.
async fn is_of_this_plan(aws: &Aws, change: &Change) -> std::result::Result<(), Failure> {
    let (wanted, found) = match change {
        Change::CreateBucket {
            bucket,
            owner,
            tags,
            ..
        } => (tags, bucket::tags(aws, bucket, owner).await.map(Some)),
        Change::CreateProvider { arn, tags, .. } => {
            let found = provider::provider(aws, arn).await;
            (tags, found.map(|found| found.map(|found| found.tags)))
        }
        Change::CreateRole { role, .. } => {
            let found = role::observe(aws, &role.name).await;
            (&role.tags, found.map(|found| found.map(|found| found.tags)))
        }
        _ => return Ok(()),
    };
    let found = found.map_err(|error| Failure {
        error,
        not_yet: None,
    })?;
    match found.filter(|found| !found.is_empty()) {
        None => Err(Failure::not_yet(change, "its tags do not show")),
        Some(found)
            if wanted
                .iter()
                .all(|(key, value)| found.get(key) == Some(value)) =>
        {
            Ok(())
        }
        Some(_) => Err(Failure {
            error: Error::refused(cannot(change))
                .because("somebody else has made it meanwhile")
                .hint("run again: it starts from what is there now"),
            not_yet: None,
        }),
    }
}

async fn call(aws: &Aws, change: &Change) -> std::result::Result<(), Failure> {
    match change {
        Change::CreateBucket {
            bucket,
            region,
            tags,
            ..
        } => {
            // us-east-1 has no LocationConstraint and answers InvalidLocationConstraint to one.
            let location =
                (region != "us-east-1").then(|| BucketLocationConstraint::from(region.as_str()));
            let configuration = CreateBucketConfiguration::builder()
                .set_location_constraint(location)
                .set_tags(Some(s3_tags(tags)))
                .build();
            let namespace = bucket
                .is_account_regional()
                .then_some(BucketNamespace::AccountRegional);
            let request = aws
                .s3
                .create_bucket()
                .bucket(bucket.as_str())
                .create_bucket_configuration(configuration)
                .set_bucket_namespace(namespace);
            created(aws, change, request.send().await, "BucketAlreadyOwnedByYou").await
        }
        Change::TagBucket {
            bucket,
            owner,
            after,
            ..
        } => {
            let tagging = Tagging::builder().set_tag_set(Some(s3_tags(after))).build();
            let request = aws
                .s3
                .put_bucket_tagging()
                .bucket(bucket.as_str())
                .expected_bucket_owner(owner.as_str())
                .tagging(tagging.map_err(|e| Failure {
                    error: Error::failed(cannot(change)).because(e),
                    not_yet: None,
                })?);
            done_unless(change, request.send().await, &[])
        }
        Change::PutPublicAccessBlock {
            bucket,
            owner,
            after,
            ..
        } => {
            let configuration = PublicAccessBlockConfiguration::builder()
                .block_public_acls(after.block_public_acls)
                .ignore_public_acls(after.ignore_public_acls)
                .block_public_policy(after.block_public_policy)
                .restrict_public_buckets(after.restrict_public_buckets)
                .build();
            let request = aws
                .s3
                .put_public_access_block()
                .bucket(bucket.as_str())
                .expected_bucket_owner(owner.as_str())
                .public_access_block_configuration(configuration);
            done_unless(change, request.send().await, &[])
        }
        Change::PutBucketPolicy {
            bucket,
            owner,
            after,
            ..
        } => {
            let request = aws
                .s3
                .put_bucket_policy()
                .bucket(bucket.as_str())
                .expected_bucket_owner(owner.as_str())
                .policy(after.to_string());
            done_unless(change, request.send().await, &[])
        }
        Change::PutObject {
            bucket,
            owner,
            key,
            before,
            document,
        } => {
            let request = aws
                .s3
                .put_object()
                .bucket(bucket.as_str())
                .expected_bucket_owner(owner.as_str())
                .key(key)
                .content_type(CONTENT_TYPE)
                .cache_control(CACHE_CONTROL)
                .server_side_encryption(ServerSideEncryption::Aes256)
                .body(document.text().into_bytes().into());
            let request = match before {
                Some(object) => request.if_match(&object.etag),
                None => request.if_none_match("*"),
            };
            let result = request.send().await;
            if result.as_ref().err().and_then(code) == Some("PreconditionFailed")
                && let Ok(Some(object)) = object(aws, bucket, owner, key).await
                && object.body == document.text().as_bytes()
            {
                // Ours: an earlier attempt was committed and its answer lost.
                return Ok(());
            }
            done_unless(change, result, &[])
        }
        Change::Remove(removal) => remove::remove(aws, change, removal).await,
        Change::CreateProvider {
            url,
            audiences,
            thumbprint,
            tags,
            ..
        } => {
            let request = aws
                .iam
                .create_open_id_connect_provider()
                .url(url.as_str())
                .set_client_id_list(Some(audiences.clone()))
                .set_thumbprint_list(thumbprint.as_ref().map(|t| vec![t.to_string()]))
                .set_tags(Some(iam_tags(tags)));
            created(aws, change, request.send().await, "EntityAlreadyExists").await
        }
        Change::TagProvider { arn, after, .. } => {
            let request = aws
                .iam
                .tag_open_id_connect_provider()
                .open_id_connect_provider_arn(arn)
                .set_tags(Some(iam_tags(after)));
            done_unless(change, request.send().await, &[])
        }
        Change::AddAudience { arn, audience } => {
            let request = aws
                .iam
                .add_client_id_to_open_id_connect_provider()
                .open_id_connect_provider_arn(arn)
                .client_id(audience);
            done_unless(change, request.send().await, &[])
        }
        Change::RemoveAudience { arn, audience } => {
            let request = aws
                .iam
                .remove_client_id_from_open_id_connect_provider()
                .open_id_connect_provider_arn(arn)
                .client_id(audience);
            done_unless(change, request.send().await, &[])
        }
        Change::CreateRole { role, trust } => {
            let request = aws
                .iam
                .create_role()
                .role_name(&role.name)
                .assume_role_policy_document(trust.to_string())
                .set_permissions_boundary(role.permissions_boundary.clone())
                .set_max_session_duration(role.max_session)
                .set_tags(Some(iam_tags(&role.tags)));
            created(aws, change, request.send().await, "EntityAlreadyExists").await
        }
        Change::TagRole { role, after, .. } => {
            let request = aws
                .iam
                .tag_role()
                .role_name(role)
                .set_tags(Some(iam_tags(after)));
            done_unless(change, request.send().await, &[])
        }
        Change::UpdateTrustPolicy { role, after, .. } => {
            let request = aws
                .iam
                .update_assume_role_policy()
                .role_name(role)
                .policy_document(after.to_string());
            done_unless(change, request.send().await, &[])
        }
        Change::AttachPolicy { role, policy_arn } => {
            let request = aws
                .iam
                .attach_role_policy()
                .role_name(role)
                .policy_arn(policy_arn);
            done_unless(change, request.send().await, &[])
        }
        Change::PutInlinePolicy { role, after, .. } => {
            let request = aws
                .iam
                .put_role_policy()
                .role_name(role)
                .policy_name(INLINE_POLICY)
                .policy_document(after.to_string());
            done_unless(change, request.send().await, &[])
        }
        Change::PutPermissionsBoundary { role, after, .. } => {
            let request = aws
                .iam
                .put_role_permissions_boundary()
                .role_name(role)
                .permissions_boundary(after);
            done_unless(change, request.send().await, &[])
        }
        Change::UpdateMaxSession { role, after, .. } => {
            let request = aws
                .iam
                .update_role()
                .role_name(role)
                .max_session_duration(*after);
            done_unless(change, request.send().await, &[])
        }
        Change::UpdateThumbprints { arn, after, .. } => {
            let request = aws
                .iam
                .update_open_id_connect_provider_thumbprint()
                .open_id_connect_provider_arn(arn)
                .set_thumbprint_list(Some(after.clone()));
            done_unless(change, request.send().await, &[])
        }
    }
}

fn s3_tags(tags: &Tags) -> Vec<Tag> {
    tags.iter()
        .filter_map(|(key, value)| Tag::builder().key(key).value(value).build().ok())
        .collect()
}

fn iam_tags(tags: &Tags) -> Vec<IamTag> {
    tags.iter()
        .filter_map(|(key, value)| IamTag::builder().key(key).value(value).build().ok())
        .collect()
}
