//! Partition and host names, from the SDK's own partition data: nothing is hard-coded here, so a
//! new region or partition comes with the next SDK.

use std::future::Future;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use aws_sdk_s3::config::endpoint::{DefaultResolver, Endpoint, Params, ResolveEndpoint};
use aws_sdk_s3::types::BucketLocationConstraint;
use url::Url;

use crate::error::{self, Error, Result};
use crate::iam::arn::Partition;
use crate::iam::bucket::BucketName;

/// The ARN partitions that AWS documents; which one a region is in, the SDK says.
const PARTITIONS: [&str; 8] = [
    "aws",
    "aws-cn",
    "aws-us-gov",
    "aws-eusc",
    "aws-iso",
    "aws-iso-b",
    "aws-iso-e",
    "aws-iso-f",
];

/// The partition of a region.
///
/// The SDK keeps its table private, but its S3 endpoint rules refuse a multi-region access point's
/// ARN of another partition than the region's, which is a question that can be asked for each.
pub fn of_region(region: &str) -> Result<Partition> {
    // The SDK gives any text to its default partition.
    let letters = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    let is_region = region.bytes().all(letters)
        && region.split('-').count() >= 3
        && region.ends_with(|c: char| c.is_ascii_digit());
    if !is_region {
        return Err(unknown_region(region));
    }
    PARTITIONS
        .into_iter()
        .find(|name| {
            let arn = format!("arn:{name}:s3::111122223333:accesspoint:x.mrap");
            resolve(region, &arn).is_some()
        })
        .map(|name| Partition(name.to_owned()))
        .ok_or_else(|| unknown_region(region))
}

/// The regions in which the SDK knows S3. A newer one works all the same.
fn known() -> impl Iterator<Item = &'static str> {
    // S3 has no constraint for us-east-1, and an old one, EU, for eu-west-1.
    let constraints = BucketLocationConstraint::values().iter().copied();
    let regions = constraints.filter(|name| *name != "EU");
    regions.chain(["us-east-1"])
}

/// Whether the SDK knows S3 in this region.
pub fn is_known(region: &str) -> bool {
    known().any(|known| known == region)
}

/// The region that a misspelt one is most like.
pub fn nearest(region: &str) -> Option<&'static str> {
    error::nearest(region, known())
}

/// The virtual-hosted name of a bucket: `BUCKET.s3.REGION.SUFFIX`, regional in every region.
pub fn bucket_host(bucket: &BucketName, region: &str) -> Result<String> {
    resolve(region, bucket.as_str())
        .and_then(|endpoint| Some(endpoint.url().strip_prefix("https://")?.to_owned()))
        .ok_or_else(|| unknown_region(region))
}

/// The bucket of an object's URL, in whatever region the host names. `region` is for a host that names
/// none.
pub fn bucket_of_url(url: &str, region: &str) -> Option<BucketName> {
    let url = Url::parse(url).ok()?;
    let labels: Vec<&str> = url.host_str()?.split('.').collect();
    let after = labels.iter().position(|label| *label == "s3");
    let dotted = after.and_then(|index| labels.get(index + 1).copied());
    let hyphened = labels.iter().find_map(|label| label.strip_prefix("s3-"));
    let named = [dotted, hyphened].into_iter().flatten();
    let mut regions = named.filter(|name| of_region(name).is_ok());
    let named = regions.next().unwrap_or(region);
    object_of_url(&url, named).map(|(bucket, _)| bucket)
}

/// The bucket and the key of an object by its URL, in any of S3's forms: virtual-hosted or path-style,
/// with the region after a dot, after the hyphen of old, or nowhere.
pub fn object_of_url(url: &Url, region: &str) -> Option<(BucketName, String)> {
    let any = BucketName::parse("any", None, region).ok()?;
    let host = bucket_host(&any, region).ok()?;
    let suffix = host.strip_prefix(&format!("any.s3.{region}"))?;
    let path = url.path().strip_prefix('/')?;
    let front = url.host_str()?.strip_suffix(suffix)?;
    let service = |label: &str| {
        label == "s3" || label == format!("s3.{region}") || label == format!("s3-{region}")
    };
    let (bucket, key) = match front.split_once('.') {
        _ if service(front) => path.split_once('/')?,
        Some((bucket, rest)) if service(rest) => (bucket, path),
        _ => return None,
    };
    let bucket = BucketName::parse(bucket, None, region).ok()?;
    Some((bucket, key.to_owned()))
}

fn resolve(region: &str, bucket: &str) -> Option<Endpoint> {
    let params = Params::builder()
        .region(region)
        .bucket(bucket)
        .build()
        .ok()?;
    let resolver = DefaultResolver::new();
    let future = pin!(ResolveEndpoint::resolve_endpoint(&resolver, &params));
    // The rules are plain computation: the future is ready at once.
    match future.poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(endpoint) => endpoint.ok(),
        Poll::Pending => None,
    }
}

fn unknown_region(region: &str) -> Error {
    let refused = Error::usage(format!("cannot use region '{}'", region.escape_debug()))
        .because("it does not look like one");
    match nearest(region) {
        Some(nearest) => refused.hint(format!("did you mean '{nearest}'?")),
        None => refused.hint("give a region such as us-west-2 with --region or AWS_REGION"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn partitions_and_hosts_are_the_sdks() {
        for (region, partition, host) in [
            ("us-east-1", "aws", "b1b.s3.us-east-1.amazonaws.com"),
            ("us-west-2", "aws", "b1b.s3.us-west-2.amazonaws.com"),
            ("cn-north-1", "aws-cn", "b1b.s3.cn-north-1.amazonaws.com.cn"),
            (
                "us-gov-west-1",
                "aws-us-gov",
                "b1b.s3.us-gov-west-1.amazonaws.com",
            ),
            (
                "eusc-de-east-1",
                "aws-eusc",
                "b1b.s3.eusc-de-east-1.amazonaws.eu",
            ),
            (
                "us-iso-east-1",
                "aws-iso",
                "b1b.s3.us-iso-east-1.c2s.ic.gov",
            ),
            (
                "us-isob-east-1",
                "aws-iso-b",
                "b1b.s3.us-isob-east-1.sc2s.sgov.gov",
            ),
            (
                "eu-isoe-west-1",
                "aws-iso-e",
                "b1b.s3.eu-isoe-west-1.cloud.adc-e.uk",
            ),
            (
                "us-isof-south-1",
                "aws-iso-f",
                "b1b.s3.us-isof-south-1.csp.hci.ic.gov",
            ),
        ] {
            let bucket = BucketName::parse("b1b", None, region).unwrap();
            assert_eq!(of_region(region).unwrap().0, partition, "{region}");
            assert_eq!(bucket_host(&bucket, region).unwrap(), host);
        }
    }

    #[test]
    fn an_object_is_found_by_every_form_of_its_url() {
        for (url, expected) in [
            (
                "https://b1b.s3.us-west-2.amazonaws.com/a/keys.json",
                Some("a/keys.json"),
            ),
            (
                "https://s3.us-west-2.amazonaws.com/b1b/keys.json",
                Some("keys.json"),
            ),
            (
                "https://s3-us-west-2.amazonaws.com/b1b/openid/v1/jwks",
                Some("openid/v1/jwks"),
            ),
            ("https://b1b.s3.amazonaws.com/keys.json", Some("keys.json")),
            ("https://b1b.s3.eu-west-1.amazonaws.com/keys.json", None),
            ("https://oidc.example.com/keys.json", None),
        ] {
            let found = object_of_url(&Url::parse(url).unwrap(), "us-west-2");
            let expected = expected.map(|key| ("b1b".to_owned(), key.to_owned()));
            let found = found.map(|(bucket, key)| (bucket.to_string(), key));
            assert_eq!(found, expected, "{url}");
        }
    }

    #[test]
    fn what_is_not_a_region_is_refused() {
        for region in [
            "",
            "us west-2",
            "us-west-2/x",
            "us_west_2",
            "us-west",
            "US-WEST-2",
        ] {
            assert!(of_region(region).is_err(), "{region}");
        }
    }
}
