//! All that a cluster's issuer is made of: what `bootstrap` brings up, and `emit` writes down.

use clap::Args;

use crate::commands::adopt::AdoptOptions;
use crate::commands::change_options::ChangeOptions;
use crate::commands::converge::{Planned, Session};
use crate::commands::provider::ProviderOptions;
use crate::commands::publish::{self, KeyOptions};
use crate::commands::read_back;
use crate::commands::role::wanted::WantedRole;
use crate::config::{KeyStoreOptions, Names};
use crate::error::Result;
use crate::oidc::jwks::JwkSet;
use crate::output::Step;
use crate::plan::desired::{Desired, Provider, ThumbprintChoice};
use crate::plan::observed::Shown;

/// The options that make one.
#[derive(Args, Debug)]
pub(super) struct IssuerOptions {
    #[command(flatten)]
    pub(super) names: Names,
    #[command(flatten)]
    pub(super) key_store: KeyStoreOptions,
    #[command(flatten)]
    pub(super) provider: ProviderOptions,
    #[command(flatten)]
    pub(super) adopt: AdoptOptions,
    #[command(flatten)]
    pub(super) key: KeyOptions,
}

/// An issuer as the command line and the cluster file ask for it.
pub(super) struct ClusterIssuer<'a> {
    pub(super) options: &'a IssuerOptions,
    pub(super) keys: JwkSet,
    pub(super) roles: &'a [WantedRole],
    pub(super) change: &'a ChangeOptions,
}

impl ClusterIssuer<'_> {
    /// What is there, and what has to change.
    pub(super) async fn plan(
        self,
        session: &Session<'_>,
        region: &str,
    ) -> Result<(Desired, Planned)> {
        let (provider, change) = (&self.options.provider, self.change);
        let mut desired = self.desired(session, region)?;
        let _step = Step::start("reading what is there");
        let shown = async {
            Ok(match change.dry_run || session.is_elsewhere() {
                true => Shown::default(),
                false => read_back::glance(&desired.issuer).await,
            })
        };
        // The plan needs the thumbprint, reading what is there does not.
        let read = async {
            let (thumbprint, observed) = tokio::join!(
                provider.thumbprint(desired.issuer.host(), change.offline),
                session.observe(&desired)
            );
            Ok((thumbprint?, observed?))
        };
        let ((thumbprint, mut observed), shown) = tokio::try_join!(read, shown)?;
        observed.shown = shown;
        desired.set_thumbprint(thumbprint);
        let planned = Planned::new(&desired, observed)?;
        Ok((desired, planned))
    }

    /// Every name, ARN and byte of it, but for the thumbprint.
    fn desired(self, session: &Session<'_>, region: &str) -> Result<Desired> {
        let place = self.options.names.place(region, Some(&session.account))?;
        let issuer = place.issuer.clone();
        let thumbprint = ThumbprintChoice::Iam;
        let tags = self.change.tags(self.options.names.cluster.as_deref());
        let provider = Provider {
            buckets: vec![place.bucket.clone()],
            ..self
                .options
                .provider
                .desired(&issuer, session, region, thumbprint, tags.clone())?
        };
        let roles = self
            .roles
            .iter()
            .map(|role| role.role(&issuer, &session.account, region, tags.clone()));
        let roles = roles.collect::<Result<_>>()?;
        let publication = publish::publication(&place, session, self.keys, &self.options.key, tags);
        Ok(Desired {
            issuer,
            publication: Some(publication),
            provider: Some(provider),
            roles,
            key_set: None,
            teardown: None,
            adopt: self.change.adopt,
        })
    }
}
