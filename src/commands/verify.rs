//! `verify`: does AWS accept the cluster's tokens? Looked at from outside, as STS does.

pub(crate) mod dangling;
pub(crate) mod webhook;

use std::path::PathBuf;

use clap::Args;
use schemars::JsonSchema;
use serde::Serialize;

use crate::config::key_store::KeyStoreOptions;
use crate::config::names::IssuerNames;
use crate::config::{Global, resolve};
use crate::converge::session::Session;
use crate::converge::stop::Stop;
use crate::error::{Error, Exit, Result};
use crate::inspect::Question;
use crate::inspect::cluster::ClusterOptions;
use crate::inspect::proof::ProofOptions;
use crate::oidc::issuer::Issuer;
use crate::output::markdown::chain;
use crate::output::{self, Answer, report};
use crate::verify::report::{Outcome, Report};

/// Options of `verify`.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  irsactl verify --cluster demo --region us-west-2
  irsactl verify --cluster demo --region us-west-2 -o json
  irsactl verify --dangling --region us-west-2
  irsactl verify --webhook webhook.yaml

With --role-arn it signs a token with the key of the issuer directory and lets STS judge it: any role \
of the account proves that the issuer works, and with --subject one that trusts the subject proves \
the whole way. Credentials are never printed. A failed check ends with 3.")]
pub struct Verify {
    #[command(flatten)]
    issuer: IssuerNames,
    #[command(flatten)]
    key_store: KeyStoreOptions,
    /// Look at the hosts of all OpenID Connect providers of the account, and at nothing else
    #[arg(long, conflicts_with_all = ["cluster", "bucket", "issuer", "role_arn", "kubeconfig", "token"])]
    #[arg(conflicts_with_all = ["cluster_jwks", "cluster_discovery", "prefix", "audience"])]
    dangling: bool,
    /// Look at the pod identity webhook: its manifests in a file, or kubectl for the cluster's own
    #[arg(long, value_name = "FILE|kubectl", conflicts_with = "dangling")]
    webhook: Option<PathBuf>,
    #[command(flatten)]
    proof: ProofOptions,
    #[command(flatten)]
    cluster: ClusterOptions,
}

#[derive(Serialize, JsonSchema)]
pub(crate) struct VerifyAnswer {
    #[serde(skip_serializing_if = "Option::is_none")]
    issuer: Option<Issuer>,
    passed: bool,
    checks: Report,
    /// What trusts what.
    #[serde(skip)]
    links: Vec<(&'static str, String)>,
}

impl Answer for VerifyAnswer {
    fn is_for_ci(&self) -> bool {
        true
    }

    fn markdown(&self) -> String {
        let verdict = if self.passed { "passed" } else { "FAILED" };
        let issuer = self.issuer.as_ref().map(|issuer| format!(" of `{issuer}`"));
        let table = report::markdown(&self.checks);
        let picture = match self.links.as_slice() {
            [] => String::new(),
            links => format!("\n{}", chain(links)),
        };
        format!(
            "### irsactl: verify{} {verdict}\n\n{table}{picture}",
            issuer.unwrap_or_default()
        )
    }

    fn text(&self) -> String {
        let verdict = format!(
            "{} checks: {} failed, {} skipped",
            self.checks.0.len(),
            self.checks.count(Outcome::Fail),
            self.checks.count(Outcome::Skipped)
        );
        let issuer = self.issuer.as_ref();
        let heading = issuer.map_or_else(String::new, |issuer| format!("issuer {issuer}\n\n"));
        let report = report::text(&self.checks);
        format!("{heading}{report}\n{verdict}\n")
    }
}

impl Verify {
    pub(crate) async fn run(self, global: &Global, stop: &Stop) -> Result<Exit> {
        self.cluster.check()?;
        let names = &self.issuer.names;
        let webhook = match &self.webhook {
            Some(source) => webhook::checks(source, self.cluster.kubeconfig()).await?,
            None => Vec::new(),
        };
        let nameless = [&names.cluster, &names.bucket, &self.issuer.issuer];
        if self.webhook.is_some() && nameless.iter().all(|name| name.is_none()) {
            return if !(self.proof.is_asked_for() || self.cluster.is_asked_for()) {
                print(None, Vec::new(), Report(webhook), global)
            } else {
                Err(Error::usage("cannot tell which issuer is meant").hint(
                    "give --cluster, --bucket or --issuer for what is asked besides the webhook",
                ))
            };
        }
        if self.dangling {
            let region = resolve::region(global).await?;
            let account = names.account_id.as_ref();
            let session = Session::open(global, stop, &region, account, false).await?;
            let checks = dangling::checks(&session, &region).await?;
            return print(None, Vec::new(), Report(checks), global);
        }
        let question = Question {
            issuer: &self.issuer,
            key_store: &self.key_store,
            proof: &self.proof,
            cluster: &self.cluster,
            extra_checks: webhook,
        };
        let found = question.look(global, stop).await?;
        let links = found.links(names.cluster.as_deref())?;
        print(Some(found.target.issuer), links, found.checks, global)
    }
}

fn print(
    issuer: Option<Issuer>,
    links: Vec<(&'static str, String)>,
    checks: Report,
    global: &Global,
) -> Result<Exit> {
    let passed = !checks.failed();
    if !passed {
        let failed = checks
            .0
            .iter()
            .filter(|check| check.outcome == Outcome::Fail);
        let names: Vec<String> = failed.map(|check| check.name.to_string()).collect();
        output::annotate(&format!(
            "verify: failed: {}",
            output::sanitized(&names.join(", "))
        ));
    }
    output::print(
        &VerifyAnswer {
            issuer,
            passed,
            checks,
            links,
        },
        global.output,
    )?;
    Ok(if passed { Exit::Done } else { Exit::Drift })
}
