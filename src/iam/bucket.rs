//! S3 general purpose bucket names that can stand in an issuer's host name.
//!
//! The rules are those of the S3 User Guide, "General purpose bucket naming rules", less dots: the
//! certificate for `*.s3.REGION.amazonaws.com` covers one label only.

use std::fmt;

use serde::Serialize;

use crate::iam::arn::AccountId;

const MAX_LEN: usize = 63;

/// Regions where S3 has no account-regional namespace (S3 User Guide, as above).
const WITHOUT_ACCOUNT_REGIONAL: [&str; 2] = ["me-south-1", "me-central-1"];

/// A valid bucket name without dots.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct BucketName(String);

/// Why a name is not taken.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum BucketNameError {
    /// Too short or too long.
    #[error("bucket name {name} has {} characters; S3 takes 3 to {MAX_LEN}", name.len())]
    Length {
        /// The name.
        name: String,
    },
    /// A character that is not allowed.
    #[error(
        "bucket name {0} may hold lower-case letters, digits and hyphens only, and no hyphen at either end"
    )]
    Characters(String),
    /// A dot.
    #[error(
        "bucket name {0} has a dot, and the certificate of *.s3.REGION does not cover a dotted name"
    )]
    Dot(String),
    /// A prefix or suffix that S3 keeps for itself.
    #[error("bucket name {name} has the reserved {affix}")]
    Reserved {
        /// The name.
        name: String,
        /// What is reserved.
        affix: &'static str,
    },
    /// An account-regional name where there are none.
    #[error(
        "bucket name {name} cannot be made in {region}: S3 has no account-regional names there"
    )]
    NoNamespace {
        /// The name.
        name: String,
        /// The region.
        region: String,
    },
    /// An account-regional name of another account or region.
    #[error("bucket name {name} ends in -an, which S3 keeps for names that end in {expected}")]
    Namespace {
        /// The name.
        name: String,
        /// The only suffix that would do.
        expected: String,
    },
}

impl BucketName {
    /// Checks a name that the user gave. A name that ends in `-an` must be of this account (where it
    /// is known) and region.
    pub fn parse(
        name: &str,
        account: Option<&AccountId>,
        region: &str,
    ) -> Result<Self, BucketNameError> {
        let owned = || name.to_owned();
        if name.contains('.') {
            return Err(BucketNameError::Dot(owned()));
        }
        let allowed = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
        if !name.bytes().all(allowed) || name.starts_with('-') || name.ends_with('-') {
            return Err(BucketNameError::Characters(owned()));
        }
        if !(3..=MAX_LEN).contains(&name.len()) {
            return Err(BucketNameError::Length { name: owned() });
        }
        for (reserved, affix) in [
            (name.starts_with("xn--"), "prefix xn--"),
            (name.starts_with("sthree-"), "prefix sthree-"),
            (name.starts_with("amzn-s3-demo-"), "prefix amzn-s3-demo-"),
            (name.ends_with("-s3alias"), "suffix -s3alias"),
            (name.ends_with("--ol-s3"), "suffix --ol-s3"),
            (name.ends_with("--x-s3"), "suffix --x-s3"),
            (name.ends_with("--table-s3"), "suffix --table-s3"),
        ] {
            if reserved {
                return Err(BucketNameError::Reserved {
                    name: owned(),
                    affix,
                });
            }
        }
        if let Some(rest) = name.strip_suffix("-an") {
            let account_in_name = rest.strip_suffix(&format!("-{region}")).and_then(|rest| {
                rest.rsplit_once('-')
                    .filter(|(prefix, _)| !prefix.is_empty())?
                    .1
                    .parse::<AccountId>()
                    .ok()
            });
            let fits = match (&account_in_name, account) {
                (Some(named), Some(account)) => named == account,
                (named, _) => named.is_some(),
            };
            if !fits {
                let account = account.map_or("ACCOUNT", AccountId::as_str);
                let expected = format!("-{account}-{region}-an");
                return Err(BucketNameError::Namespace {
                    name: owned(),
                    expected,
                });
            }
        }
        Ok(Self(owned()))
    }

    /// `CLUSTER-oidc-ACCOUNT-REGION-an`: a name that only this account can ever create
    /// (S3 User Guide, "Namespaces for general purpose buckets"), so that nobody can take it
    /// over when it is deleted.
    pub fn account_regional(
        cluster: &str,
        account: &AccountId,
        region: &str,
    ) -> Result<Self, BucketNameError> {
        let name = format!("{cluster}-oidc-{account}-{region}-an");
        if WITHOUT_ACCOUNT_REGIONAL.contains(&region) {
            return Err(BucketNameError::NoNamespace {
                name,
                region: region.to_owned(),
            });
        }
        Self::parse(&name, Some(account), region)
    }

    /// Whether the name is in the account-regional namespace.
    pub fn is_account_regional(&self) -> bool {
        self.0.ends_with("-an")
    }

    /// The only account that can have a bucket of this name; none where anybody can.
    pub fn only_account(&self) -> Option<AccountId> {
        let mut parts = self.0.strip_suffix("-an")?.rsplit('-');
        parts.find_map(|part| part.parse().ok())
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for BucketName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_cannot_be_an_issuer_are_refused_before_any_call() {
        let account: AccountId = "111122223333".parse().unwrap();
        let parse = |name: &str| BucketName::parse(name, Some(&account), "us-west-2");
        assert!(parse("a1-b").is_ok());
        assert!(parse(&"a".repeat(63)).is_ok());
        assert!(parse("demo-111122223333-us-west-2-an").is_ok());
        for (name, reason) in [
            ("ab", "has 2 characters"),
            (&"a".repeat(64), "has 64 characters"),
            ("my.bucket", "has a dot"),
            ("192.168.5.4", "has a dot"),
            ("Bucket", "lower-case"),
            ("under_score", "lower-case"),
            ("-a-b", "no hyphen at either end"),
            ("abc-", "no hyphen at either end"),
            ("xn--abc", "reserved prefix xn--"),
            ("abc--x-s3", "reserved suffix --x-s3"),
            ("demo-an", "-111122223333-us-west-2-an"),
            ("111122223333-us-west-2-an", "-111122223333-us-west-2-an"),
            (
                "demo-999999999999-us-west-2-an",
                "-111122223333-us-west-2-an",
            ),
            (
                "demo-111122223333-eu-west-1-an",
                "-111122223333-us-west-2-an",
            ),
        ] {
            let error = parse(name).unwrap_err().to_string();
            assert!(error.contains(reason), "{name}: {error}");
        }
        assert!(BucketName::parse("demo-111122223333-us-west-2-an", None, "us-west-2").is_ok());
        assert!(BucketName::parse("demo-an", None, "us-west-2").is_err());
        assert_eq!(
            parse("demo-111122223333-us-west-2-an")
                .unwrap()
                .only_account(),
            Some(account.clone())
        );
        assert_eq!(parse("demo-111122223333").unwrap().only_account(), None);
        let long = BucketName::account_regional(&"c".repeat(40), &account, "us-west-2");
        assert!(BucketName::account_regional("demo", &account, "me-south-1").is_err());
        assert!(long.unwrap_err().to_string().contains("has 71 characters"));
    }
}
