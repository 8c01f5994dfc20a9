//! What an account holds beside what is ours: `verify` looks for roles that trust the issuer, for
//! providers whose host is gone, and for objects beside the documents. Nothing else lists anything.

use std::collections::BTreeSet;

use percent_encoding::percent_decode_str;
use serde_json::Value;

use crate::aws::connect::Aws;
use crate::aws::error::{code, failed, garbled};
use crate::error::{Error, Result};
use crate::iam::arn::AccountId;
use crate::iam::bucket::BucketName;

/// Refuses when the account's own public access block keeps the documents private, and says whether it has
/// BlockPublicPolicy on, which leaves the policies that are there in force (S3 API Reference,
/// PublicAccessBlockConfiguration). S3 takes the most restrictive of account and bucket, and answers the
/// same text for both later on.
pub(crate) async fn check_block(aws: &Aws, account: &AccountId) -> Result<bool> {
    let result = aws
        .s3control
        .get_public_access_block()
        .account_id(account.as_str())
        .send()
        .await;
    let block = match result {
        Ok(output) => output.public_access_block_configuration,
        Err(e) if code(&e) == Some("NoSuchPublicAccessBlockConfiguration") => None,
        Err(e) => {
            let what = format!("cannot read the public access block of account {account}");
            return Err(failed(what, "s3:GetAccountPublicAccessBlock", e));
        }
    };
    let Some(block) = block else {
        return Ok(false);
    };
    let blocks = block.block_public_policy == Some(true);
    match (block.restrict_public_buckets, blocks) {
        (Some(true), true) => Err(blocked(
            account,
            "BlockPublicPolicy and RestrictPublicBuckets",
        )),
        (Some(true), false) => Err(blocked(account, "RestrictPublicBuckets")),
        _ => Ok(blocks),
    }
}

/// What the account's own public access block forbids.
pub(crate) fn blocked(account: &AccountId, on: &str) -> Error {
    Error::refused(format!("cannot make documents public in account {account}"))
        .because(format!("the account-level public access block has {on} on"))
        .hint("it is never changed from here: ask whoever owns the account to allow public bucket policies, or serve the documents from another host (irsactl jwks, irsactl discovery --issuer URL)")
}

/// The ARN and the trust policy of every role, sorted.
pub(crate) async fn roles(aws: &Aws) -> Result<Vec<(String, Value)>> {
    let mut pages = aws.iam.list_roles().into_paginator().items().send();
    let mut roles = Vec::new();
    while let Some(role) = pages.next().await {
        let role =
            role.map_err(|e| failed("cannot list the account's roles", "iam:ListRoles", e))?;
        let trust = policy(role.assume_role_policy_document().unwrap_or_default())
            .map_err(|e| garbled(format!("cannot read {}", role.arn()), "iam:ListRoles", e))?;
        roles.push((role.arn().to_owned(), trust));
    }
    roles.sort_by(|(a, _), (b, _)| a.cmp(b));
    Ok(roles)
}

/// The ARN of every OpenID Connect provider, sorted.
pub(crate) async fn providers(aws: &Aws) -> Result<Vec<String>> {
    let output = aws.iam.list_open_id_connect_providers().send().await;
    let output = output.map_err(|e| {
        failed(
            "cannot list the account's OpenID Connect providers",
            "iam:ListOpenIDConnectProviders",
            e,
        )
    })?;
    let list = output.open_id_connect_provider_list().iter();
    let mut arns: Vec<String> = list
        .filter_map(|entry| Some(entry.arn()?.to_owned()))
        .collect();
    arns.sort();
    Ok(arns)
}

/// The names of the account's buckets, in all regions.
pub(crate) async fn buckets(aws: &Aws) -> Result<Vec<String>> {
    let mut pages = aws.s3.list_buckets().into_paginator().send();
    let mut names = Vec::new();
    while let Some(page) = pages.next().await {
        let page =
            page.map_err(|e| failed("cannot list the account's buckets", "s3:ListBuckets", e))?;
        let buckets = page.buckets().iter();
        names.extend(buckets.filter_map(|bucket| Some(bucket.name()?.to_owned())));
    }
    Ok(names)
}

/// The keys of a bucket's first thousand objects below a prefix, and whether there are more.
pub(crate) async fn objects(
    aws: &Aws,
    bucket: &BucketName,
    owner: &AccountId,
    prefix: &str,
) -> Result<(Vec<String>, bool)> {
    let output = aws
        .s3
        .list_objects_v2()
        .bucket(bucket.as_str())
        .prefix(prefix)
        .expected_bucket_owner(owner.as_str())
        .send()
        .await;
    let output = output.map_err(|e| {
        failed(
            format!("cannot list bucket s3://{bucket}"),
            "s3:ListObjectsV2",
            e,
        )
    })?;
    let keys = output.contents().iter();
    Ok((
        keys.filter_map(|object| Some(object.key()?.to_owned()))
            .collect(),
        output.is_truncated() == Some(true),
    ))
}

/// How many pages of a thousand objects are looked through for other issuers' documents.
const PAGES: usize = 10;

/// The keys of the discovery documents in a bucket, of whatever issuer, and whether there are more objects than are
/// looked through; none when the bucket is not there.
pub(crate) async fn issuers(
    aws: &Aws,
    bucket: &BucketName,
    owner: &AccountId,
) -> Result<(BTreeSet<String>, bool)> {
    let mut found = BTreeSet::new();
    let mut next = None;
    for _ in 0..PAGES {
        let request = aws.s3.list_objects_v2().bucket(bucket.as_str());
        let request = request.expected_bucket_owner(owner.as_str());
        let page = match request.set_continuation_token(next).send().await {
            Ok(page) => page,
            Err(e) if code(&e) == Some("NoSuchBucket") => return Ok((BTreeSet::new(), false)),
            Err(e) => {
                let what = format!("cannot list bucket s3://{bucket}");
                return Err(failed(what, "s3:ListObjectsV2", e));
            }
        };
        let keys = page.contents().iter().filter_map(|object| object.key());
        let documents = keys.filter(|key| key.ends_with(".well-known/openid-configuration"));
        found.extend(documents.map(str::to_owned));
        next = page.next_continuation_token;
        if next.is_none() {
            break;
        }
    }
    Ok((found, next.is_some()))
}

/// IAM gives policies back percent-encoded (GetRole, `AssumeRolePolicyDocument`).
pub(super) fn policy(encoded: &str) -> std::result::Result<Value, String> {
    let text = percent_decode_str(encoded).decode_utf8_lossy();
    serde_json::from_str(&text).map_err(|e| format!("a policy of it is not JSON: {e}"))
}
