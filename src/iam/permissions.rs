//! The identity policy that lets somebody run a command, and nothing more.
//!
//! Action names are those of the Service Authorization Reference; HeadBucket is authorised by
//! `s3:ListBucket`, and tags given at creation by `s3:TagResource`.

use serde_json::{Value, json};

use crate::iam::arn::{self, AccountId, Partition};
use crate::iam::key_store::KeyStore;

/// What a command does with the bucket.
pub enum BucketScope<'a> {
    /// Make and publish.
    Publish {
        /// The bucket's name.
        bucket: &'a str,
        /// The keys of the two objects.
        keys: [&'a str; 2],
    },
    /// Empty it of an issuer.
    Empty {
        /// The bucket's name.
        bucket: &'a str,
        /// The keys of the two objects.
        keys: [&'a str; 2],
    },
    /// Look whether this account has it, and what it says, before a provider trusts it.
    Look {
        /// The bucket's name.
        bucket: &'a str,
        /// The keys of the two objects.
        keys: [&'a str; 2],
    },
}

/// What a command does with the key store.
pub struct KeyScope {
    /// The store.
    pub store: KeyStore,
    /// The ARN of the signing keys there.
    pub arns: String,
    /// Whether the command puts a key there.
    pub puts: bool,
}

/// What a command would do.
pub struct Scope<'a> {
    /// The partition of all ARNs.
    pub partition: &'a Partition,
    /// The account.
    pub account: &'a AccountId,
    /// The bucket; none for an issuer on another host.
    pub bucket: Option<BucketScope<'a>>,
    /// The issuer host path, for commands that manage the provider.
    pub provider: Option<&'a str>,
    /// Whether the provider is only looked at.
    pub provider_is_given: bool,
    /// The names of roles, for commands that manage them.
    pub roles: &'a [String],
    /// The key store, where there is one.
    pub keys: Option<KeyScope>,
    /// Whether the command looks at all roles and all providers of the account.
    pub surveys: bool,
    /// Whether the command changes anything, or is a dry run.
    pub changes: bool,
}

/// The policy document.
pub fn document(scope: &Scope<'_>) -> Value {
    let mut statements = Vec::new();
    let statement = |sid: &str, read: &[&str], write: &[&str], resource: Value| {
        let mut actions = read.to_vec();
        if scope.changes {
            actions.extend(write);
        }
        json!({ "Sid": sid, "Effect": "Allow", "Action": actions, "Resource": resource })
    };
    if let Some(BucketScope::Look { bucket, keys }) = &scope.bucket {
        let resource = json!(arn::bucket(scope.partition, bucket));
        statements.push(statement("Bucket", &["s3:ListBucket"], &[], resource));
        let documents = json!(keys.map(|key| arn::object(scope.partition, bucket, key)));
        statements.push(statement("Documents", &["s3:GetObject"], &[], documents));
    }
    if let Some(BucketScope::Publish { bucket, keys }) = &scope.bucket {
        statements.push(statement(
            "Account",
            &["s3:GetAccountPublicAccessBlock"],
            &[],
            json!("*"),
        ));
        statements.push(statement(
            "Bucket",
            &[
                "s3:ListBucket",
                "s3:GetBucketTagging",
                "s3:GetBucketPublicAccessBlock",
                "s3:GetBucketPolicy",
            ],
            &[
                "s3:CreateBucket",
                "s3:TagResource",
                "s3:PutBucketPublicAccessBlock",
                "s3:PutBucketPolicy",
                "s3:PutBucketTagging",
            ],
            json!(arn::bucket(scope.partition, bucket)),
        ));
        statements.push(statement(
            "Documents",
            &["s3:GetObject"],
            &["s3:PutObject"],
            json!(keys.map(|key| arn::object(scope.partition, bucket, key))),
        ));
    }
    if let Some(BucketScope::Empty { bucket, keys }) = &scope.bucket {
        statements.push(statement(
            "Bucket",
            &[
                "s3:ListBucket",
                "s3:ListBucketVersions",
                "s3:GetBucketTagging",
                "s3:GetBucketPolicy",
            ],
            &[
                "s3:PutBucketPolicy",
                "s3:DeleteBucketPolicy",
                "s3:DeleteBucket",
            ],
            json!(arn::bucket(scope.partition, bucket)),
        ));
        statements.push(statement(
            "Documents",
            &["s3:GetObject"],
            &["s3:DeleteObject", "s3:DeleteObjectVersion"],
            json!(keys.map(|key| arn::object(scope.partition, bucket, key))),
        ));
        // A role that trusts the provider may have any name.
        statements.push(statement(
            "Roles",
            &[
                "iam:GetRole",
                "iam:GetRolePolicy",
                "iam:ListAttachedRolePolicies",
                "iam:ListRolePolicies",
                "iam:ListInstanceProfilesForRole",
            ],
            &[
                "iam:DetachRolePolicy",
                "iam:DeleteRolePolicy",
                "iam:DeleteRole",
            ],
            json!(arn::role(scope.partition, scope.account, "*")),
        ));
        statements.push(statement("Survey", &["iam:ListRoles"], &[], json!("*")));
    }
    if let Some(host_path) = scope.provider {
        let write: &[&str] = match (scope.provider_is_given, &scope.bucket) {
            (true, _) => &[],
            (false, Some(BucketScope::Empty { .. })) => &["iam:DeleteOpenIDConnectProvider"],
            (false, _) => &[
                "iam:CreateOpenIDConnectProvider",
                "iam:TagOpenIDConnectProvider",
                "iam:UpdateOpenIDConnectProviderThumbprint",
                "iam:AddClientIDToOpenIDConnectProvider",
                "iam:RemoveClientIDFromOpenIDConnectProvider",
            ],
        };
        statements.push(statement(
            "Provider",
            &["iam:GetOpenIDConnectProvider"],
            write,
            json!(arn::provider(scope.partition, scope.account, host_path)),
        ));
    }
    if !scope.roles.is_empty() {
        let roles = scope.roles.iter();
        let arns: Vec<String> = roles
            .map(|name| arn::role(scope.partition, scope.account, name))
            .collect();
        let resource = match arns.as_slice() {
            [one] => json!(one),
            several => json!(several),
        };
        statements.push(statement(
            "Role",
            &[
                "iam:GetRole",
                "iam:GetRolePolicy",
                "iam:ListAttachedRolePolicies",
            ],
            &[
                "iam:CreateRole",
                "iam:TagRole",
                "iam:UpdateAssumeRolePolicy",
                "iam:AttachRolePolicy",
                "iam:PutRolePolicy",
                "iam:PutRolePermissionsBoundary",
                "iam:UpdateRole",
            ],
            resource,
        ));
    }
    if let Some(KeyScope { store, arns, puts }) = &scope.keys {
        let write = if *puts { store.write_actions() } else { &[] };
        statements.push(statement(
            "SigningKey",
            store.read_actions(),
            write,
            json!(arns),
        ));
    }
    if scope.surveys {
        // None has a resource to name (Service Authorization Reference, IAM and S3).
        let read = [
            "iam:ListRoles",
            "iam:ListOpenIDConnectProviders",
            "s3:ListAllMyBuckets",
        ];
        statements.push(statement("Survey", &read, &[], json!("*")));
    }
    json!({ "Version": "2012-10-17", "Statement": statements })
}
