//! URLs of objects in S3, in whatever form: whose bucket is it that decides who signs?

use url::Url;

use crate::aws::partition::{bucket_host, known, of_region};
use crate::iam::arn::Partition;
use crate::iam::bucket::BucketName;

/// Whose the host of a URL is.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Home {
    /// Not S3's.
    Elsewhere,
    /// S3's, of this bucket.
    Bucket(BucketName),
    /// S3's, of another partition, where the same name is another bucket, which anybody may have ("General
    /// purpose bucket naming rules", S3 User Guide: a name is one within a partition).
    Abroad(Partition),
    /// S3's, and its bucket cannot be told: one whose name has dots, an access point's alias.
    Unknown,
}

/// The bucket of an object's URL, in whatever region of `region`'s partition the host names. `region` is for a
/// host that names none.
pub(crate) fn bucket_of_url(url: &str, region: &str) -> Home {
    let Some(found) = Url::parse(url).ok().and_then(|url| in_s3(&url, region)) else {
        return Home::Elsewhere;
    };
    match (of_region(&found.region), of_region(region)) {
        (Ok(there), Ok(here)) if there != here => Home::Abroad(there),
        _ => match found.object {
            None => Home::Unknown,
            Some((bucket, _)) => Home::Bucket(bucket),
        },
    }
}

/// The bucket and the key of an object of a region by its URL, in any of S3's forms.
pub(crate) fn object_of_url(url: &Url, region: &str) -> Option<(BucketName, String)> {
    let found = in_s3(url, region)?;
    found.object.filter(|_| found.region == region)
}

/// An URL of S3's.
struct InS3 {
    region: String,
    /// The bucket and the key, where they can be told.
    object: Option<(BucketName, String)>,
}

/// Reads an URL in any of S3's forms: virtual-hosted or path-style, with the region after a dot, after the
/// hyphen of old, or nowhere, of any of its endpoints ("Amazon S3 endpoints", AWS General Reference).
fn in_s3(url: &Url, region: &str) -> Option<InS3> {
    let host = url.host_str()?;
    let host = host.strip_suffix('.').unwrap_or(host);
    let named = host
        .split('.')
        .map(|label| after_s3(label).unwrap_or(label));
    let named = named.filter(|name| of_region(name).is_ok());
    let regions = [region].into_iter().chain(named);
    let mut candidates: Vec<&str> = regions.collect();
    candidates.extend(known().map(|name| -> &str { name }));
    let (region, front) = candidates.into_iter().find_map(|name| {
        let suffix = dns_suffix(name)?;
        let front = host.strip_suffix(&suffix)?;
        // The endpoint that names no region is of the partition that had it first, whoever else shares its
        // suffix; a region that is named says more.
        let is_shared = suffix == GLOBAL && of_region(name).is_ok_and(|one| one.0 != "aws");
        Some((if is_shared { "us-east-1" } else { name }, front))
    })?;
    let labels: Vec<&str> = front.split('.').collect();
    let is_s3s = |label: &&str| *label == "s3" || label.starts_with("s3-");
    if !labels.iter().any(is_s3s) {
        return None;
    }
    let service = (0..labels.len()).find_map(|at| Some((at, region_of(&labels[at..])?)));
    let Some((at, named)) = service else {
        return Some(InS3 {
            region: region.to_owned(),
            object: None,
        });
    };
    let region = named.unwrap_or(region);
    let path = url.path().strip_prefix('/')?;
    let object = match at {
        0 => path
            .split_once('/')
            .map(|(bucket, key)| (bucket.to_owned(), key)),
        _ => Some((labels[..at].join("."), path)),
    };
    let object = object.and_then(|(bucket, key)| {
        let bucket = BucketName::parse(&bucket, None, region).ok()?;
        Some((bucket, key.to_owned()))
    });
    Some(InS3 {
        region: region.to_owned(),
        object,
    })
}

/// The region that an S3 endpoint's labels name, or that it names none; nothing when they are no endpoint's.
fn region_of<'h>(labels: &[&'h str]) -> Option<Option<&'h str>> {
    let (service, rest) = labels.split_first()?;
    let hyphened = match *service {
        "s3" | "s3-fips" | "s3-accelerate" => None,
        "s3-external-1" => Some("us-east-1"),
        other => Some(after_s3(other).filter(|name| of_region(name).is_ok())?),
    };
    let dotted = match *rest {
        [] | ["dualstack"] => None,
        [name] | ["dualstack", name] => Some(of_region(name).map(|_| name).ok()?),
        _ => return None,
    };
    Some(dotted.or(hyphened))
}

/// What `s3.amazonaws.com`, the oldest endpoint, ends with.
const GLOBAL: &str = ".amazonaws.com";

/// The region in `s3-REGION`, and in `s3-fips-REGION`.
fn after_s3(label: &str) -> Option<&str> {
    let after = label.strip_prefix("s3-")?;
    Some(after.strip_prefix("fips-").unwrap_or(after))
}

/// What every host name of a region's partition ends with, and the dot before it.
fn dns_suffix(region: &str) -> Option<String> {
    let any = BucketName::parse("any", None, region).ok()?;
    let host = bucket_host(&any, region).ok()?;
    let suffix = host.strip_prefix(&format!("any.s3.{region}"))?;
    Some(suffix.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_is_told_by_every_form_of_its_host() {
        let home = |host: &str| bucket_of_url(&format!("https://{host}/a/b"), "us-west-2");
        let bucket = BucketName::parse("b1b", None, "us-west-2").unwrap();
        for host in [
            "b1b.s3.us-west-2.amazonaws.com",
            "b1b.s3.us-west-2.amazonaws.com.",
            "b1b.s3.amazonaws.com",
            "b1b.s3-eu-west-1.amazonaws.com",
            "b1b.s3.dualstack.eu-west-1.amazonaws.com",
            "b1b.s3-fips.us-east-1.amazonaws.com",
            "b1b.s3-fips.dualstack.us-east-1.amazonaws.com",
            "b1b.s3-accelerate.amazonaws.com",
            "b1b.s3-accelerate.dualstack.amazonaws.com",
            "b1b.s3-external-1.amazonaws.com",
        ] {
            assert_eq!(home(host), Home::Bucket(bucket.clone()), "{host}");
            let (_, service) = host.split_once('.').unwrap();
            let path = home(&format!("{service}/b1b"));
            assert_eq!(path, Home::Bucket(bucket.clone()), "{service}");
        }
        for (host, from, partition) in [
            (
                "b1b.s3.dualstack.cn-north-1.amazonaws.com.cn",
                "us-west-2",
                "aws-cn",
            ),
            (
                "b1b.s3.dualstack.eusc-de-east-1.amazonaws.eu",
                "us-west-2",
                "aws-eusc",
            ),
            ("b1b.s3.us-iso-east-1.c2s.ic.gov", "us-west-2", "aws-iso"),
            (
                "b1b.s3-fips-us-gov-west-1.amazonaws.com",
                "us-west-2",
                "aws-us-gov",
            ),
            (
                "s3.us-gov-west-1.amazonaws.com/b1b",
                "us-west-2",
                "aws-us-gov",
            ),
            ("b1b.s3.amazonaws.com", "us-gov-west-1", "aws"),
            ("b1b.s3.amazonaws.com", "cn-north-1", "aws"),
            ("b1b.s3.us-west-2.amazonaws.com", "cn-north-1", "aws"),
        ] {
            let abroad = bucket_of_url(&format!("https://{host}/a/b"), from);
            assert_eq!(
                abroad,
                Home::Abroad(Partition(partition.to_owned())),
                "{host}"
            );
        }
        let gov = bucket_of_url(
            "https://b1b.s3.us-gov-east-1.amazonaws.com/a",
            "us-gov-west-1",
        );
        assert_eq!(gov, Home::Bucket(bucket));
        for host in [
            "a.dotted.s3.us-west-2.amazonaws.com",
            "s3.us-west-2.amazonaws.com/a.dotted",
            "s3.us-west-2.amazonaws.com",
            "name-111122223333.s3-accesspoint.us-west-2.amazonaws.com",
        ] {
            assert_eq!(home(host), Home::Unknown, "{host}");
        }
        for host in [
            "oidc.example.com",
            "s3.example.com",
            "b1b.s3.us-west-2.amazonaws.com.example.com",
            "oidc.eks.us-west-2.amazonaws.com",
        ] {
            assert_eq!(home(host), Home::Elsewhere, "{host}");
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
}
