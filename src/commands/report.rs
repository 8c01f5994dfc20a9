//! `report`: what `verify` and a dry run see, on one page for a reviewer.

use std::path::{Path, PathBuf};

use clap::Args;
use schemars::JsonSchema;
use serde::Serialize;

use crate::config::Global;
use crate::config::key_store::KeyStoreOptions;
use crate::config::names::IssuerNames;
use crate::converge::stop::Stop;
use crate::error::{Error, Exit, Result};
use crate::inspect::cluster::ClusterOptions;
use crate::inspect::proof::ProofOptions;
use crate::inspect::{Inspection, Question, public};
use crate::oidc::issuer::Issuer;
use crate::output::html::{BEGINNING, Certificate, Host, Page};
use crate::output::{self, Answer};
use crate::plan::tags::CLUSTER;
use crate::probe::chain::PresentedCertificate;
use crate::system::clock::now;
use crate::system::file::{self, links};
use crate::verify::report::Outcome;

/// Options of `report`.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  irsactl report --cluster demo --region us-west-2 --html report.html
  irsactl report --cluster demo --region us-west-2 --html report.html -o json

The page shows the chain of trust, the checks of 'irsactl verify', what 'irsactl bootstrap' would change, \
both documents, the certificates and the policies. It loads nothing and runs nothing, so it can be kept as \
an artifact of a CI job. The permissions are those of 'irsactl policy verify'. A failed check ends with 3; \
the page is written all the same.")]
pub struct ReportArgs {
    #[command(flatten)]
    issuer: IssuerNames,
    #[command(flatten)]
    key_store: KeyStoreOptions,
    /// Write the page to this file; an existing file is replaced only if it is an earlier report
    #[arg(long, value_name = "FILE")]
    html: PathBuf,
    #[command(flatten)]
    proof: ProofOptions,
    #[command(flatten)]
    cluster: ClusterOptions,
}

#[derive(Serialize, JsonSchema)]
pub(crate) struct ReportAnswer {
    html: String,
    issuer: Issuer,
    passed: bool,
    checks: usize,
    failed: usize,
    warned: usize,
    skipped: usize,
    /// How many changes are pending; none when AWS could not be compared.
    changes: Option<usize>,
}

impl Answer for ReportAnswer {
    fn is_for_ci(&self) -> bool {
        true
    }

    fn text(&self) -> String {
        let plan = match self.changes {
            None => "AWS not compared".to_owned(),
            Some(0) => "nothing to change".to_owned(),
            Some(changes) => format!("{changes} to change"),
        };
        format!(
            "report {}: {} checks, {} failed, {} warned, {} skipped; {plan}\n",
            self.html, self.checks, self.failed, self.warned, self.skipped
        )
    }
}

impl ReportArgs {
    pub(crate) async fn run(self, global: &Global, stop: &Stop) -> Result<Exit> {
        self.cluster.check()?;
        refuse_others(&self.html)?;
        let question = Question {
            issuer: &self.issuer,
            key_store: &self.key_store,
            proof: &self.proof,
            cluster: &self.cluster,
            extra_checks: Vec::new(),
        };
        let found = question.look(global, stop).await?;
        let page = render(&found, self.issuer.names.cluster.as_deref(), now()?)?;
        file::write_document(&self.html, page.as_bytes(), "a report", is_report)?;
        let checks = &found.checks;
        let planned = found.owner.planned.as_ref();
        let answer = ReportAnswer {
            html: output::path(&self.html),
            issuer: found.target.issuer.clone(),
            passed: !checks.failed(),
            checks: checks.0.len(),
            failed: checks.count(Outcome::Fail),
            warned: checks.count(Outcome::Warn),
            skipped: checks.count(Outcome::Skipped),
            changes: planned.map(|planned| planned.plan.changes.len()),
        };
        output::print(&answer, global.output)?;
        Ok(if answer.passed {
            Exit::Done
        } else {
            Exit::Drift
        })
    }
}

/// A slip in the name must not cost a file, least of all a signing key.
fn refuse_others(path: &Path) -> Result<()> {
    if path == Path::new("-") {
        return Err(Error::usage("cannot write the page to stdout")
            .because("the answer is written there")
            .hint("name a file: --html report.html"));
    }
    links::refuse(path)?;
    file::refuse_others(path, "a report", is_report)
}

fn is_report(text: &[u8]) -> bool {
    text.starts_with(BEGINNING.as_bytes())
}

fn render(found: &Inspection, cluster: Option<&str>, now: u64) -> Result<String> {
    let (issuer, owner) = (&found.target.issuer, &found.owner);
    let account = found.account.as_ref();
    let provider_arn = found.provider_arn()?;
    let compared = owner.planned.as_ref();
    let compared = compared.map(|planned| (&planned.plan, &planned.observed));
    let provider = compared.and_then(|(_, observed)| observed.provider.as_ref());
    let tag = provider.and_then(|provider| provider.tags.get(CLUSTER));
    let place = found.target.place.as_ref();
    let hosts = std::iter::once(&found.public.host).chain(&found.public.own_host);
    let page = Page {
        cluster: cluster.or(tag.map(String::as_str)),
        issuer,
        account: account.map(|account| account.as_str()),
        region: &found.region,
        bucket: place.map(|place| place.bucket.as_str()),
        provider_arn: provider_arn.as_deref(),
        checks: &found.checks,
        compared,
        repair: &found.target.repair(),
        roles: owner.roles.as_deref(),
        discovery: &found.public.discovery,
        jwks: &found.public.jwks,
        hosts: hosts.map(|host| shown(host, now)).collect(),
    };
    page.render()
}

fn shown(host: &public::Host, now: u64) -> Host {
    let (certificates, failure) = match &host.chain {
        Ok(chain) => {
            let thumbprint = chain.last(&host.name).ok().map(|last| &last.sha1);
            let shown = chain.certificates().iter().map(|certificate| {
                let is_thumbprint = Some(&certificate.sha1) == thumbprint;
                described(certificate, is_thumbprint, now)
            });
            (shown.collect(), None)
        }
        Err(error) => (Vec::new(), Some(error.causes().join(": "))),
    };
    Host {
        name: host.name.clone(),
        certificates,
        failure,
    }
}

fn described(certificate: &PresentedCertificate, is_thumbprint: bool, now: u64) -> Certificate {
    let days = |from: u64, to: u64| (to as i64 - from as i64).div_euclid(24 * 3600);
    let (starts, ends) = (
        certificate.not_before_seconds,
        certificate.not_after_seconds,
    );
    Certificate {
        subject: certificate.subject.clone(),
        issuer: certificate.issuer.clone(),
        not_before: certificate.not_before.clone(),
        not_after: certificate.not_after.clone(),
        days: days(starts, ends),
        days_left: days(now, ends),
        sha1: certificate.sha1.to_string(),
        sha256: certificate.sha256.clone(),
        is_thumbprint,
    }
}
