//! Reads a bucket: whether it exists and is ours, and what is in it.

use aws_sdk_s3::types::{
    BucketLocationConstraint, BucketNamespace, CreateBucketConfiguration,
    PublicAccessBlockConfiguration, ServerSideEncryption, Tag, Tagging,
};
use serde_json::Value;

use crate::aws::connect::Aws;
use crate::aws::error::{code, failed, garbled, status};
use crate::aws::outcome::{Failure, cannot, created, done_unless};
use crate::error::{Error, Result};
use crate::iam::arn::AccountId;
use crate::iam::bucket::BucketName;
use crate::plan::change::Change;
use crate::plan::change::bucket::BucketChange;
use crate::plan::desired::PublicAccessBlock;
use crate::plan::document::{CACHE_CONTROL, CONTENT_TYPE, Document};
use crate::plan::observed::Object;
use crate::plan::tags::Tags;

/// A published document is a few kilobytes; what is larger is not ours.
pub(crate) const MAX_OBJECT: u64 = 1 << 20;

/// The code of an error that may mean a bucket of somebody else.
pub(crate) const FORBIDDEN: &str = "Forbidden";

/// Whether the bucket exists; an error when it is another account's or in another region.
pub(crate) async fn bucket_exists(
    aws: &Aws,
    bucket: &BucketName,
    owner: &AccountId,
) -> Result<bool> {
    let wrong_region = |region: &str| {
        Error::refused(format!("cannot use bucket s3://{bucket}"))
            .because(format!("it is in region {region}, not in {}", aws.region))
            .hint(format!("give --region {region}, or another --bucket"))
    };
    let result = aws
        .s3
        .head_bucket()
        .bucket(bucket.as_str())
        .expected_bucket_owner(owner.as_str())
        .send()
        .await;
    match result {
        Ok(output) => match output.bucket_region() {
            Some(region) if region != aws.region => Err(wrong_region(region)),
            _ => Ok(true),
        },
        Err(error) => {
            let region = error
                .raw_response()
                .and_then(|response| response.headers().get("x-amz-bucket-region"))
                .filter(|region| *region != aws.region)
                .map(str::to_owned);
            match (status(&error), region) {
                (Some(404), _) => Ok(false),
                (Some(301 | 400), Some(region)) => Err(wrong_region(&region)),
                (Some(403), _) => Err(Error::refused(format!("cannot use bucket s3://{bucket}"))
                    .because(format!(
                        "s3:HeadBucket: 403 Forbidden: it belongs to another account than {owner}, or s3:ListBucket is not granted"
                    ))
                    .hint("choose another name with --bucket, or check the permissions with 'irsactl policy'")
                    .with_code(Some(FORBIDDEN.to_owned()))),
                _ => Err(failed(format!("cannot look for bucket s3://{bucket}"), "s3:HeadBucket", error)),
            }
        }
    }
}

pub(crate) async fn tags(aws: &Aws, bucket: &BucketName, owner: &AccountId) -> Result<Tags> {
    let result = aws
        .s3
        .get_bucket_tagging()
        .bucket(bucket.as_str())
        .expected_bucket_owner(owner.as_str())
        .send()
        .await;
    match result {
        Ok(output) => Ok(output
            .tag_set()
            .iter()
            .map(|tag| (tag.key().to_owned(), tag.value().to_owned()))
            .collect()),
        Err(e) if code(&e) == Some("NoSuchTagSet") => Ok(Tags::new()),
        Err(e) => Err(failed(
            format!("cannot read the tags of bucket s3://{bucket}"),
            "s3:GetBucketTagging",
            e,
        )),
    }
}

pub(crate) async fn public_access_block(
    aws: &Aws,
    bucket: &BucketName,
    owner: &AccountId,
) -> Result<Option<PublicAccessBlock>> {
    let result = aws
        .s3
        .get_public_access_block()
        .bucket(bucket.as_str())
        .expected_bucket_owner(owner.as_str())
        .send()
        .await;
    match result {
        Ok(output) => {
            Ok(output
                .public_access_block_configuration()
                .map(|block| PublicAccessBlock {
                    block_public_acls: block.block_public_acls() == Some(true),
                    ignore_public_acls: block.ignore_public_acls() == Some(true),
                    block_public_policy: block.block_public_policy() == Some(true),
                    restrict_public_buckets: block.restrict_public_buckets() == Some(true),
                }))
        }
        Err(e) if code(&e) == Some("NoSuchPublicAccessBlockConfiguration") => Ok(None),
        Err(e) => {
            let what = format!("cannot read the public access block of bucket s3://{bucket}");
            Err(failed(what, "s3:GetBucketPublicAccessBlock", e))
        }
    }
}

/// A bucket's policy, if it has one.
pub(crate) async fn policy(
    aws: &Aws,
    bucket: &BucketName,
    owner: &AccountId,
) -> Result<Option<Value>> {
    let what = || format!("cannot read the policy of bucket s3://{bucket}");
    let result = aws
        .s3
        .get_bucket_policy()
        .bucket(bucket.as_str())
        .expected_bucket_owner(owner.as_str())
        .send()
        .await;
    match result {
        Ok(output) => output
            .policy()
            .map(serde_json::from_str)
            .transpose()
            .map_err(|e| garbled(what(), "s3:GetBucketPolicy", format!("it is not JSON: {e}"))),
        Err(e) if code(&e) == Some("NoSuchBucketPolicy") => Ok(None),
        Err(e) => Err(failed(what(), "s3:GetBucketPolicy", e)),
    }
}

/// An object, if it exists; no larger than a document of an issuer.
pub(crate) async fn object(
    aws: &Aws,
    bucket: &BucketName,
    owner: &AccountId,
    key: &str,
) -> Result<Option<Object>> {
    let what = || format!("cannot read s3://{bucket}/{key}");
    let result = aws
        .s3
        .get_object()
        .bucket(bucket.as_str())
        .key(key)
        .expected_bucket_owner(owner.as_str())
        .send()
        .await;
    let output = match result {
        Ok(output) => output,
        Err(e) if code(&e) == Some("NoSuchKey") => return Ok(None),
        Err(e) => return Err(failed(what(), "s3:GetObject", e)),
    };
    let length = output.content_length().unwrap_or_default();
    if u64::try_from(length).unwrap_or_default() > MAX_OBJECT {
        return Err(Error::refused(what()).because(format!(
            "it has {length} bytes, so it is not a document of an issuer"
        )));
    }
    let (etag, content_type, cache_control) =
        (output.e_tag, output.content_type, output.cache_control);
    let encryption = output
        .server_side_encryption
        .as_ref()
        .map(ServerSideEncryption::to_string);
    let mut frames = output.body;
    let mut body = Vec::new();
    // Who answers may not say how much it is, or say something else.
    while let Some(some) = frames.next().await {
        body.extend(some.map_err(|e| garbled(what(), "s3:GetObject", e))?);
        if body.len() as u64 > MAX_OBJECT {
            return Err(Error::refused(what()).because(format!(
                "it has more than {MAX_OBJECT} bytes, so it is not a document of an issuer"
            )));
        }
    }
    Ok(Some(Object {
        body,
        etag: etag.unwrap_or_default(),
        content_type,
        cache_control,
        encryption,
    }))
}

/// Makes a change. `whole` is the same, for what is said of it.
pub(super) async fn make(
    aws: &Aws,
    whole: &Change,
    change: &BucketChange,
) -> std::result::Result<(), Failure> {
    match change {
        BucketChange::Create {
            bucket,
            owner,
            region,
            tags,
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
            let found = async { Ok(Some((self::tags(aws, bucket, owner).await?, true))) };
            created(
                whole,
                request.send().await,
                "BucketAlreadyOwnedByYou",
                tags,
                found,
            )
            .await
        }
        BucketChange::Tag {
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
                    error: Error::failed(cannot(whole)).because(e),
                    not_yet: None,
                })?);
            done_unless(whole, request.send().await, &[])
        }
        BucketChange::PutPublicAccessBlock {
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
            done_unless(whole, request.send().await, &[])
        }
        BucketChange::PutPolicy {
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
            done_unless(whole, request.send().await, &[])
        }
        BucketChange::PutObject {
            bucket,
            owner,
            key,
            before,
            document,
        } => put_object(aws, whole, (bucket, owner), key, before.as_ref(), document).await,
    }
}

/// Writes a document where nothing is, or over what was seen there.
async fn put_object(
    aws: &Aws,
    whole: &Change,
    (bucket, owner): (&BucketName, &AccountId),
    key: &str,
    before: Option<&Object>,
    document: &Document,
) -> std::result::Result<(), Failure> {
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
    done_unless(whole, result, &[])
}

fn s3_tags(tags: &Tags) -> Vec<Tag> {
    tags.iter()
        .filter_map(|(key, value)| Tag::builder().key(key).value(value).build().ok())
        .collect()
}
