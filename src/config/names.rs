//! The names of an issuer: cluster, bucket, prefix and account, or its own URL.

use clap::Args;

use crate::aws::partition;
use crate::error::{Error, Result};
use crate::iam::arn::{AccountId, Partition};
use crate::iam::bucket::BucketName;
use crate::oidc::issuer::{Issuer, IssuerError, is_prefix};

/// Names that make up an issuer in S3.
#[derive(Args, Clone, Debug)]
pub(crate) struct Names {
    /// Name of the cluster: lower-case letters, digits and hyphens; --config gives it too
    #[arg(long, value_name = "NAME", value_parser = dns_label)]
    pub cluster: Option<String>,
    /// S3 bucket [default: CLUSTER-oidc-ACCOUNT-REGION-an, which only this account can create]
    #[arg(long, value_name = "BUCKET")]
    pub bucket: Option<String>,
    /// Path of the issuer below the bucket, for several issuers in one bucket
    #[arg(long, value_name = "PATH", value_parser = prefix)]
    pub prefix: Option<String>,
    /// The AWS account ID; must match your credentials [default: your credentials' account]
    #[arg(long, value_name = "ID")]
    pub account_id: Option<AccountId>,
}

/// An issuer in S3 by its names, or any issuer by its URL.
#[derive(Args, Clone, Debug)]
pub(crate) struct IssuerNames {
    /// The issuer, when it is not the one of a bucket
    #[arg(long, value_name = "URL", conflicts_with_all = ["bucket", "prefix"])]
    pub issuer: Option<String>,
    #[command(flatten)]
    #[allow(missing_docs)] // clap would print a doc comment here as help
    pub names: Names,
}

/// A place in S3 that everything else is derived from.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    /// The bucket.
    pub bucket: BucketName,
    /// Its region.
    pub region: String,
    /// Its partition.
    pub partition: Partition,
    /// The issuer's path.
    pub prefix: Option<String>,
    /// The issuer: `https://BUCKET.s3.REGION.SUFFIX[/PREFIX]`.
    pub issuer: Issuer,
}

impl Names {
    /// Refuses names that cannot do in any account, before any call is made.
    pub(crate) fn check(&self, region: &str) -> Result<()> {
        // Every account ID is as long as this one.
        let account = self
            .account_id
            .clone()
            .or_else(|| "000000000000".parse().ok());
        let account = account.filter(|_| self.account_id.is_some() || self.bucket.is_none());
        self.place(region, account.as_ref()).map(|_| ())
    }

    /// Resolves the names. `account` may be absent only when `--bucket` is given.
    pub(crate) fn place(&self, region: &str, account: Option<&AccountId>) -> Result<Place> {
        let partition = partition::of_region(region)?;
        let bucket = match (&self.bucket, &self.cluster, account) {
            (Some(bucket), _, _) => BucketName::parse(bucket, account, region),
            (None, Some(cluster), Some(account)) => {
                BucketName::account_regional(cluster, account, region)
            }
            (None, Some(_), None) => {
                return Err(Error::usage("cannot name the bucket without the account")
                    .hint("give --account-id, or the bucket itself with --bucket"));
            }
            (None, None, _) => {
                return Err(Error::usage("cannot tell which issuer is meant")
                    .hint("give --cluster, or --bucket"));
            }
        };
        let bucket = bucket.map_err(|cause| {
            Error::usage("cannot use this bucket name")
                .because(cause)
                .hint("give another one with --bucket")
        })?;
        let host = partition::bucket_host(&bucket, region)?;
        let url = match &self.prefix {
            Some(prefix) => format!("https://{host}/{prefix}"),
            None => format!("https://{host}"),
        };
        Ok(Place {
            bucket,
            region: region.to_owned(),
            partition,
            prefix: self.prefix.clone(),
            issuer: parse_issuer(&url)?,
        })
    }
}

impl IssuerNames {
    /// The issuer that was given by its URL; without one the names are checked. No call is made.
    pub(crate) fn custom(&self, region: &str) -> Result<Option<Issuer>> {
        match &self.issuer {
            Some(url) => parse_issuer(url).map(Some),
            None => self.names.check(region).map(|()| None),
        }
    }
}

/// Parses an issuer that the user gave.
pub(crate) fn parse_issuer(url: &str) -> Result<Issuer> {
    Issuer::parse(url).map_err(|cause| {
        let canonical = matches!(cause, IssuerError::Part("a trailing slash"));
        let error = Error::usage(format!("cannot use '{}' as the issuer", url.escape_debug()))
            .because(cause);
        if canonical {
            error.hint(
                "remove the trailing slash everywhere: issuer URLs are compared byte for byte",
            )
        } else {
            error.hint("an issuer looks like https://HOST or https://HOST/PATH")
        }
    })
}

/// A name that can be a DNS label (RFC 1123), as Kubernetes wants of namespaces and Jobs.
pub(crate) fn dns_label(text: &str) -> std::result::Result<String, String> {
    let allowed = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    if !text.is_empty()
        && text.len() <= 63
        && text.bytes().all(allowed)
        && !text.starts_with('-')
        && !text.ends_with('-')
    {
        Ok(text.to_owned())
    } else {
        Err(
            "it is a DNS label: lower-case letters, digits and inner hyphens, at most 63"
                .to_owned(),
        )
    }
}

pub(crate) fn prefix(text: &str) -> std::result::Result<String, String> {
    if is_prefix(text) {
        Ok(text.to_owned())
    } else {
        Err(
            "a prefix is a path without slashes at its ends: letters, digits and - . _ ~ /"
                .to_owned(),
        )
    }
}
