//! The stores of AWS that can keep the signing key, and what the key is called there.

use crate::iam::arn::{AccountId, Partition};

/// A store that outlives the job that made the key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyStore {
    /// AWS Secrets Manager.
    SecretsManager,
    /// Parameter Store of AWS Systems Manager.
    Ssm,
}

impl KeyStore {
    /// The name of a cluster's nth signing key. Each key has its own, so that none is ever overwritten.
    ///
    /// Not `sa-signer`, as the file: the name of a secret should not end with a hyphen and six characters,
    /// which is what ARNs of secrets end with (CreateSecret, `Name`).
    pub fn key_name(self, cluster: &str, number: usize) -> String {
        let number = match number {
            1 => String::new(),
            number => format!("-{number}"),
        };
        match self {
            Self::SecretsManager => format!("irsactl/{cluster}/signing-key{number}"),
            Self::Ssm => format!("/irsactl/{cluster}/signing-key{number}"),
        }
    }

    /// What a policy names for all signing keys of a cluster. A secret's ARN ends with a hyphen and six
    /// characters that AWS chooses, unless it is to be created.
    pub fn key_arns(
        self,
        partition: &Partition,
        region: &str,
        account: &AccountId,
        cluster: &str,
    ) -> String {
        let name = self.key_name(cluster, 1);
        match self {
            Self::SecretsManager => {
                format!("arn:{partition}:secretsmanager:{region}:{account}:secret:{name}*")
            }
            Self::Ssm => format!("arn:{partition}:ssm:{region}:{account}:parameter{name}*"),
        }
    }

    /// The value of `--key-store`.
    pub fn flag(self) -> &'static str {
        match self {
            Self::SecretsManager => "secretsmanager",
            Self::Ssm => "ssm",
        }
    }

    /// As AWS calls it.
    pub fn title(self) -> &'static str {
        match self {
            Self::SecretsManager => "Secrets Manager",
            Self::Ssm => "SSM Parameter Store",
        }
    }

    /// The command that deletes a key.
    pub fn deletion(self, name: &str, region: &str) -> String {
        let delete = match self {
            Self::SecretsManager => "secretsmanager delete-secret --secret-id",
            Self::Ssm => "ssm delete-parameter --name",
        };
        format!("aws --region {region} {delete} {name}")
    }

    /// What a command may call to find a key.
    pub fn read_actions(self) -> &'static [&'static str] {
        match self {
            Self::SecretsManager => &[
                "secretsmanager:DescribeSecret",
                "secretsmanager:GetSecretValue",
            ],
            Self::Ssm => &["ssm:ListTagsForResource", "ssm:GetParameter"],
        }
    }

    /// What it calls to put one there.
    pub fn write_actions(self) -> &'static [&'static str] {
        match self {
            Self::SecretsManager => &["secretsmanager:CreateSecret", "secretsmanager:TagResource"],
            Self::Ssm => &["ssm:PutParameter", "ssm:AddTagsToResource"],
        }
    }
}
