//! The cluster file, `irsactl.yaml`: what flags say, kept beside the cluster's other files.
//!
//! Its values take the place of the flags' defaults, so they go through the same parsers, and a flag
//! wins. Roles, which no flag can list, are taken from [`ClusterFile::roles`].

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::error::{Error, Result, nearest};

/// A cluster file is a page; what is larger is something else.
const MAX: u64 = 1 << 20;

/// How long a pipe may take.
const WRITTEN_WITHIN: Duration = Duration::from_secs(10);

/// A cluster, its issuer and its roles.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(title = "irsactl cluster file")]
pub struct ClusterFile {
    /// The version of this format.
    #[serde(rename = "apiVersion")]
    pub api_version: ApiVersion,
    /// Always Cluster.
    pub kind: Kind,
    /// What it is called.
    pub metadata: Metadata,
    /// What is wanted.
    #[serde(default)]
    pub spec: Spec,
    /// Where it was read from.
    #[serde(skip)]
    #[schemars(skip)]
    pub path: PathBuf,
}

/// The versions that are read.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
pub enum ApiVersion {
    /// The first.
    #[serde(rename = "irsactl/v1alpha1")]
    V1Alpha1,
}

/// The one kind.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
pub enum Kind {
    /// A cluster.
    Cluster,
}

/// What the cluster is called.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Metadata {
    /// Name of the cluster: lower-case letters, digits and hyphens (--cluster).
    pub name: String,
}

/// What is wanted.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Spec {
    /// AWS region of the bucket (--region). It is part of the issuer.
    pub region: Option<String>,
    /// The AWS account ID (--account-id); must match your credentials. A string, because leading zeros count.
    pub account_id: Option<String>,
    /// S3 bucket (--bucket).
    pub bucket: Option<String>,
    /// Path of the issuer below the bucket (--prefix).
    pub prefix: Option<String>,
    /// Audiences of the provider, exactly these (--audience).
    #[serde(default)]
    pub audiences: Vec<String>,
    /// Tags of the bucket, the provider and the roles (--tag).
    #[serde(default)]
    pub tags: BTreeMap<String, String>,
    /// The signing key.
    #[serde(default)]
    pub keys: Keys,
    /// Roles that service accounts assume.
    #[serde(default)]
    pub roles: Vec<RoleSpec>,
}

/// The signing key.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Keys {
    /// The issuer directory, from the directory of this file on (--dir).
    pub directory: Option<PathBuf>,
    /// Where it is kept (--key-store): file, secretsmanager or ssm.
    #[schemars(extend("enum" = ["file", "secretsmanager", "ssm", null]))]
    pub store: Option<String>,
}

/// A role that service accounts assume.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RoleSpec {
    /// Its name; else CLUSTER-NAMESPACE-NAME of the first service account.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Who may assume it: NAMESPACE/NAME, each.
    #[schemars(length(min = 1))]
    pub service_accounts: Vec<String>,
    /// Allow * in service accounts, which are compared with StringLike then.
    #[serde(default)]
    pub allow_wildcard: bool,
    /// ARNs of managed policies to attach.
    #[serde(default, rename = "policyARNs")]
    pub policy_arns: Vec<String>,
    /// The role's own policy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub inline_policy: Option<Value>,
    /// The ARN of the permissions boundary.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub permissions_boundary: Option<String>,
    /// The longest session, in seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 3600, max = 43200))]
    pub max_session_duration: Option<i32>,
    /// The audience of the tokens; else the first of the provider.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub audience: Option<String>,
}

/// A value of the file for a flag.
#[derive(Clone, Debug)]
pub struct Setting {
    /// The flag's name, as clap's id.
    pub id: &'static str,
    /// Where it stands in the file.
    pub field: &'static str,
    /// Its values.
    pub values: Vec<String>,
}

impl ClusterFile {
    /// Reads and parses a file.
    pub fn read(path: &Path) -> Result<Self> {
        let shown = path.to_string_lossy();
        let cannot = || {
            Error::usage(format!("cannot use the cluster file '{shown}'"))
                .hint("'irsactl config schema' says what it may hold; --config takes its path")
        };
        let text = read(path).map_err(|e| cannot().because(e))?;
        if text.len() as u64 > MAX {
            return Err(cannot().because(format!("it has more than {MAX} bytes")));
        }
        Self::parse(&text, path)
    }

    /// Parses the text of a file.
    pub fn parse(text: &str, path: &Path) -> Result<Self> {
        let shown = path.to_string_lossy();
        let cannot = || Error::usage(format!("cannot use the cluster file '{shown}'"));
        let file: Self = serde_saphyr::from_str(text).map_err(|cause| {
            let cause = cause.without_snippet();
            let error = cannot().because(cause);
            match suggestion(cause) {
                Some(name) => error.hint(format!("did you mean '{name}'?")),
                None => error.hint("'irsactl config schema' prints what it may hold"),
            }
        })?;
        // A flag could not say it.
        if let Some(key) = file.spec.tags.keys().find(|key| key.contains('=')) {
            return Err(cannot().because(format!("the tag key '{key}' has a = in it")));
        }
        Ok(Self {
            path: path.to_owned(),
            ..file
        })
    }

    /// What it says for flags.
    pub fn settings(&self) -> Vec<Setting> {
        let spec = &self.spec;
        let one = |id, field, value: &Option<String>| {
            let values = value.iter().cloned().collect();
            Setting { id, field, values }
        };
        let directory = spec.keys.directory.as_ref().map(|directory| {
            let base = self.path.parent().unwrap_or(Path::new(""));
            base.join(directory).to_string_lossy().into_owned()
        });
        let tags = spec
            .tags
            .iter()
            .map(|(key, value)| format!("{key}={value}"));
        let settings = [
            one(
                "cluster",
                "metadata.name",
                &Some(self.metadata.name.clone()),
            ),
            one("region", "spec.region", &spec.region),
            one("account_id", "spec.accountId", &spec.account_id),
            one("bucket", "spec.bucket", &spec.bucket),
            one("prefix", "spec.prefix", &spec.prefix),
            one("dir", "spec.keys.directory", &directory),
            one("key_store", "spec.keys.store", &spec.keys.store),
            Setting {
                id: "audience",
                field: "spec.audiences",
                values: spec.audiences.clone(),
            },
            Setting {
                id: "tags",
                field: "spec.tags",
                values: tags.collect(),
            },
        ];
        settings
            .into_iter()
            .filter(|setting| !setting.values.is_empty())
            .collect()
    }

    /// Its roles.
    pub fn roles(&self) -> &[RoleSpec] {
        &self.spec.roles
    }
}

/// Reads as much as a cluster file may have. It may come through a pipe, such as a shell's `<(…)`, whose writer may
/// never come: opening it is not this thread's wait.
fn read(path: &Path) -> std::io::Result<String> {
    let (sender, receiver) = mpsc::channel();
    let path = path.to_owned();
    std::thread::spawn(move || {
        let mut text = String::new();
        let read = File::open(path).and_then(|file| file.take(MAX + 1).read_to_string(&mut text));
        let _ = sender.send(read.map(|_| text));
    });
    let slow = |_| {
        let cause = format!(
            "nobody has written it within {} s",
            WRITTEN_WITHIN.as_secs()
        );
        Err(std::io::Error::new(std::io::ErrorKind::TimedOut, cause))
    };
    receiver.recv_timeout(WRITTEN_WITHIN).unwrap_or_else(slow)
}

/// The JSON Schema of the format (draft 2020-12).
pub fn schema() -> Value {
    schemars::schema_for!(ClusterFile).to_value()
}

/// The field that is most like the unknown one.
fn suggestion(cause: &serde_saphyr::Error) -> Option<&'static str> {
    let serde_saphyr::Error::SerdeUnknownField {
        field, expected, ..
    } = cause
    else {
        return None;
    };
    nearest(field, expected.iter().copied())
}
