//! The seam is data: what is observed is written by hand here.

use crate::iam::arn::Partition;
use crate::iam::bucket::BucketName;
use crate::oidc::discovery::DiscoveryDocument;
use crate::oidc::issuer::Issuer;
use crate::oidc::jwks::JwkSet;
use crate::plan::change::bucket::BucketChange;
use crate::plan::change::provider::ProviderChange;
use crate::plan::desired::{Publication, ThumbprintChoice};
use crate::plan::diff::*;
use crate::plan::document::{CACHE_CONTROL, CONTENT_TYPE, Document, ENCRYPTION};
use crate::plan::observed::Object;
use crate::plan::tags::{CLUSTER, MANAGED_BY, Tags};

fn tags(cluster: &str) -> Tags {
    let tags = [MANAGED_BY, (CLUSTER, cluster)];
    tags.map(|(key, value)| (key.to_owned(), value.to_owned()))
        .into()
}

fn desired() -> Desired {
    let issuer = Issuer::parse("https://b1b.s3.us-west-2.amazonaws.com").unwrap();
    Desired {
        publication: Some(Publication {
            bucket: BucketName::parse("b1b", None, "us-west-2").unwrap(),
            region: "us-west-2".to_owned(),
            partition: Partition("aws".to_owned()),
            account: "111122223333".parse().unwrap(),
            prefix: None,
            tags: tags("demo"),
            keys: JwkSet::default(),
            add_key: false,
            discovery: DiscoveryDocument::of(&issuer),
        }),
        provider: Some(Provider {
            arn: "arn".to_owned(),
            url: issuer.clone(),
            audiences: Audiences::AtLeast("sts.amazonaws.com".to_owned()),
            thumbprint: ThumbprintChoice::Iam,
            tags: tags("demo"),
            account: "111122223333".parse().unwrap(),
            buckets: Vec::new(),
        }),
        ..Desired::of(issuer.clone())
    }
}

/// What AWS shows after the changes were made.
fn settled(desired: &Desired) -> Observed {
    let mut observed = Observed::default();
    for change in diff(desired, &observed.clone()).unwrap().changes {
        let bucket = observed.bucket.get_or_insert_default();
        match change {
            Change::Bucket(BucketChange::Create { tags, .. }) => bucket.tags = tags,
            Change::Bucket(BucketChange::PutPublicAccessBlock { after, .. }) => {
                bucket.public_access_block = Some(after)
            }
            Change::Bucket(BucketChange::PutPolicy { after, .. }) => bucket.policy = Some(after),
            Change::Bucket(BucketChange::PutObject { document, .. }) => {
                let object = Object {
                    body: document.text().into_bytes(),
                    etag: "etag".to_owned(),
                    content_type: Some(CONTENT_TYPE.to_owned()),
                    cache_control: Some(CACHE_CONTROL.to_owned()),
                    encryption: Some(ENCRYPTION.to_owned()),
                };
                match document {
                    Document::Jwks(_) => bucket.jwks = Some(object),
                    Document::Discovery(_) => bucket.discovery = Some(object),
                }
            }
            Change::Provider(ProviderChange::Create {
                audiences, tags, ..
            }) => {
                observed.provider = Some(observed::Provider {
                    audiences,
                    tags,
                    ..Default::default()
                });
            }
            other => panic!("{other:?} in an empty account"),
        }
    }
    observed
}

#[test]
fn the_provider_comes_last_and_a_second_plan_is_empty() {
    let desired = desired();
    let plan = diff(&desired, &Observed::default()).unwrap();
    assert_eq!(plan.changes.len(), 6);
    assert!(matches!(
        plan.changes.first(),
        Some(Change::Bucket(BucketChange::Create { .. }))
    ));
    assert!(matches!(
        plan.changes.last(),
        Some(Change::Provider(ProviderChange::Create { .. }))
    ));
    assert!(
        diff(&desired, &settled(&desired))
            .unwrap()
            .changes
            .is_empty()
    );
}

#[test]
fn every_header_of_an_object_counts() {
    let desired = desired();
    let breaks: [fn(&mut Object); 4] = [
        |object| object.body.push(b' '),
        |object| object.content_type = Some("text/plain".to_owned()),
        |object| object.cache_control = None,
        |object| object.encryption = Some("aws:kms".to_owned()),
    ];
    for change in breaks {
        let mut observed = settled(&desired);
        let bucket = observed.bucket.as_mut().unwrap();
        change(bucket.discovery.as_mut().unwrap());
        let plan = diff(&desired, &observed).unwrap();
        assert!(matches!(
            plan.changes.as_slice(),
            [Change::Bucket(BucketChange::PutObject {
                before: Some(_),
                ..
            })]
        ));
    }
}

#[test]
fn what_is_not_ours_is_refused_whatever_else_differs() {
    let mut observed = settled(&desired());
    observed.bucket.as_mut().unwrap().tags.clear();
    let error = diff(&desired(), &observed).unwrap_err();
    assert!(
        error.what().contains("bucket s3://b1b: it is not ours"),
        "{error:?}"
    );

    let mut observed = settled(&desired());
    observed.provider.as_mut().unwrap().tags = tags("other");
    let error = diff(&desired(), &observed).unwrap_err();
    assert!(error.what().contains("another cluster"), "{error:?}");
}
