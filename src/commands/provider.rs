//! `provider`: the IAM OpenID Connect provider, alone.

use clap::Args;
use schemars::JsonSchema;
use serde::Serialize;

use crate::config::change::ChangeOptions;
use crate::config::names::IssuerNames;
use crate::config::provider::ProviderOptions;
use crate::config::{Global, resolve};
use crate::converge::dry_run;
use crate::converge::session::Session;
use crate::converge::stop::Stop;
use crate::error::{Exit, Result};
use crate::inspect::trusted::Trusted;
use crate::oidc::issuer::Issuer;
use crate::output::{self, Answer};
use crate::plan::desired::{Desired, Provider};

/// Options of `provider`.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  irsactl provider --cluster demo --region us-west-2 --dry-run
  irsactl provider --issuer https://oidc.example.com --region us-west-2 --dry-run --offline \\
    --account-id 111122223333

Reads both documents of the issuer first: AWS is to trust no issuer that is not there, none that says another \
name, and no bucket that is not this account's.")]
pub struct ProviderArgs {
    #[command(flatten)]
    issuer: IssuerNames,
    #[command(flatten)]
    provider: ProviderOptions,
    #[command(flatten)]
    change: ChangeOptions,
}

#[derive(Serialize, JsonSchema)]
pub(crate) struct ProviderAnswer {
    issuer: Issuer,
    provider_arn: String,
    thumbprints: Vec<String>,
    changes: usize,
}

impl Answer for ProviderAnswer {
    fn is_for_ci(&self) -> bool {
        true
    }

    fn text(&self) -> String {
        format!("{}\n", self.provider_arn)
    }
}

impl ProviderArgs {
    pub(crate) async fn run(self, global: &Global, stop: &Stop) -> Result<Exit> {
        let change = &self.change;
        change.check()?;
        let region = resolve::region(global).await?;
        let names = &self.issuer.names;
        let custom = self.issuer.custom(&region)?;
        let account = names.account_id.as_ref();
        let session = Session::open(global, stop, &region, account, change.offline).await?;
        let issuer = match custom {
            Some(issuer) => issuer,
            None => names.place(&region, Some(&session.account))?.issuer,
        };
        let trusted = Trusted::look(&session, &issuer, &region).await?;
        let thumbprint = self
            .provider
            .thumbprint(&trusted.host, change.offline)
            .await?;
        let tags = change.tags(names.cluster.as_deref());
        let provider = Provider {
            buckets: trusted.buckets,
            ..self
                .provider
                .desired(&issuer, &session.account, &region, thumbprint, tags)?
        };
        let provider_arn = provider.arn.clone();
        let desired = Desired {
            provider: Some(provider),
            adopt: change.adopt,
            ..Desired::of(issuer.clone())
        };
        let mut planned = session.plan(&desired).await?;
        self.provider
            .note_offline(change.offline, &mut planned.plan);
        if change.dry_run {
            return dry_run::run(global, &session, &desired, &planned, change, None);
        }
        let outcome = session
            .carry_out(&desired, planned, change, async || Ok(0))
            .await?;
        let answer = ProviderAnswer {
            issuer,
            provider_arn,
            thumbprints: outcome.thumbprints(),
            changes: outcome.changes,
        };
        outcome.then(output::print(&answer, global.output))?;
        Ok(Exit::Done)
    }
}
