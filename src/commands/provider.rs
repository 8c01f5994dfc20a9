//! `provider`: the IAM OpenID Connect provider, alone.

use clap::Args;
use serde::Serialize;

use crate::aws::partition;
use crate::config::{self, Global, IssuerNames};
use crate::error::{Error, Exit, Result};
use crate::iam::arn;
use crate::iam::thumbprint::Thumbprint;
use crate::oidc::issuer::Issuer;
use crate::output::{self, Answer};
use crate::plan::desired::{Audiences, Desired, Provider, Tags, ThumbprintChoice};
use crate::probe::chain;

use super::change_options::ChangeOptions;
use super::converge::Session;
use super::deadline::Deadline;
use super::dry_run;

/// Options of `provider`.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  irsactl provider --cluster demo --region us-west-2 --dry-run
  irsactl provider --issuer https://oidc.example.com --region us-west-2 --yes")]
pub struct ProviderArgs {
    #[command(flatten)]
    issuer: IssuerNames,
    #[command(flatten)]
    provider: ProviderOptions,
    #[command(flatten)]
    change: ChangeOptions,
}

/// What the provider is to be like.
#[derive(Args, Clone, Debug)]
pub struct ProviderOptions {
    /// An audience; the list is then exactly what is given [default: sts.amazonaws.com, others kept]
    #[arg(long, value_name = "AUDIENCE", value_parser = audience)]
    audience: Vec<String>,
    /// The thumbprint; the list is then exactly this one [default: read from the issuer's TLS chain]
    #[arg(long, value_name = "SHA1", conflicts_with = "no_thumbprint")]
    thumbprint: Option<Thumbprint>,
    /// Leave the thumbprint to IAM, which reads the chain itself
    #[arg(long)]
    no_thumbprint: bool,
}

#[derive(Serialize)]
struct ProviderAnswer {
    issuer: Issuer,
    provider_arn: String,
    thumbprints: Vec<String>,
    changes: usize,
}

impl Answer for ProviderAnswer {
    fn text(&self) -> String {
        format!("{}\n", self.provider_arn)
    }
}

impl ProviderOptions {
    /// The thumbprint: given, left to IAM, or read from the chain of the host that serves the JWK
    /// Set, as IAM's documentation has it. Without a network it is left to IAM.
    pub(super) async fn thumbprint(
        &self,
        issuer: &Issuer,
        offline: bool,
    ) -> Result<ThumbprintChoice> {
        if let Some(thumbprint) = &self.thumbprint {
            return Ok(ThumbprintChoice::Given(thumbprint.clone()));
        }
        if self.no_thumbprint {
            return Ok(ThumbprintChoice::Iam);
        }
        if offline {
            output::say(
                "note: offline, so the thumbprint is left to IAM in this plan; give --thumbprint to fix it",
            );
            return Ok(ThumbprintChoice::Iam);
        }
        let chain = chain::fetch(issuer.host(), 443).await.map_err(|error| {
            error.hint(
                "give the thumbprint with --thumbprint, or leave it to IAM with --no-thumbprint",
            )
        })?;
        Ok(ThumbprintChoice::Observed(
            chain.last(issuer.host())?.sha1.clone(),
        ))
    }

    /// The provider that is wanted.
    pub(super) fn desired(
        &self,
        issuer: &Issuer,
        session: &Session<'_>,
        region: &str,
        thumbprint: ThumbprintChoice,
        tags: Tags,
    ) -> Result<Provider> {
        let partition = partition::of_region(region)?;
        let mut audiences = self.audience.clone();
        audiences.dedup();
        if audiences.len() > 100 {
            return Err(Error::usage("IAM takes at most 100 audiences"));
        }
        Ok(Provider {
            arn: arn::provider(&partition, &session.account, issuer.host_path()),
            url: issuer.clone(),
            audiences: match audiences.is_empty() {
                true => Audiences::AtLeast("sts.amazonaws.com".to_owned()),
                false => Audiences::Exactly(audiences),
            },
            thumbprint,
            tags,
        })
    }
}

impl ProviderArgs {
    pub(super) async fn run(self, global: &Global, deadline: &Deadline) -> Result<Exit> {
        let region = global.region().await?;
        let names = &self.issuer.names;
        let change = &self.change;
        let session = Session::open(
            global,
            deadline,
            &region,
            names.account_id.as_ref(),
            change.offline,
        )
        .await?;
        let issuer = match &self.issuer.issuer {
            Some(url) => config::parse_issuer(url)?,
            None => names.place(&region, Some(&session.account))?.issuer,
        };
        let thumbprint = self.provider.thumbprint(&issuer, change.offline).await?;
        let tags = change.tags(names.cluster.as_deref());
        let provider = self
            .provider
            .desired(&issuer, &session, &region, thumbprint, tags)?;
        let provider_arn = provider.arn.clone();
        let desired = Desired {
            issuer: issuer.clone(),
            publication: None,
            provider: Some(provider),
            adopt: change.adopt,
        };
        let planned = session.plan(&desired).await?;
        if change.dry_run {
            return dry_run::run(global, &session, &desired, &planned, change, None);
        }
        let outcome = session.carry_out(&desired, planned, change).await?;
        let answer = ProviderAnswer {
            issuer,
            provider_arn,
            thumbprints: outcome.thumbprints(),
            changes: outcome.changes,
        };
        output::print(&answer, global.output)?;
        Ok(Exit::Done)
    }
}

fn audience(text: &str) -> std::result::Result<String, String> {
    // An invisible character in a client ID makes every token "incorrect audience".
    match (1..=255).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_graphic()) {
        true => Ok(text.to_owned()),
        false => Err("an audience has 1 to 255 visible ASCII characters".to_owned()),
    }
}
