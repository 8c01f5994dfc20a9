//! What an account holds beside what is ours: `verify` looks for roles that trust the issuer, for
//! providers whose host is gone, and for objects beside the documents. Nothing else lists anything.

use percent_encoding::percent_decode_str;
use serde_json::Value;

use crate::error::Result;
use crate::iam::arn::AccountId;
use crate::iam::bucket::BucketName;

use super::connect::Aws;
use super::error::{failed, garbled};

/// The ARN and the trust policy of every role, sorted.
pub async fn roles(aws: &Aws) -> Result<Vec<(String, Value)>> {
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
pub async fn providers(aws: &Aws) -> Result<Vec<String>> {
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
pub async fn buckets(aws: &Aws) -> Result<Vec<String>> {
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
pub async fn objects(
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

/// IAM gives policies back percent-encoded (GetRole, `AssumeRolePolicyDocument`).
pub(super) fn policy(encoded: &str) -> std::result::Result<Value, String> {
    let text = percent_decode_str(encoded).decode_utf8_lossy();
    serde_json::from_str(&text).map_err(|e| format!("a policy of it is not JSON: {e}"))
}
