//! `verify`: does AWS accept the cluster's tokens? Looked at from outside, as STS does.

use std::path::Path;

use clap::Args;
use serde::Serialize;
use url::Url;

use crate::aws::partition;
use crate::config::{Global, IssuerNames, Place};
use crate::error::{Error, Exit, Result};
use crate::oidc::issuer::Issuer;
use crate::oidc::jwks::JwkSet;
use crate::oidc::key::Kid;
use crate::output::{self, Answer};
use crate::plan::desired::{Desired, ThumbprintChoice};
use crate::probe::chain::{self, Chain};
use crate::probe::document;
use crate::verify::page::{self, Page};
use crate::verify::report::{Check, Outcome, Report};
use crate::verify::{discovery, jwks, plan, tls};

use super::change_options::owner_tags;
use super::converge::{Planned, Session};
use super::key_pair::KeyPair;
use super::proof::{ProofOptions, told};
use super::provider::ProviderOptions;
use super::publish::{self, KeyOptions};
use super::stop::Stop;
use super::{resolve, token as token_command};

/// Options of `verify`.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  irsactl verify --cluster demo --region us-west-2
  irsactl verify --cluster demo --region us-west-2 -o json

With --role-arn it signs a token with the key of the issuer directory and lets STS judge it: any role
of the account proves that the issuer works, and with --subject one that trusts the subject proves
the whole way. Credentials are never printed. A failed check ends with 3.")]
pub struct Verify {
    #[command(flatten)]
    issuer: IssuerNames,
    #[command(flatten)]
    proof: ProofOptions,
}

#[derive(Serialize)]
struct VerifyAnswer {
    issuer: Issuer,
    passed: bool,
    checks: Report,
}

impl Answer for VerifyAnswer {
    fn text(&self) -> String {
        let failed = self
            .checks
            .0
            .iter()
            .filter(|check| check.outcome == Outcome::Fail)
            .count();
        let skipped = self
            .checks
            .0
            .iter()
            .filter(|check| check.outcome == Outcome::Skipped)
            .count();
        let verdict = format!(
            "{} checks: {failed} failed, {skipped} skipped",
            self.checks.0.len()
        );
        format!(
            "issuer {}\n\n{}\n{verdict}\n",
            self.issuer,
            output::report::text(&self.checks)
        )
    }
}

/// The issuer, and its place when it is a bucket's.
struct Target {
    issuer: Issuer,
    place: Option<Place>,
}

impl Verify {
    pub(super) async fn run(self, global: &Global, stop: &Stop) -> Result<Exit> {
        let names = &self.issuer.names;
        let region = resolve::region(global).await?;
        let custom = self.issuer.custom(&region)?;
        let session = Session::open(global, stop, &region, names.account_id.as_ref(), false).await;
        let account = session
            .as_ref()
            .ok()
            .map(|session| session.account.clone())
            .or(names.account_id.clone());
        let target = match custom {
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

        let discovery_page = fetch(&target.issuer.discovery_url()).await;
        let jwks_uri =
            discovery::jwks_uri(&discovery_page).unwrap_or_else(|| target.issuer.jwks_uri());
        let host = Url::parse(&jwks_uri)
            .ok()
            .and_then(|url| Some(url.host_str()?.to_owned()));
        let host = host.unwrap_or_else(|| target.issuer.host().to_owned());
        let (jwks_page, chain) = tokio::join!(fetch(&jwks_uri), chain::fetch(&host, 443));

        let local = local_kid(&global.dir);
        let local = local.as_ref().map(Option::as_ref).map_err(String::as_str);
        let mut checks = discovery::check(&target.issuer, &discovery_page);
        checks.extend(jwks::check(&jwks_page, local));
        checks.extend(tls_checks(&host, &chain)?);
        if target.place.is_some() {
            let listing = fetch(&format!(
                "https://{}/?list-type=2&max-keys=1",
                target.issuer.host()
            ))
            .await;
            checks.push(page::private("bucket listing", &listing));
        }
        let pages = [&discovery_page, &jwks_page];
        let (aws_checks, provider_exists) = self
            .aws_checks(session, &target, &region, &chain, pages)
            .await?;
        checks.extend(aws_checks);
        let issuer = &target.issuer;
        checks.push(
            self.proof
                .check(global, stop, issuer, &region, provider_exists)
                .await,
        );

        let report = Report(checks);
        let passed = !report.failed();
        output::print(
            &VerifyAnswer {
                issuer: target.issuer,
                passed,
                checks: report,
            },
            global.output,
        )?;
        Ok(if passed { Exit::Done } else { Exit::Drift })
    }

    /// What only the account's owner sees: what 'bootstrap' would change, and a host that somebody
    /// else can take. Also whether the provider exists; it may when nobody could look.
    async fn aws_checks(
        &self,
        session: Result<Session<'_>>,
        target: &Target,
        region: &str,
        chain: &Result<Chain>,
        pages: [&Page; 2],
    ) -> Result<(Vec<Check>, bool)> {
        const NAME: &str = "AWS resources";
        let issuer = target.issuer.as_str();
        let skipped = |error: &Error| Check::skipped(NAME, issuer, told(error));
        let session = match session {
            Ok(session) => session,
            Err(error) if error.exit() == Exit::Refused => return Err(error),
            Err(error) => return Ok((vec![skipped(&error)], true)),
        };
        let tags = owner_tags(self.issuer.names.cluster.as_deref());
        let last = chain
            .as_ref()
            .ok()
            .and_then(|chain| chain.last(target.issuer.host()).ok());
        let thumbprint = last.map_or(ThumbprintChoice::Iam, |last| {
            ThumbprintChoice::Observed(last.sha1.clone())
        });
        let provider = ProviderOptions::default().desired(
            &target.issuer,
            &session,
            region,
            thumbprint,
            tags.clone(),
        )?;
        let arn = provider.arn.clone();
        let publication = target.place.as_ref().map(|place| {
            publish::publication(
                place,
                &session,
                JwkSet::default(),
                &KeyOptions::default(),
                tags,
            )
        });
        let desired = Desired {
            issuer: target.issuer.clone(),
            publication,
            provider: Some(provider),
            role: None,
            adopt: false,
        };
        let owned = match partition::bucket_of_host(target.issuer.host(), region) {
            Some(bucket) => Some(
                session
                    .has_bucket(&bucket)
                    .await
                    .map_err(|error| told(&error)),
            ),
            None => None,
        };
        match session.plan(&desired).await {
            Ok(Planned { plan, observed }) => {
                let mut checks = plan::differences(issuer, &plan);
                checks.extend(plan::encryption(&observed));
                checks.extend(plan::dangling(&arn, &observed, pages, owned));
                Ok((checks, observed.provider.is_some()))
            }
            Err(error) if error.exit() == Exit::Refused => {
                let check = Check::new(
                    NAME,
                    issuer,
                    false,
                    "resources of ours, as bootstrap makes them",
                    told(&error),
                );
                let hint = error
                    .hint_text()
                    .unwrap_or("'irsactl bootstrap --dry-run' shows more");
                Ok((vec![check.hint(hint)], true))
            }
            Err(error) => Ok((vec![skipped(&error)], true)),
        }
    }
}

/// The kid of the key in the issuer directory; none when there is no key, and why it cannot be used.
fn local_kid(dir: &Path) -> std::result::Result<Option<Kid>, String> {
    if !KeyPair::is_there(dir).map_err(|error| told(&error))? {
        return Ok(None);
    }
    let kid = KeyPair::load_public(dir).map(|key| key.kid());
    match kid {
        Ok(Ok(kid)) => Ok(Some(kid)),
        Ok(Err(cause)) => Err(cause.to_string()),
        Err(error) => Err(told(&error)),
    }
}

async fn fetch(url: &str) -> Page {
    let answer = match Url::parse(url) {
        Ok(parsed) if parsed.scheme() == "https" => {
            document::fetch(&parsed).await.map_err(|error| {
                let causes = error.causes().join(": ");
                if causes.is_empty() {
                    error.what().to_owned()
                } else {
                    causes
                }
            })
        }
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
        checks.push(tls::expiry(
            host,
            leaf.not_after_seconds,
            &leaf.not_after,
            token_command::now()?,
        ));
    }
    Ok(checks)
}
