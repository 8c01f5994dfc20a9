//! `verify`: does AWS accept the cluster's tokens? Looked at from outside, as STS does.

mod account;
pub(super) mod cluster;
mod dangling;
mod proof;
mod webhook;

use std::path::{Path, PathBuf};

use clap::Args;
use serde::Serialize;
use url::Url;

use crate::config::parse::Origin;
use crate::config::{Global, IssuerNames, KeyStoreOptions, Place};
use crate::error::{Error, Exit, Result};
use crate::oidc::issuer::Issuer;
use crate::oidc::jwks::JwkSet;
use crate::oidc::key::Kid;
use crate::output::{self, Answer};
use crate::probe::chain::{self, Chain};
use crate::probe::document;
use crate::verify::page::{self, Page};
use crate::verify::proof::Seen;
use crate::verify::report::{Check, Outcome, Report};
use crate::verify::{discovery, jwks, objects, tls};

use super::change_options::owner_tags;
use super::converge::Session;
use super::key_pair::KeyPair;
use super::key_store::{self, Store};
use super::provider::ProviderOptions;
use super::stop::Stop;
use super::{resolve, token as token_command};
use cluster::ClusterOptions;
pub(super) use cluster::{kubectl, read_document};
pub(super) use proof::role_arn;
use proof::{ProofOptions, told};

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

#[derive(Serialize)]
struct VerifyAnswer {
    #[serde(skip_serializing_if = "Option::is_none")]
    issuer: Option<Issuer>,
    passed: bool,
    checks: Report,
}

impl Answer for VerifyAnswer {
    fn is_for_ci(&self) -> bool {
        true
    }

    fn markdown(&self) -> String {
        let verdict = if self.passed { "passed" } else { "FAILED" };
        let issuer = self.issuer.as_ref().map(|issuer| format!(" of `{issuer}`"));
        let table = output::report::markdown(&self.checks);
        format!(
            "### irsactl: verify{} {verdict}\n\n{table}",
            issuer.unwrap_or_default()
        )
    }

    fn text(&self) -> String {
        let checks = &self.checks.0;
        let count = |outcome: Outcome| {
            checks
                .iter()
                .filter(|check| check.outcome == outcome)
                .count()
        };
        let verdict = format!(
            "{} checks: {} failed, {} skipped",
            checks.len(),
            count(Outcome::Fail),
            count(Outcome::Skipped)
        );
        let issuer = self.issuer.as_ref();
        let heading = issuer.map_or_else(String::new, |issuer| format!("issuer {issuer}\n\n"));
        let report = output::report::text(&self.checks);
        format!("{heading}{report}\n{verdict}\n")
    }
}

/// The issuer, and its place when it is a bucket's.
struct Target {
    issuer: Issuer,
    place: Option<Place>,
}

impl Target {
    /// The command that makes what is missing.
    fn repair(&self) -> String {
        match self.place {
            Some(_) => "irsactl bootstrap".to_owned(),
            None => format!("irsactl provider --issuer {}", self.issuer),
        }
    }
}

/// What anybody can see of an issuer.
struct Public {
    discovery: Page,
    jwks: Page,
    /// The host that the discovery document names for the JWK Set, and its chain.
    host: String,
    chain: Result<Chain>,
}

impl Verify {
    pub(super) async fn run(self, global: &Global, stop: &Stop) -> Result<Exit> {
        self.cluster.check()?;
        let names = &self.issuer.names;
        let webhook = match &self.webhook {
            Some(source) => webhook::checks(source, self.cluster.kubeconfig()).await?,
            None => Vec::new(),
        };
        let nameless = [&names.cluster, &names.bucket, &self.issuer.issuer];
        if self.webhook.is_some() && nameless.iter().all(|name| name.is_none()) {
            return match self.proof.is_asked_for() || self.cluster.is_asked_for() {
                false => print(None, webhook, global),
                true => Err(Error::usage("cannot tell which issuer is meant").hint(
                    "give --cluster, --bucket or --issuer for what is asked besides the webhook",
                )),
            };
        }
        let region = resolve::region(global).await?;
        let session = Session::open(global, stop, &region, names.account_id.as_ref(), false).await;
        if self.dangling {
            let checks = dangling::checks(&session?, &region).await?;
            return print(None, checks, global);
        }
        let account = session.as_ref().ok().map(|session| session.account.clone());
        let account = account.or(names.account_id.clone());
        let target = match self.issuer.custom(&region)? {
            Some(issuer) => Target {
                issuer,
                place: None,
            },
            None => {
                // Without an account a cluster's bucket has no name, and the session says why.
                if let (Err(_), None, None) = (&session, &account, &names.bucket) {
                    return session.map(|_| Exit::Failed);
                }
                let place = names.place(&region, account.as_ref())?;
                Target {
                    issuer: place.issuer.clone(),
                    place: Some(place),
                }
            }
        };
        let cluster = names.cluster.as_deref();
        let store = key_store::connect(global, &self.key_store, cluster, false).await;
        let local = match &store {
            Ok(store) => local_kid(&global.dir, store.as_ref()),
            Err(error) => Err(told(error)),
        };
        let public = look(&target.issuer).await;
        let mut checks = public_checks(&local, &target, &public).await?;
        let options = ProviderOptions::of_file(global);
        let file = global.layers.file.as_ref();
        let mut tags = file.map(|file| file.spec.tags.clone()).unwrap_or_default();
        tags.extend(owner_tags(names.cluster.as_deref()));
        let (region, chain) = (region.as_str(), &public.chain);
        let pages = [&public.discovery, &public.jwks];
        let owner = account::checks(session, &target, &options, tags, region, chain, pages).await?;
        checks.extend(owner.checks);
        let published = public.jwks.body().and_then(|body| JwkSet::parse(body).ok());
        checks.extend(
            self.cluster
                .checks(&target.issuer, published.as_ref(), &self.audiences(global))
                .await?,
        );
        checks.extend(webhook);
        let issuer = &target.issuer;
        let key = local.ok().flatten().zip(published.as_ref());
        let seen = Seen {
            provider: owner.provider_exists,
            key: key.is_some_and(|(local, set)| set.kids().any(|kid| *kid == local)),
        };
        let store = store.ok().flatten();
        let proof = self
            .proof
            .check(global, stop, issuer, region, store.as_ref(), seen);
        checks.push(proof.await);
        print(Some(target.issuer), checks, global)
    }
}

impl Verify {
    /// The audiences that a pod's token may have: the one that was given, or all of the cluster file.
    fn audiences(&self, global: &Global) -> Vec<String> {
        let listed = global.layers.file.as_ref().map(|file| &file.spec.audiences);
        match listed {
            Some(listed)
                if !listed.is_empty() && global.layers.origin("audience") != Origin::Flag =>
            {
                listed.clone()
            }
            _ => vec![self.proof.audience().to_owned()],
        }
    }
}

fn print(issuer: Option<Issuer>, checks: Vec<Check>, global: &Global) -> Result<Exit> {
    let checks = Report(checks);
    let passed = !checks.failed();
    output::print(
        &VerifyAnswer {
            issuer,
            passed,
            checks,
        },
        global.output,
    )?;
    Ok(if passed { Exit::Done } else { Exit::Drift })
}

/// Fetches what STS fetches, in its order.
async fn look(issuer: &Issuer) -> Public {
    let discovery = fetch(&issuer.discovery_url()).await;
    let jwks_uri = discovery::jwks_uri(&discovery).unwrap_or_else(|| issuer.jwks_uri());
    let place = Url::parse(&jwks_uri).ok();
    let place = place.and_then(|url| Some((url.host_str()?.to_owned(), url.port().unwrap_or(443))));
    let (host, port) = place.unwrap_or_else(|| (issuer.host().to_owned(), 443));
    let (jwks, chain) = tokio::join!(fetch(&jwks_uri), chain::fetch(&host, port));
    Public {
        discovery,
        jwks,
        host,
        chain,
    }
}

async fn public_checks(
    local: &std::result::Result<Option<Kid>, String>,
    target: &Target,
    public: &Public,
) -> Result<Vec<Check>> {
    let local = local.as_ref().map(Option::as_ref).map_err(String::as_str);
    let mut checks = discovery::check(&target.issuer, &public.discovery);
    checks.extend(jwks::check(&public.jwks, local));
    checks.extend(tls_checks(&public.host, &public.chain)?);
    let host = target.issuer.host();
    if host != public.host {
        checks.extend(tls_checks(host, &chain::fetch(host, 443).await)?);
    }
    if target.place.is_some() {
        let url = format!("https://{host}/?list-type=2&max-keys=1");
        checks.push(objects::listing(&fetch(&url).await));
    }
    Ok(checks)
}

/// The kid of the key in the issuer directory or in the store; none when there is no key, and why it cannot
/// be used.
fn local_kid(dir: &Path, store: Option<&Store>) -> std::result::Result<Option<Kid>, String> {
    let is_stored = store.and_then(Store::current).is_some();
    if !is_stored && !KeyPair::is_there(dir).map_err(|error| told(&error))? {
        return Ok(None);
    }
    let kid = key_store::public(dir, store).map(|key| key.kid());
    match kid {
        Ok(Ok(kid)) => Ok(Some(kid)),
        Ok(Err(cause)) => Err(cause.to_string()),
        Err(error) => Err(told(&error)),
    }
}

/// Fetches a page; once more when there was no answer, since a job that runs every night must not fail
/// for one lost packet.
async fn fetch(url: &str) -> Page {
    let answer = match Url::parse(url) {
        Ok(parsed) if parsed.scheme() == "https" => match document::fetch(&parsed).await {
            Ok(answer) => Ok(answer),
            Err(_) => document::fetch(&parsed).await.map_err(|error| {
                let causes = error.causes().join(": ");
                match causes.is_empty() {
                    true => error.what().to_owned(),
                    false => causes,
                }
            }),
        },
        _ => Err("it is not an https URL".to_owned()),
    };
    let answer = answer.map(|answer| page::Answer {
        status: answer.status,
        content_type: answer.content_type,
        body: answer.body,
    });
    Page {
        url: url.to_owned(),
        answer,
    }
}

fn tls_checks(host: &str, chain: &Result<Chain>) -> Result<Vec<Check>> {
    let verified = match chain {
        Ok(chain) => chain,
        Err(error) => return Ok(vec![tls::chain(host, Err(&error.causes().join(": ")))]),
    };
    let mut checks = vec![tls::chain(host, Ok(()))];
    if let Some(leaf) = verified.leaf() {
        let now = token_command::now()?;
        let (seconds, text) = (leaf.not_after_seconds, &leaf.not_after);
        checks.push(tls::expiry(host, seconds, text, now));
    }
    Ok(checks)
}
