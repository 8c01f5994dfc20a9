//! Reads everything that a plan compares. Makes no changing call, and names every resource
//! itself: nothing is found by listing the account.

use std::collections::BTreeMap;

use futures_util::{StreamExt, TryStreamExt, future, stream};

use crate::aws::absence::{existing, kept};
use crate::aws::bucket::{bucket_exists, object, policy, public_access_block, tags};
use crate::aws::connect::Aws;
use crate::aws::{remains, role};
use crate::error::Result;
use crate::plan::desired::{Desired, KeySet, Publication};
use crate::plan::observed::{Bucket, Object, Observed};
use crate::plan::tags::Tags;

/// IAM answers more with Throttling.
const ROLES_AT_ONCE: usize = 8;

/// Reads what `desired` speaks of. Everything is read at once.
pub(crate) async fn observe(aws: &Aws, desired: &Desired) -> Result<Observed> {
    tracing::info!("reading what is there");
    let bucket = async {
        match &desired.publication {
            Some(publication) => observe_bucket(aws, publication).await,
            None => Ok(None),
        }
    };
    let provider = async {
        match &desired.provider {
            Some(provider) => crate::aws::provider::provider(aws, &provider.arn).await,
            None => Ok(None),
        }
    };
    let roles = stream::iter(&desired.roles)
        .map(|role| async {
            let found = role::observe(aws, &role.name).await?;
            Ok(found.map(|found| (role.name.clone(), found)))
        })
        .buffered(ROLES_AT_ONCE)
        .try_filter_map(future::ok)
        .try_collect::<BTreeMap<_, _>>();
    let key_set = async {
        match &desired.key_set {
            Some(set) => key_set(aws, set).await,
            None => Ok(None),
        }
    };
    let remains = async {
        match &desired.teardown {
            Some(teardown) => remains::observe(aws, teardown).await.map(Some),
            None => Ok(None),
        }
    };
    let (bucket, provider, roles, key_set, remains) =
        tokio::try_join!(bucket, provider, roles, key_set, remains)?;
    Ok(Observed {
        bucket,
        provider,
        roles,
        key_set,
        remains,
        ..Observed::default()
    })
}

async fn observe_bucket(aws: &Aws, publication: &Publication) -> Result<Option<Bucket>> {
    let (bucket, owner) = (&publication.bucket, &publication.account);
    existing(bucket_exists(aws, bucket, owner), || {
        contents(aws, publication)
    })
    .await
}

async fn contents(aws: &Aws, publication: &Publication) -> Result<Bucket> {
    let (bucket, owner) = (&publication.bucket, &publication.account);
    let [jwks_key, discovery_key] = publication.object_keys();
    let (tags, public_access_block, policy, jwks, discovery) = tokio::join!(
        tags(aws, bucket, owner),
        public_access_block(aws, bucket, owner),
        policy(aws, bucket, owner),
        object(aws, bucket, owner, &jwks_key),
        object(aws, bucket, owner, &discovery_key),
    );
    let mut worst = None;
    let bucket = Bucket {
        tags: kept(tags, &mut worst),
        public_access_block: kept(public_access_block, &mut worst),
        policy: kept(policy, &mut worst),
        jwks: kept(jwks, &mut worst),
        discovery: kept(discovery, &mut worst),
    };
    worst.map_or(Ok(bucket), Err)
}

/// The bucket's tags and the object; none when the bucket is not there.
async fn key_set(aws: &Aws, set: &KeySet) -> Result<Option<(Tags, Option<Object>)>> {
    let (bucket, owner) = (&set.bucket, &set.account);
    existing(bucket_exists(aws, bucket, owner), || async {
        let (tags, object) = tokio::join!(
            tags(aws, bucket, owner),
            object(aws, bucket, owner, &set.key)
        );
        let mut worst = None;
        let seen = (kept(tags, &mut worst), kept(object, &mut worst));
        worst.map_or(Ok(seen), Err)
    })
    .await
}
