//! The proof of `verify`: STS itself is asked to take a token of the issuer.

use std::time::Duration;

use clap::Args;
use tokio::time::Instant;

use crate::aws::assume::{Assumed, assume_role_with_web_identity};
use crate::aws::patience::Patience;
use crate::config::{Global, resolve};
use crate::converge::stop::Stop;
use crate::error::{Error, Result};
use crate::iam::arn::role_arn;
use crate::keys::store::Store;
use crate::oidc::issuer::Issuer;
use crate::oidc::subject::Subject;
use crate::oidc::token::{self, Claims};
use crate::system::clock::now;
use crate::verify::proof::{self, Exchange, Seen};
use crate::verify::report::Check;
use crate::{keys, output};

/// How long a role or a provider that was just made may be unknown to STS (7 to 12 seconds were seen).
const SETTLES: Duration = Duration::from_secs(30);

/// Who asks when the user names nobody: no role should trust it.
const NOBODY: &str = "system:serviceaccount:irsactl:verify";

/// Whom to ask STS for.
#[derive(Args, Debug)]
pub(crate) struct ProofOptions {
    /// A role to ask STS for with a test token
    #[arg(long, value_name = "ARN", value_parser = role_arn)]
    role_arn: Option<String>,
    /// The service account to test, as NAMESPACE/NAME [default: one that no role should trust]
    #[arg(long, value_name = "SUBJECT", requires = "role_arn")]
    subject: Option<Subject>,
    /// The audience of the tokens
    #[arg(long, default_value = "sts.amazonaws.com", value_name = "AUDIENCE")]
    audience: String,
}

impl ProofOptions {
    /// Whether STS is to be asked.
    pub(crate) fn is_asked_for(&self) -> bool {
        self.role_arn.is_some()
    }

    /// The audience of the test token, and of the tokens that AWS is to accept.
    pub(crate) fn audience(&self) -> &str {
        &self.audience
    }

    /// The check. What keeps STS from being asked does not keep the other checks from being shown, but a
    /// question that was asked must not go unanswered.
    pub(crate) async fn check(
        &self,
        global: &Global,
        stop: &Stop,
        issuer: &Issuer,
        region: &str,
        store: Option<&Store>,
        seen: Seen,
    ) -> Check {
        let asked = self.ask(global, stop, issuer, region, store, seen).await;
        asked.unwrap_or_else(|error| {
            let place = self.role_arn.as_deref().unwrap_or_default();
            let expected = "STS takes a token of the issuer";
            let actual = format!("STS was not asked: {}", error.in_short());
            let check = Check::new("proof", place, false, expected, actual);
            match error.hint_text() {
                Some(hint) => check.hint(hint),
                None => check,
            }
        })
    }

    /// Asks STS itself; what is only propagation is waited for, a little.
    async fn ask(
        &self,
        global: &Global,
        stop: &Stop,
        issuer: &Issuer,
        region: &str,
        store: Option<&Store>,
        seen: Seen,
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
        let key = keys::signing_key(&global.dir, store)?;
        let now = now()?;
        let claims = Claims::between(issuer, &subject, &self.audience, now, now + 600);
        let token = token::mint(&key, &claims)
            .map_err(|e| Error::failed("cannot sign a test token").because(e))?;
        let aws = resolve::aws(global, region).await?;
        let trusted = self.subject.is_some();
        let until = stop.deadline().min(Instant::now() + SETTLES);
        let mut patience = Patience::until(until);
        loop {
            let exchange = match assume_role_with_web_identity(&aws, role_arn, &token).await? {
                Assumed::Role(arn) => Exchange::Assumed(arn),
                Assumed::Refused(code, message) => Exchange::Refused { code, message },
            };
            if proof::may_settle(&exchange, trusted, seen) && patience.wait().await {
                let left = until.saturating_duration_since(Instant::now()).as_secs();
                output::say(format_args!(
                    "STS does not take it yet: trying again for {left} s"
                ));
                continue;
            }
            return Ok(proof::exchange(
                role_arn,
                &subject.to_string(),
                trusted,
                &exchange,
            ));
        }
    }
}
