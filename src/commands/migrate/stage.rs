//! A stage as it is printed: its settings, how to see that they took effect, and the way on and back.

use std::path::Path;

use schemars::JsonSchema;
use serde::Serialize;

use crate::cluster::accepted::ExistingIssuer;
use crate::cluster::format::SettingsFormat;
use crate::cluster::migration::{Stage, WAIT};
use crate::cluster::settings::Flag;
use crate::commands::migrate::state::{self, Change, Migration, Time, command};
use crate::error::Result;
use crate::keys::surroundings;
use crate::oidc::issuer::Issuer;
use crate::output::{self, Answer};
use crate::verify::report::Report;
use crate::verify::token::time_text;

/// Where a migration is.
#[derive(Serialize, JsonSchema)]
pub(crate) struct StageAnswer {
    issuer: Issuer,
    existing_issuers: Vec<ExistingIssuer>,
    stage: Stage,
    since: Time,
    /// When tokens of the existing issuer have run out, in the stage wait.
    #[serde(skip_serializing_if = "Option::is_none")]
    until: Option<Time>,
    see: Vec<String>,
    next: String,
    back: String,
    /// What led to this stage.
    #[serde(skip_serializing_if = "Option::is_none")]
    checks: Option<Report>,
    flags: Vec<Flag>,
    /// The settings in the form that was chosen.
    text: String,
}

impl Answer for StageAnswer {
    /// The explanation is a comment in every form, so that the whole can go into a file.
    fn text(&self) -> String {
        let existing: Vec<&str> = self.existing_issuers.iter().map(|i| i.as_str()).collect();
        let mut comment = format!(
            "# Stage:   {}, {} of {}: {}.\n# From:    {}\n# To:      {}\n# Since:   {}\n",
            self.stage.name(),
            self.stage.number(),
            Stage::COUNT,
            self.stage.what(),
            output::sanitized(&existing.join(", ")),
            self.issuer,
            time_text(self.since.0),
        );
        if let Some(until) = self.until {
            comment += &format!("# Until:   {}\n", time_text(until.0));
        }
        for (index, line) in self.see.iter().enumerate() {
            let label = if index == 0 { "See:" } else { "" };
            comment += &format!("# {label:<8} {}\n", output::sanitized(line));
        }
        for (label, line) in [("Next:", &self.next), ("Back:", &self.back)] {
            comment += &format!("# {label:<8} {}\n", output::sanitized(line));
        }
        comment + &self.text
    }
}

impl StageAnswer {
    /// The stage that a migration is in.
    pub(crate) fn of(migration: &Migration, dir: &Path, checks: Option<Report>) -> Result<Self> {
        let (change, stage) = (&migration.what, migration.stage);
        let settings = change.settings(stage);
        let cluster = change.cluster.as_deref();
        let around = surroundings::read(&change.form, &settings, cluster, dir, false)?;
        let (text, _) = change.form.render(&settings, &around)?;
        let until = Time(migration.since.0.saturating_add(WAIT));
        Ok(Self {
            issuer: change.issuer.clone(),
            existing_issuers: change.existing_issuers.clone(),
            stage,
            since: migration.since,
            until: (stage == Stage::Wait).then_some(until),
            see: see(change, stage),
            next: next(change, stage, dir),
            back: back(change, stage, dir),
            checks,
            flags: settings.flags(),
            text,
        })
    }
}

fn see(change: &Change, stage: Stage) -> Vec<String> {
    let lines: &[&str] = match (stage, &change.key) {
        (Stage::Add, Some(key)) => {
            return vec![
                format!("kubectl get --raw /openid/v1/jwks has the kid {}", key.kid),
                "on every API server: each one answers for itself".to_owned(),
            ];
        }
        (Stage::Add, None) => &[
            "'kubectl create token default' has both issuers as audiences, unless --api-audiences is set:",
            "then look at --service-account-issuer of every API server",
        ],
        (Stage::Swap, _) => &[
            "kubectl get --raw /.well-known/openid-configuration has the new issuer, and so has the iss",
            "of 'kubectl create token default': on every API server, each one answers for itself",
        ],
        (Stage::Wait, _) => &[
            "the kubelet renews a pod's token within a day; a pod that never reads its token again has one",
            "that is good for up to a year: watch the metric serviceaccount_stale_tokens_total of every",
            "API server; the audit annotation authentication.k8s.io/stale-token names the subject",
        ],
        (Stage::Drop, _) => &[
            "no pod logs 401 Unauthorized, and the metric authentication_attempts{result=\"error\"} of the",
            "API servers stays where it is",
        ],
    };
    lines.iter().map(|line| (*line).to_owned()).collect()
}

fn next(change: &Change, stage: Stage, dir: &Path) -> String {
    let (shows, arguments) = match (stage, &change.key) {
        (Stage::Add, Some(_)) => (
            "kubectl get --raw /openid/v1/jwks | ",
            "next --cluster-jwks -",
        ),
        (Stage::Add, None) => ("kubectl create token default | ", "next --token -"),
        (Stage::Swap, _) => (
            "kubectl get --raw /.well-known/openid-configuration | ",
            "next --cluster-discovery -",
        ),
        (Stage::Wait, _) => (
            "nothing: the migration is complete. To refuse the old tokens: ",
            "next --drop",
        ),
        (Stage::Drop, _) => return "nothing: this is the last stage".to_owned(),
    };
    format!("{shows}{}", command(dir, arguments))
}

fn back(change: &Change, stage: Stage, dir: &Path) -> String {
    match stage {
        Stage::Add => format!(
            "put back the settings that the cluster had before, and: {}",
            state::remove(dir)
        ),
        // Its operator takes one issuer, and keeps the one before it for a day.
        Stage::Swap if change.form.format == SettingsFormat::OpenShift => {
            "oc edit authentication cluster: the issuer that was there before".to_owned()
        }
        Stage::Swap if change.key.is_some() => {
            let back = command(dir, "back");
            format!("{back}; the signing key is the cluster's own then, as before")
        }
        Stage::Swap | Stage::Wait | Stage::Drop => command(dir, "back"),
    }
}
