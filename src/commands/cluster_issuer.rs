//! All that a cluster's issuer is made of: what `bootstrap` brings up, and `emit` writes down.

use crate::config::Names;
use crate::error::Result;
use crate::oidc::jwks::JwkSet;
use crate::output::Step;
use crate::plan::desired::{Desired, ThumbprintChoice};

use super::change_options::ChangeOptions;
use super::converge::{Planned, Session};
use super::provider::ProviderOptions;
use super::publish::{self, KeyOptions};
use super::role::WantedRole;

/// An issuer as the command line and the cluster file ask for it.
pub(super) struct ClusterIssuer<'a> {
    pub(super) names: &'a Names,
    pub(super) keys: JwkSet,
    pub(super) key: &'a KeyOptions,
    pub(super) provider: &'a ProviderOptions,
    pub(super) roles: &'a [WantedRole],
    pub(super) change: &'a ChangeOptions,
}

impl ClusterIssuer<'_> {
    /// Every name, ARN and byte of it, but for the thumbprint, which [`plan`] looks for.
    pub(super) fn desired(self, session: &Session<'_>, region: &str) -> Result<Desired> {
        let place = self.names.place(region, Some(&session.account))?;
        let issuer = place.issuer.clone();
        let thumbprint = ThumbprintChoice::Iam;
        let tags = self.change.tags(self.names.cluster.as_deref());
        let provider = self
            .provider
            .desired(&issuer, session, region, thumbprint, tags.clone())?;
        let roles = self
            .roles
            .iter()
            .map(|role| role.role(&issuer, &session.account, region, tags.clone()));
        let roles = roles.collect::<Result<_>>()?;
        let publication = publish::publication(&place, session, self.keys, self.key, tags);
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

/// The plan. It needs the thumbprint, which reading what is there does not.
pub(super) async fn plan(
    desired: &mut Desired,
    provider: &ProviderOptions,
    session: &Session<'_>,
    offline: bool,
) -> Result<Planned> {
    let _step = Step::start("reading what is there");
    let (thumbprint, observed) = tokio::join!(
        provider.thumbprint(desired.issuer.host(), offline),
        session.observe(desired)
    );
    desired.set_thumbprint(thumbprint?);
    Planned::new(desired, observed?)
}
