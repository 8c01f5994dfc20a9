//! What an OpenID Connect provider is to be like.

use clap::Args;

use crate::aws::partition;
use crate::config::Global;
use crate::error::{Error, Result};
use crate::iam::arn::{self, AccountId};
use crate::iam::thumbprint::Thumbprint;
use crate::oidc::issuer::Issuer;
use crate::output::Step;
use crate::plan::desired::{Audiences, Provider, ThumbprintChoice};
use crate::plan::diff::plan::Plan;
use crate::plan::tags::Tags;
use crate::probe::chain;

/// What the provider is to be like.
#[derive(Args, Clone, Debug, Default)]
pub(crate) struct ProviderOptions {
    /// An audience to accept; repeatable. Replaces the existing list [default: add sts.amazonaws.com, keep the others]
    #[arg(long, value_name = "AUDIENCE", value_parser = audience)]
    audience: Vec<String>,
    /// The thumbprint; the list is then exactly this one [default: read from the issuer's TLS chain]
    #[arg(long, value_name = "SHA1", conflicts_with = "no_thumbprint")]
    thumbprint: Option<Thumbprint>,
    /// Leave the thumbprint to IAM, which reads the chain itself
    #[arg(long)]
    no_thumbprint: bool,
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
            audiences: if audiences.is_empty() {
                Audiences::AtLeast("sts.amazonaws.com".to_owned())
            } else {
                Audiences::Exactly(audiences)
            },
            thumbprint,
            tags,
            account: account.clone(),
            buckets: Vec::new(),
        })
    }
}

pub(crate) fn audience(text: &str) -> std::result::Result<String, String> {
    // An invisible character in a client ID makes every token "incorrect audience".
    let is_visible = text.bytes().all(|b| b.is_ascii_graphic());
    // CI runners obey what begins with it (`##vso[`, `##teamcity[`), and audiences are printed.
    if (1..=255).contains(&text.len()) && is_visible && !text.contains("##") {
        Ok(text.to_owned())
    } else {
        Err("an audience has 1 to 255 visible ASCII characters, and no ##".to_owned())
    }
}
