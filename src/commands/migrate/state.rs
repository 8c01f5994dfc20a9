//! `DIR/migration.json`: which migration, and its stage. Nothing in it is secret.

use std::path::{Path, PathBuf};
use std::str::FromStr;

use pkcs8::der::DateTime;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::cluster::accepted::{ApiAudience, ExistingIssuer};
use crate::cluster::form::FormOptions;
use crate::cluster::migration::Stage;
use crate::cluster::settings::{ApiServerSettings, NodeKey};
use crate::config::names::dns_label;
use crate::config::nodes::node_path;
use crate::error::{Error, Result, shell_quoted};
use crate::oidc::issuer::Issuer;
use crate::oidc::key::Kid;
use crate::plan::document::json_text;
use crate::system::file;
use crate::verify::token::time_text;

/// A migration and how far it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Migration {
    format_version: FormatVersion,
    /// What is being changed.
    #[serde(rename = "migration")]
    pub(crate) what: Change,
    /// Where it is.
    pub(crate) stage: Stage,
    /// When the stage began.
    pub(crate) since: Time,
}

/// What stays the same in all stages.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Change {
    pub(crate) issuer: Issuer,
    pub(crate) existing_issuers: Vec<ExistingIssuer>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) existing_public_keys: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) api_audiences: Vec<ApiAudience>,
    /// The new signing key; none when the cluster keeps its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) key: Option<NewKey>,
    /// The cluster's name, where one was given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) cluster: Option<String>,
    pub(crate) form: FormOptions,
}

/// The new signing key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewKey {
    pub(crate) kid: Kid,
    pub(crate) node_dir: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
enum FormatVersion {
    #[serde(rename = "1.0")]
    V1,
}

/// Seconds since 1970; RFC 3339 in the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
pub(crate) struct Time(pub(crate) u64);

impl TryFrom<String> for Time {
    type Error = &'static str;

    fn try_from(text: String) -> std::result::Result<Self, Self::Error> {
        let time =
            DateTime::from_str(&text).map_err(|_| "a time looks like 2026-01-01T00:00:00Z")?;
        Ok(Self(time.unix_duration().as_secs()))
    }
}

impl From<Time> for String {
    fn from(time: Time) -> Self {
        time_text(time.0)
    }
}

impl Change {
    /// The settings of a stage.
    pub(crate) fn settings(&self, stage: Stage) -> ApiServerSettings {
        ApiServerSettings {
            issuer: self.issuer.clone(),
            existing_issuers: self.existing_issuers.clone(),
            existing_public_keys: self.existing_public_keys.clone(),
            api_audiences: self.api_audiences.clone(),
            key: match &self.key {
                Some(key) => NodeKey::Ours {
                    node_dir: key.node_dir.clone(),
                },
                None => NodeKey::Kept,
            },
            order: stage.order(),
        }
    }

    /// What the command line would have refused.
    fn check(&self) -> std::result::Result<(), String> {
        let directories = self.key.iter().map(|key| &key.node_dir);
        for path in directories.chain(&self.existing_public_keys) {
            node_path(path)?;
        }
        if let Some(cluster) = &self.cluster {
            dns_label(cluster)?;
        }
        if !self.settings(Stage::Add).has_other_issuer() {
            return Err("it names no existing issuer".to_owned());
        }
        self.form
            .check(false)
            .map_err(|error| error.what().to_owned())
    }
}

impl Migration {
    /// A migration that enters a stage now.
    pub(crate) fn at(what: Change, stage: Stage, now: u64) -> Self {
        Self {
            format_version: FormatVersion::V1,
            what,
            stage,
            since: Time(now),
        }
    }

    /// The migration of an issuer directory, if there is one.
    pub(crate) fn read(dir: &Path) -> Result<Option<Self>> {
        let path = path(dir);
        if !file::exists(&path)? {
            return Ok(None);
        }
        let text = file::read_own(&path, file::MAX_KEY_FILE)?;
        let unusable = |cause: &dyn std::fmt::Display| {
            Error::refused(format!("cannot use {}", path.display()))
                .because(cause)
                .hint(format!(
                    "restore it; or delete it ({}) and start again: the settings of the API servers tell the stage",
                    remove(dir)
                ))
        };
        let migration: Self = serde_json::from_slice(&text).map_err(|cause| unusable(&cause))?;
        migration.what.check().map_err(|cause| unusable(&cause))?;
        Ok(Some(migration))
    }

    /// The same, where there must be one.
    pub(crate) fn read_existing(dir: &Path) -> Result<Self> {
        let absent = || {
            Error::refused(format!("cannot find a migration in {}", dir.display()))
                .because(format!("{} is not there", path(dir).display()))
                .hint(format!(
                    "begin one with '{}', or name its directory with --dir",
                    command(dir, "start")
                ))
        };
        Self::read(dir)?.ok_or_else(absent)
    }

    /// Writes it in place of what was there, at once and whole.
    pub(crate) fn write(&self, dir: &Path) -> Result<()> {
        file::create_dir(dir)?;
        let is_ours = |text: &[u8]| serde_json::from_slice::<Self>(text).is_ok();
        file::write_document(
            &path(dir),
            json_text(self).as_bytes(),
            "a migration",
            is_ours,
        )
    }
}

/// `DIR/migration.json`
pub(crate) fn path(dir: &Path) -> PathBuf {
    dir.join("migration.json")
}

/// A command of `migrate` for an issuer directory, as people type it.
pub(crate) fn command(dir: &Path, arguments: &str) -> String {
    match dir.to_str() {
        Some("issuer") => format!("irsactl migrate {arguments}"),
        _ => {
            let quoted = shell_quoted(&dir.display().to_string());
            format!("irsactl migrate --dir {quoted} {arguments}")
        }
    }
}

/// The command that deletes it.
pub(crate) fn remove(dir: &Path) -> String {
    format!("rm {}", shell_quoted(&path(dir).display().to_string()))
}
