//! Partition and host names, from the SDK's own partition data: nothing is hard-coded here, so a
//! new region or partition comes with the next SDK.

use std::future::Future;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use aws_sdk_s3::config::endpoint::{DefaultResolver, Endpoint, Params, ResolveEndpoint};
use aws_sdk_s3::types::BucketLocationConstraint;

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
pub(crate) fn of_region(region: &str) -> Result<Partition> {
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
pub(super) fn known() -> impl Iterator<Item = &'static str> {
    // S3 has no constraint for us-east-1, and an old one, EU, for eu-west-1.
    let constraints = BucketLocationConstraint::values().iter().copied();
    let regions = constraints.filter(|name| *name != "EU");
    regions.chain(["us-east-1"])
}

/// Whether the SDK knows S3 in this region.
pub(crate) fn is_known(region: &str) -> bool {
    known().any(|known| known == region)
}

/// The region that a misspelt one is most like.
pub(crate) fn nearest(region: &str) -> Option<&'static str> {
    error::nearest(region, known())
}

/// The virtual-hosted name of a bucket: `BUCKET.s3.REGION.SUFFIX`, regional in every region.
pub(crate) fn bucket_host(bucket: &BucketName, region: &str) -> Result<String> {
    resolve(region, bucket.as_str())
        .and_then(|endpoint| Some(endpoint.url().strip_prefix("https://")?.to_owned()))
        .ok_or_else(|| unknown_region(region))
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
