//! `provider`: the IAM OpenID Connect provider, alone.

use clap::Args;
use schemars::JsonSchema;
use serde::Serialize;

use crate::aws::partition;
use crate::commands::change_options::ChangeOptions;
use crate::commands::converge::Session;
use crate::commands::stop::Stop;
use crate::commands::trusted::Trusted;
use crate::commands::{dry_run, resolve};
use crate::config::{Global, IssuerNames};
use crate::error::{Error, Exit, Result};
use crate::iam::arn::{self, AccountId};
use crate::iam::thumbprint::Thumbprint;
use crate::oidc::issuer::Issuer;
use crate::output::{self, Answer, Step};
use crate::plan::desired::{Audiences, Desired, Provider, ThumbprintChoice};
use crate::plan::diff::Plan;
use crate::plan::tags::Tags;
use crate::probe::chain;

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

/// What the provider is to be like.
#[derive(Args, Clone, Debug, Default)]
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

impl ProviderOptions {
    /// What the cluster file says, for commands that only look.
    pub(crate) fn of_file(global: &Global) -> Self {
        let file = global.layers.file.as_ref();
        Self {
            audience: file
                .map(|file| file.spec.audiences.clone())
                .unwrap_or_default(),
            ..Self::default()
        }
    }

    /// The thumbprint: given, left to IAM, or read from the chain of `host`, which serves the JWK Set
    /// ("Obtain the thumbprint for an OpenID Connect identity provider", IAM User Guide). Without a
    /// network it is left to IAM.
    pub(crate) async fn thumbprint(&self, host: &str, offline: bool) -> Result<ThumbprintChoice> {
        if let Some(thumbprint) = &self.thumbprint {
            return Ok(ThumbprintChoice::Given(thumbprint.clone()));
        }
        if self.no_thumbprint || offline {
            return Ok(ThumbprintChoice::Iam);
        }
        let _step = Step::start(&format!("reading the TLS chain of {host}"));
        let chain = chain::fetch(host, 443).await.map_err(|error| {
            error.hint(
                "give the thumbprint with --thumbprint, or leave it to IAM with --no-thumbprint",
            )
        })?;
        Ok(ThumbprintChoice::Observed(chain.last(host)?.sha1.clone()))
    }

    /// A reviewer must know that an online plan can differ in the thumbprint.
    pub(crate) fn note_offline(&self, offline: bool, plan: &mut Plan) {
        if offline && self.needs_network() {
            plan.notes.push(
                "offline, so the thumbprint is left to IAM in this plan; a run online reads it from the issuer's TLS chain; fix it with --thumbprint".to_owned(),
            );
        }
    }

    /// Whether the choice can only be made online.
    fn needs_network(&self) -> bool {
        self.thumbprint.is_none() && !self.no_thumbprint
    }

    /// The provider that is wanted.
    pub(crate) fn desired(
        &self,
        issuer: &Issuer,
        account: &AccountId,
        region: &str,
        thumbprint: ThumbprintChoice,
        tags: Tags,
    ) -> Result<Provider> {
        let partition = partition::of_region(region)?;
        let mut audiences: Vec<String> = Vec::new();
        for audience in &self.audience {
            if !audiences.contains(audience) {
                audiences.push(audience.clone());
            }
        }
        if audiences.len() > 100 {
            return Err(Error::usage("IAM takes at most 100 audiences"));
        }
        Ok(Provider {
            arn: arn::provider(&partition, account, issuer.host_path()),
            url: issuer.clone(),
            audiences: match audiences.is_empty() {
                true => Audiences::AtLeast("sts.amazonaws.com".to_owned()),
                false => Audiences::Exactly(audiences),
            },
            thumbprint,
            tags,
            account: account.clone(),
            buckets: Vec::new(),
        })
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
            issuer: issuer.clone(),
            publication: None,
            provider: Some(provider),
            roles: Vec::new(),
            key_set: None,
            teardown: None,
            adopt: change.adopt,
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

pub(crate) fn audience(text: &str) -> std::result::Result<String, String> {
    // An invisible character in a client ID makes every token "incorrect audience".
    let is_visible = text.bytes().all(|b| b.is_ascii_graphic());
    // CI runners obey what begins with it (`##vso[`, `##teamcity[`), and audiences are printed.
    match (1..=255).contains(&text.len()) && is_visible && !text.contains("##") {
        true => Ok(text.to_owned()),
        false => Err("an audience has 1 to 255 visible ASCII characters, and no ##".to_owned()),
    }
}
