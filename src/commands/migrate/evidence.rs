//! Whether the stage that is to be left took effect.

use crate::cluster::migration::Stage;
use crate::commands::migrate::state::Migration;
use crate::error::{Error, Exit, Result};
use crate::inspect::cluster::ClusterOptions;
use crate::system::clock::now;
use crate::verify::report::{Check, Outcome, Report};
use crate::verify::{cluster, migration as checks, token};

/// What the API server shows.
pub(crate) struct Evidence {
    pub(crate) report: Report,
    /// Whether a check shows that the stage took effect: most only show that nothing speaks against it.
    pub(crate) is_seen: bool,
}

impl Evidence {
    /// Looks at what was given.
    pub(crate) async fn of(migration: &Migration, given: &ClusterOptions) -> Result<Self> {
        let (change, stage) = (&migration.what, migration.stage);
        let (issuer, kid) = (
            &change.issuer,
            change.key.as_ref().map(|key| key.kid.as_str()),
        );
        let existing: Vec<&str> = change.existing_issuers.iter().map(|i| i.as_str()).collect();
        let (mut proofs, mut others) = (Vec::new(), Vec::new());
        if let Some(source) = given.discovery().await {
            match stage {
                Stage::Add => others.push(checks::existing_signs(&source, &existing)),
                Stage::Swap | Stage::Wait | Stage::Drop => {
                    let mut found = cluster::discovery(&source, issuer).into_iter();
                    proofs.extend(found.next());
                    others.extend(found);
                }
            }
        }
        if let Some(source) = given.jwks().await {
            match (stage, kid) {
                (Stage::Add, Some(kid)) => proofs.push(checks::accepts_key(&source, kid)),
                (_, Some(kid)) => others.push(checks::accepts_key(&source, kid)),
                (_, None) => others.push(Check::skipped(
                    "cluster keys",
                    &source.place,
                    "the cluster keeps its key, so its keys do not change",
                )),
            }
        }
        if let Some(token) = given.token().await? {
            others.push(token::times(&token, now()?));
            match stage {
                Stage::Add => {
                    others.push(checks::token_of_existing(&token, &existing));
                    proofs.push(checks::token_for_new(&token, issuer.as_str()));
                }
                Stage::Swap | Stage::Wait | Stage::Drop => {
                    proofs.push(token::issuer(&token, issuer));
                    others.extend(kid.map(|kid| checks::token_key(&token, kid)));
                }
            }
        }
        let is_seen = proofs.iter().any(|check| check.outcome == Outcome::Pass);
        proofs.extend(others);
        Ok(Self {
            report: Report(proofs),
            is_seen,
        })
    }

    /// Refuses to go on when something speaks against it.
    pub(crate) fn check(&self, stage: Stage) -> Result<()> {
        if !self.report.failed() {
            return Ok(());
        }
        let what = format!("cannot go on from the stage {}", stage.name());
        let mut error = Error::failed(what).with_exit(Exit::Drift);
        let failed = self.report.0.iter();
        let failed: Vec<&Check> = failed
            .filter(|check| check.outcome == Outcome::Fail)
            .collect();
        for check in &failed {
            error = error.because(format!(
                "{}: {} (expected {}, at {})",
                check.name, check.actual, check.expected, check.place
            ));
        }
        match failed.iter().find_map(|check| check.hint.as_ref()) {
            Some(hint) => Err(error.hint(hint)),
            None => Err(error),
        }
    }
}
