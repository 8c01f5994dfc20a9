//! Reads what is left of an issuer.

use crate::aws::connect::Aws;
use crate::aws::error::failed;
use crate::aws::{account, bucket, provider};
use crate::error::{Error, Result};
use crate::iam::role::{trusts, trusts_only};
use crate::plan::removal::{BucketRemains, Remains, Teardown, TrustingRole};

/// How many other objects are named.
pub(crate) const FEW: usize = 3;

/// Reads it. All roles of the account are looked at: one that trusts the provider may have any name.
pub(crate) async fn observe(aws: &Aws, teardown: &Teardown) -> Result<Remains> {
    let (provider, roles, bucket) = tokio::try_join!(
        provider::provider(aws, &teardown.provider_arn),
        roles(aws, &teardown.provider_arn),
        bucket(aws, teardown)
    )?;
    let (bucket, foreign_bucket) = bucket;
    Ok(Remains {
        provider: provider.map(|provider| provider.tags),
        roles,
        bucket,
        foreign_bucket,
    })
}

pub(crate) async fn roles(aws: &Aws, provider_arn: &str) -> Result<Vec<TrustingRole>> {
    let mut found = Vec::new();
    for (arn, trust) in account::roles(aws).await? {
        if !trusts(&trust, provider_arn) {
            continue;
        }
        let name = arn.rsplit('/').next().unwrap_or(&arn);
        if let Some(role) = crate::aws::role::observe(aws, name).await? {
            found.push(TrustingRole {
                name: name.to_owned(),
                tags: role.tags,
                policy_arns: role.policy_arns,
                inline_policies: inline_policies(aws, name).await?,
                instance_profiles: instance_profiles(aws, name).await?,
                is_shared: !trusts_only(&trust, provider_arn),
            });
        }
    }
    Ok(found)
}

pub(crate) async fn inline_policies(aws: &Aws, role: &str) -> Result<Vec<String>> {
    let request = aws.iam.list_role_policies().role_name(role);
    let mut pages = request.into_paginator().items().send();
    let mut names = Vec::new();
    while let Some(name) = pages.next().await {
        let cannot = format!("cannot read role {role}");
        names.push(name.map_err(|e| failed(cannot, "iam:ListRolePolicies", e))?);
    }
    Ok(names)
}

pub(crate) async fn instance_profiles(aws: &Aws, role: &str) -> Result<Vec<String>> {
    let request = aws.iam.list_instance_profiles_for_role().role_name(role);
    let mut pages = request.into_paginator().items().send();
    let mut names = Vec::new();
    while let Some(profile) = pages.next().await {
        let cannot = format!("cannot read role {role}");
        let profile = profile.map_err(|e| failed(cannot, "iam:ListInstanceProfilesForRole", e))?;
        names.push(profile.instance_profile_name().to_owned());
    }
    Ok(names)
}

/// What is in the bucket; why it is not looked into, when it is not this account's.
pub(crate) async fn bucket(
    aws: &Aws,
    teardown: &Teardown,
) -> Result<(Option<BucketRemains>, Option<String>)> {
    let (name, owner) = (&teardown.bucket, &teardown.account);
    match bucket::bucket_exists(aws, name, owner).await {
        Ok(true) => {}
        Ok(false) => return Ok((None, None)),
        Err(error) if error.code() == Some(bucket::FORBIDDEN) && !teardown.with_bucket => {
            if name.is_account_regional() {
                // Nobody else can have it.
                return Err(
                    Error::permission(format!("cannot look for bucket s3://{name}"))
                        .because("s3:HeadBucket: 403 Forbidden")
                        .hint(
                            "grant s3:ListBucket: 'irsactl policy destroy' prints the whole list",
                        ),
                );
            }
            return Ok((None, Some(error.causes().join(": "))));
        }
        Err(error) => return Err(error),
    }
    let jwks = teardown
        .object_keys
        .iter()
        .find(|key| key.ends_with("keys.json"));
    let jwks = async {
        match jwks {
            Some(key) => bucket::object(aws, name, owner, key).await,
            None => Ok(None),
        }
    };
    let (tags, policy, jwks) = tokio::try_join!(
        bucket::tags(aws, name, owner),
        bucket::policy(aws, name, owner),
        jwks
    )?;
    let mut remains = BucketRemains {
        tags,
        policy,
        jwks: jwks.map(|object| object.body),
        ..BucketRemains::default()
    };
    versions(aws, teardown, &mut remains).await?;
    // As they were made, the other way round: no JWK Set is found by a discovery document that goes last.
    remains
        .documents
        .sort_by_key(|(key, _)| key.ends_with("keys.json"));
    Ok((Some(remains), None))
}

/// All versions and delete markers of the two documents, and the names of a few other objects.
async fn versions(aws: &Aws, teardown: &Teardown, remains: &mut BucketRemains) -> Result<()> {
    let (name, owner) = (&teardown.bucket, &teardown.account);
    let mut marker = (None, None);
    loop {
        let page = aws
            .s3
            .list_object_versions()
            .bucket(name.as_str())
            .expected_bucket_owner(owner.as_str())
            .set_key_marker(marker.0)
            .set_version_id_marker(marker.1)
            .send()
            .await;
        let page = page.map_err(|e| {
            failed(
                format!("cannot list bucket s3://{name}"),
                "s3:ListObjectVersions",
                e,
            )
        })?;
        let versions = page.versions().iter();
        let versions = versions.map(|one| (one.key(), one.version_id()));
        let markers = page.delete_markers().iter();
        let markers = markers.map(|one| (one.key(), one.version_id()));
        for (key, version) in versions.chain(markers) {
            let key = key.unwrap_or_default().to_owned();
            // Without a version, S3 would only hide the object behind a delete marker.
            let version = version.unwrap_or("null").to_owned();
            match teardown.object_keys.contains(&key) {
                true => remains.documents.push((key, version)),
                false if remains.others.len() < FEW => remains.others.push(key),
                false => {}
            }
        }
        if page.is_truncated() != Some(true) {
            return Ok(());
        }
        marker = (page.next_key_marker, page.next_version_id_marker);
    }
}
