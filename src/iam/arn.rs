//! Amazon resource names and what they are made of.

use std::fmt;

use serde::Serialize;

/// An AWS account ID: twelve digits, a string always (leading zeros count).
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct AccountId(String);

/// Text that is not an account ID.
#[derive(Debug, thiserror::Error)]
#[error("an account ID is twelve digits")]
pub struct NotAnAccountId;

impl std::str::FromStr for AccountId {
    type Err = NotAnAccountId;

    fn from_str(text: &str) -> Result<Self, NotAnAccountId> {
        if text.len() == 12 && text.bytes().all(|b| b.is_ascii_digit()) {
            Ok(Self(text.to_owned()))
        } else {
            Err(NotAnAccountId)
        }
    }
}

impl AccountId {
    /// The digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for AccountId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The ARN's second part: `aws`, `aws-cn`, `aws-us-gov`, `aws-eusc`, …; found by
/// [`crate::aws::partition`] in the SDK's partition data.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Partition(pub String);

impl fmt::Display for Partition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// `arn:PARTITION:iam::ACCOUNT:oidc-provider/HOST[/PATH]`.
pub fn provider(partition: &Partition, account: &AccountId, issuer_host_path: &str) -> String {
    format!("arn:{partition}:iam::{account}:oidc-provider/{issuer_host_path}")
}

/// `arn:PARTITION:iam::ACCOUNT:role/NAME`.
pub fn role(partition: &Partition, account: &AccountId, name: &str) -> String {
    format!("arn:{partition}:iam::{account}:role/{name}")
}

/// `arn:PARTITION:s3:::BUCKET`.
pub fn bucket(partition: &Partition, bucket: &str) -> String {
    format!("arn:{partition}:s3:::{bucket}")
}

/// `arn:PARTITION:s3:::BUCKET/KEY`.
pub fn object(partition: &Partition, bucket: &str, key: &str) -> String {
    format!("arn:{partition}:s3:::{bucket}/{key}")
}

/// The partition and account of an ARN such as the one GetCallerIdentity returns.
pub fn partition_and_account(arn: &str) -> Option<(Partition, AccountId)> {
    let mut parts = arn.splitn(6, ':');
    let (Some("arn"), Some(partition)) = (parts.next(), parts.next()) else {
        return None;
    };
    let account = parts.nth(2)?.parse().ok()?;
    Some((Partition(partition.to_owned()), account))
}

/// The ARN of a role.
pub(crate) fn role_arn(text: &str) -> std::result::Result<String, String> {
    if text.starts_with("arn:")
        && text.contains(":iam::")
        && text.contains(":role/")
        && text.is_ascii()
    {
        Ok(text.to_owned())
    } else {
        Err("it is the ARN of a role, arn:PARTITION:iam::ACCOUNT:role/NAME".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_arn_gives_its_partition_and_account() {
        let (partition, account) =
            partition_and_account("arn:aws-cn:sts::012345678901:assumed-role/a/b").unwrap();
        assert_eq!(partition.0, "aws-cn");
        assert_eq!(account.as_str(), "012345678901");
        assert_eq!(partition_and_account("arn:aws:s3:::bucket"), None);
        assert!("12345678901".parse::<AccountId>().is_err());
    }
}
