//! `verify`: does AWS accept the cluster's tokens? Looked at from outside, as STS does.

use clap::Args;
use serde::Serialize;
use url::Url;

use crate::aws::assume::{Assumed, assume_role_with_web_identity};
use crate::aws::connect;
use crate::aws::patience::Patience;
use crate::config::{self, Global, IssuerNames, Place};
use crate::error::{Error, Exit, Result};
use crate::oidc::issuer::Issuer;
use crate::oidc::jwks::JwkSet;
use crate::oidc::subject::Subject;
use crate::oidc::token::{self, Claims};
use crate::output::{self, Answer};
use crate::plan::desired::{Desired, ThumbprintChoice};
use crate::probe::chain::{self, Chain};
use crate::probe::document;
use crate::verify::page::{self, Page};
use crate::verify::proof::{self, Exchange};
use crate::verify::report::{Check, Report};
use crate::verify::{discovery, jwks, plan, tls};

use super::change_options::owner_tags;
use super::converge::{Planned, Session};
use super::key_pair::{self, KeyPair};
use super::provider::ProviderOptions;
use super::publish::{self, KeyOptions};
use super::stop::Stop;
use super::{resolve, token as token_command};

/// Who asks when the user names nobody: no role should trust it.
const NOBODY: &str = "system:serviceaccount:irsactl:verify";

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
    /// A role to ask STS for with a test token
    #[arg(long, value_name = "ARN")]
    role_arn: Option<String>,
    /// The service account that the role trusts, as NAMESPACE/NAME [default: nobody that it would]
    #[arg(long, value_name = "SUBJECT", requires = "role_arn")]
    subject: Option<Subject>,
    /// The audience of the test token
    #[arg(long, default_value = "sts.amazonaws.com", value_name = "AUDIENCE")]
    audience: String,
}

#[derive(Serialize)]
struct VerifyAnswer {
    issuer: Issuer,
    passed: bool,
    checks: Report,
}

impl Answer for VerifyAnswer {
    fn text(&self) -> String {
        let verdict = match self.passed {
            true => "every check passed that was made",
            false => "AWS does not accept this issuer's tokens as it is",
        };
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
        let custom = self
            .issuer
            .issuer
            .as_deref()
            .map(config::parse_issuer)
            .transpose()?;
        let region = resolve::region(global).await?;
        if custom.is_none() {
            names.check(&region)?;
        }
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

        let local = KeyPair::load_public(&global.dir).ok();
        let local = local.and_then(|key| key.kid().ok());
        let mut checks = discovery::check(&target.issuer, &discovery_page);
        checks.extend(jwks::check(&jwks_page, local.as_ref()));
        checks.extend(tls_checks(&host, &chain)?);
        if target.place.is_some() {
            let listing = fetch(&format!("https://{}/?list-type=2", target.issuer.host())).await;
            checks.push(page::private("bucket listing", &listing));
        }
        checks.extend(
            self.aws_checks(session, &target, &region, &chain, &discovery_page)
                .await?,
        );
        checks.push(self.proof(global, stop, &target.issuer, &region).await?);

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

    /// What only the account's owner sees: what 'bootstrap' would change, and a bucket that is gone.
    async fn aws_checks(
        &self,
        session: Result<Session<'_>>,
        target: &Target,
        region: &str,
        chain: &Result<Chain>,
        discovery_page: &Page,
    ) -> Result<Vec<Check>> {
        const NAME: &str = "AWS resources";
        let issuer = target.issuer.as_str();
        let skipped = |error: Error| {
            Check::skipped(
                NAME,
                issuer,
                format!("{}: {}", error.what(), error.causes().join(": ")),
            )
        };
        let session = match session {
            Ok(session) => session,
            Err(error) if error.exit() == Exit::Refused => return Err(error),
            Err(error) => return Ok(vec![skipped(error)]),
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
        match session.plan(&desired).await {
            Ok(Planned { plan, observed }) => {
                let mut checks = plan::differences(issuer, &plan);
                checks.extend(plan::encryption(&observed));
                checks.extend(plan::dangling(&arn, &observed, discovery_page));
                Ok(checks)
            }
            Err(error) if error.exit() == Exit::Permission => Ok(vec![skipped(error)]),
            Err(error) if error.exit() == Exit::Refused => {
                let actual = format!("{}: {}", error.what(), error.causes().join(": "));
                let check = Check::new(
                    NAME,
                    issuer,
                    false,
                    "resources of ours, as bootstrap makes them",
                    actual,
                );
                Ok(vec![
                    check.hint(
                        error
                            .hint_text()
                            .unwrap_or("'irsactl bootstrap --dry-run' shows more"),
                    ),
                ])
            }
            Err(error) => Err(error),
        }
    }

    /// Asks STS itself; what is only propagation is waited for, a little.
    async fn proof(
        &self,
        global: &Global,
        stop: &Stop,
        issuer: &Issuer,
        region: &str,
    ) -> Result<Check> {
        let Some(role_arn) = &self.role_arn else {
            return Ok(
                Check::skipped("proof", issuer.as_str(), "STS was not asked")
                    .hint("name a role of the account with --role-arn"),
            );
        };
        let subject = match &self.subject {
            Some(subject) => subject.clone(),
            None => NOBODY
                .parse()
                .map_err(|e| Error::failed("cannot make a test token").because(e))?,
        };
        let key = key_pair::signing_key(&global.dir)?;
        let now = token_command::now()?;
        let claims = Claims::between(issuer, &subject, &self.audience, now, now + 600);
        let token = token::mint(&key, &claims)
            .map_err(|e| Error::failed("cannot sign a test token").because(e))?;
        let aws = connect::connect(region, global.profile.as_deref()).await;
        let mut patience = Patience::until(stop.deadline());
        loop {
            let exchange = match assume_role_with_web_identity(&aws, role_arn, &token).await? {
                Assumed::Role(arn) => Exchange::Assumed(arn),
                Assumed::Refused(code, message) => Exchange::Refused { code, message },
            };
            if proof::may_settle(&exchange) && patience.wait().await {
                output::say("STS does not know the issuer yet: trying again");
                continue;
            }
            return Ok(proof::exchange(
                role_arn,
                &subject.to_string(),
                self.subject.is_some(),
                &exchange,
            ));
        }
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
