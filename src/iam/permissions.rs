//! The identity policy that lets somebody run a command, and nothing more.
//!
//! Action names are those of the Service Authorization Reference; HeadBucket is authorised by
//! `s3:ListBucket`, and tags given at creation by `s3:TagResource`.

use serde_json::{Value, json};

use crate::iam::arn::{self, AccountId, Partition};
use crate::iam::key_store::KeyStore;

/// What a command does with the bucket.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum BucketUse {
    /// Make it, and publish there.
    Publish,
    /// Empty it of an issuer.
    Empty,
    /// Look whether this account has it, and what it says, before a provider trusts it.
    Look,
}

/// A bucket, and the two documents there.
pub struct BucketScope<'a> {
    /// The bucket's name.
    pub bucket: &'a str,
    /// The keys of the two objects.
    pub keys: [&'a str; 2],
    /// What a command does with it.
    pub purpose: BucketUse,
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

/// What a statement lets a command do: looking, and changing something.
struct Statement {
    sid: &'static str,
    read: &'static [&'static str],
    write: &'static [&'static str],
}

const ACCOUNT: Statement = Statement {
    sid: "Account",
    read: &["s3:GetAccountPublicAccessBlock"],
    write: &[],
};
const BUCKET: Statement = Statement {
    sid: "Bucket",
    read: &[
        "s3:ListBucket",
        "s3:GetBucketTagging",
        "s3:GetBucketPublicAccessBlock",
        "s3:GetBucketPolicy",
    ],
    write: &[
        "s3:CreateBucket",
        "s3:TagResource",
        "s3:PutBucketPublicAccessBlock",
        "s3:PutBucketPolicy",
        "s3:PutBucketTagging",
    ],
};
const DOCUMENTS: Statement = Statement {
    sid: "Documents",
    read: &["s3:GetObject"],
    write: &["s3:PutObject"],
};
const BUCKET_TO_LOOK_AT: Statement = Statement {
    sid: "Bucket",
    read: &["s3:ListBucket"],
    write: &[],
};
const DOCUMENTS_TO_LOOK_AT: Statement = Statement {
    write: &[],
    ..DOCUMENTS
};
const BUCKET_TO_EMPTY: Statement = Statement {
    sid: "Bucket",
    read: &[
        "s3:ListBucket",
        "s3:ListBucketVersions",
        "s3:GetBucketTagging",
        "s3:GetBucketPolicy",
    ],
    write: &[
        "s3:PutBucketPolicy",
        "s3:DeleteBucketPolicy",
        "s3:DeleteBucket",
    ],
};
const DOCUMENTS_TO_DELETE: Statement = Statement {
    write: &["s3:DeleteObject", "s3:DeleteObjectVersion"],
    ..DOCUMENTS
};
/// A role that trusts the provider may have any name.
const ROLES_TO_DELETE: Statement = Statement {
    sid: "Roles",
    read: &[
        "iam:GetRole",
        "iam:GetRolePolicy",
        "iam:ListAttachedRolePolicies",
        "iam:ListRolePolicies",
        "iam:ListInstanceProfilesForRole",
    ],
    write: &[
        "iam:DetachRolePolicy",
        "iam:DeleteRolePolicy",
        "iam:DeleteRole",
    ],
};
const ROLE: Statement = Statement {
    sid: "Role",
    read: &[
        "iam:GetRole",
        "iam:GetRolePolicy",
        "iam:ListAttachedRolePolicies",
    ],
    write: &[
        "iam:CreateRole",
        "iam:TagRole",
        "iam:UpdateAssumeRolePolicy",
        "iam:AttachRolePolicy",
        "iam:PutRolePolicy",
        "iam:PutRolePermissionsBoundary",
        "iam:UpdateRole",
    ],
};
const PROVIDER: Statement = Statement {
    sid: "Provider",
    read: &["iam:GetOpenIDConnectProvider"],
    write: &[
        "iam:CreateOpenIDConnectProvider",
        "iam:TagOpenIDConnectProvider",
        "iam:UpdateOpenIDConnectProviderThumbprint",
        "iam:AddClientIDToOpenIDConnectProvider",
        "iam:RemoveClientIDFromOpenIDConnectProvider",
    ],
};
const PROVIDER_TO_DELETE: Statement = Statement {
    write: &["iam:DeleteOpenIDConnectProvider"],
    ..PROVIDER
};
const PROVIDER_TO_LOOK_AT: Statement = Statement {
    write: &[],
    ..PROVIDER
};
/// None has a resource to name (Service Authorization Reference, IAM and S3).
const ROLES_SURVEY: Statement = Statement {
    sid: "Survey",
    read: &["iam:ListRoles"],
    write: &[],
};
const SURVEY: Statement = Statement {
    sid: "Survey",
    read: &[
        "iam:ListRoles",
        "iam:ListOpenIDConnectProviders",
        "s3:ListAllMyBuckets",
    ],
    write: &[],
};

/// The policy document.
pub fn document(scope: &Scope<'_>) -> Value {
    let (partition, account) = (scope.partition, scope.account);
    let mut statements: Vec<(Statement, Value)> = Vec::new();
    let purpose = scope.bucket.as_ref().map(|bucket| bucket.purpose);
    if let Some(BucketScope { bucket, keys, .. }) = &scope.bucket {
        let documents = json!(keys.map(|key| arn::object(partition, bucket, key)));
        let bucket = json!(arn::bucket(partition, bucket));
        match purpose {
            Some(BucketUse::Publish) => {
                statements.push((ACCOUNT, json!("*")));
                statements.push((BUCKET, bucket));
                statements.push((DOCUMENTS, documents));
            }
            Some(BucketUse::Empty) => {
                statements.push((BUCKET_TO_EMPTY, bucket));
                statements.push((DOCUMENTS_TO_DELETE, documents));
                let roles = json!(arn::role(partition, account, "*"));
                statements.push((ROLES_TO_DELETE, roles));
                statements.push((ROLES_SURVEY, json!("*")));
            }
            Some(BucketUse::Look) | None => {
                statements.push((BUCKET_TO_LOOK_AT, bucket));
                statements.push((DOCUMENTS_TO_LOOK_AT, documents));
            }
        }
    }
    if let Some(host_path) = scope.provider {
        let statement = match purpose {
            _ if scope.provider_is_given => PROVIDER_TO_LOOK_AT,
            Some(BucketUse::Empty) => PROVIDER_TO_DELETE,
            _ => PROVIDER,
        };
        let provider = arn::provider(partition, account, host_path);
        statements.push((statement, json!(provider)));
    }
    let roles = scope.roles.iter();
    let roles: Vec<String> = roles
        .map(|name| arn::role(partition, account, name))
        .collect();
    match roles.as_slice() {
        [] => {}
        [one] => statements.push((ROLE, json!(one))),
        several => statements.push((ROLE, json!(several))),
    }
    if let Some(KeyScope { store, arns, puts }) = &scope.keys {
        let signing_key = Statement {
            sid: "SigningKey",
            read: store.read_actions(),
            write: if *puts { store.write_actions() } else { &[] },
        };
        statements.push((signing_key, json!(arns)));
    }
    if scope.surveys {
        statements.push((SURVEY, json!("*")));
    }
    let statements = statements.into_iter().map(|(statement, resource)| {
        let mut actions = statement.read.to_vec();
        if scope.changes {
            actions.extend(statement.write);
        }
        json!({ "Sid": statement.sid, "Effect": "Allow", "Action": actions, "Resource": resource })
    });
    json!({ "Version": "2012-10-17", "Statement": statements.collect::<Vec<_>>() })
}
