//! All that a cluster's issuer is made of: what `bootstrap` brings up, and `emit` writes down.

use clap::Args;

use crate::config::adopt::AdoptOptions;
use crate::config::change::ChangeOptions;
use crate::config::key_store::KeyStoreOptions;
use crate::config::names::Names;
use crate::config::provider::ProviderOptions;
use crate::config::publication::{self, KeyOptions};
use crate::config::role::WantedRole;
use crate::error::Result;
use crate::iam::arn::AccountId;
use crate::oidc::jwks::JwkSet;
use crate::plan::desired::{Desired, Provider, ThumbprintChoice};

/// The options that make one.
#[derive(Args, Debug)]
pub(crate) struct IssuerOptions {
    #[command(flatten)]
    pub(crate) names: Names,
    #[command(flatten)]
    pub(crate) key_store: KeyStoreOptions,
    #[command(flatten)]
    pub(crate) provider: ProviderOptions,
    #[command(flatten)]
    pub(crate) adopt: AdoptOptions,
    #[command(flatten)]
    pub(crate) key: KeyOptions,
}

/// An issuer as the command line and the cluster file ask for it.
pub(crate) struct ClusterIssuer<'a> {
    pub(crate) options: &'a IssuerOptions,
    pub(crate) keys: JwkSet,
    pub(crate) roles: &'a [WantedRole],
    pub(crate) change: &'a ChangeOptions,
}

impl ClusterIssuer<'_> {
    /// Every name, ARN and byte of it, but for the thumbprint.
    pub(crate) fn desired(self, account: &AccountId, region: &str) -> Result<Desired> {
        let place = self.options.names.place(region, Some(account))?;
        let issuer = place.issuer.clone();
        let thumbprint = ThumbprintChoice::Iam;
        let tags = self.change.tags(self.options.names.cluster.as_deref());
        let provider = Provider {
            buckets: vec![place.bucket.clone()],
            ..self
                .options
                .provider
                .desired(&issuer, account, region, thumbprint, tags.clone())?
        };
        let roles = self
            .roles
            .iter()
            .map(|role| role.role(&issuer, account, region, tags.clone()));
        let roles = roles.collect::<Result<_>>()?;
        let publication =
            publication::publication(&place, account, self.keys, &self.options.key, tags);
        Ok(Desired {
            publication: Some(publication),
            provider: Some(provider),
            roles,
            adopt: self.change.adopt,
            ..Desired::of(issuer)
        })
    }
}
