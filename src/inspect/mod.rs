//! An issuer as it is found: what anybody sees of it, what its owner does, and what the checks say of both.

pub(crate) mod account;
pub(crate) mod cluster;
pub(crate) mod own_keys;
pub(crate) mod proof;
pub(crate) mod public;
pub(crate) mod target;
pub(crate) mod trusted;

use std::path::Path;

use crate::aws::partition;
use crate::config::key_store::KeyStoreOptions;
use crate::config::names::IssuerNames;
use crate::config::parse::Origin;
use crate::config::provider::ProviderOptions;
use crate::config::{Global, resolve};
use crate::converge::session::Session;
use crate::converge::stop::Stop;
use crate::error::{Error, Result};
use crate::iam::arn::{self, AccountId};
use crate::inspect::account::Findings;
use crate::inspect::cluster::ClusterOptions;
use crate::inspect::proof::ProofOptions;
use crate::inspect::public::Public;
use crate::inspect::target::Target;
use crate::keys;
use crate::keys::pair::KeyPair;
use crate::keys::store::Store;
use crate::oidc::jwks::JwkSet;
use crate::oidc::key::Kid;
use crate::output::Step;
use crate::plan::tags::owner_tags;
use crate::verify::jwks;
use crate::verify::proof::Seen;
use crate::verify::report::{Check, Report};
use crate::verify::roles::Role;

/// What is asked of an issuer.
pub(crate) struct Question<'a> {
    pub(crate) issuer: &'a IssuerNames,
    pub(crate) key_store: &'a KeyStoreOptions,
    pub(crate) proof: &'a ProofOptions,
    pub(crate) cluster: &'a ClusterOptions,
    /// Checks of something else, which come before the proof.
    pub(crate) extra_checks: Vec<Check>,
}

/// An issuer as it was found.
pub(crate) struct Inspection {
    pub(crate) target: Target,
    pub(crate) region: String,
    pub(crate) account: Option<AccountId>,
    pub(crate) public: Public,
    pub(crate) owner: Findings,
    pub(crate) checks: Report,
}

impl Inspection {
    /// The issuer's provider in the account that was looked at, be it there or not.
    pub(crate) fn provider_arn(&self) -> Result<Option<String>> {
        let Some(account) = &self.account else {
            return Ok(None);
        };
        let partition = partition::of_region(&self.region)?;
        let host_path = self.target.issuer.host_path();
        Ok(Some(arn::provider(&partition, account, host_path)))
    }

    /// What trusts what, as far as it is there.
    pub(crate) fn links(&self, cluster: Option<&str>) -> Result<Vec<(&'static str, String)>> {
        let cluster = cluster.map(|cluster| ("cluster", cluster.to_owned()));
        let mut links: Vec<_> = cluster.into_iter().collect();
        links.push(("issuer", self.target.issuer.to_string()));
        if let Some(place) = &self.target.place {
            links.push(("S3", format!("s3://{}", place.bucket)));
        }
        let observed = self.owner.planned.as_ref().map(|planned| &planned.observed);
        let has_provider = observed.is_some_and(|observed| observed.provider.is_some());
        let arn = self.provider_arn()?.filter(|_| has_provider);
        links.extend(arn.map(|arn| ("provider", arn)));
        let roles = self.owner.roles.iter().flatten();
        let names: Vec<&str> = roles.map(Role::name).collect();
        if !names.is_empty() {
            links.push(("roles", names.join(", ")));
        }
        Ok(links)
    }
}

impl Question<'_> {
    /// Looks at everything, and changes nothing.
    pub(crate) async fn look(self, global: &Global, stop: &Stop) -> Result<Inspection> {
        let names = &self.issuer.names;
        let region = resolve::region(global).await?;
        let session = Session::open(global, stop, &region, names.account_id.as_ref(), false).await;
        let account = session.as_ref().ok().map(|session| session.account.clone());
        let account = account.or(names.account_id.clone());
        let custom = self.issuer.custom(&region)?;
        let session = match session {
            // Without an account a cluster's bucket has no name, and the session says why.
            Err(error) if custom.is_none() && account.is_none() && names.bucket.is_none() => {
                return Err(error);
            }
            session => session,
        };
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
        let options = ProviderOptions::of_file(global);
        let file = global.layers.file.as_ref();
        let mut tags = file.map(|file| file.spec.tags.clone()).unwrap_or_default();
        tags.extend(owner_tags(names.cluster.as_deref()));
        let step = Step::start("looking at the issuer");
        let cluster = names.cluster.as_deref();
        let (public, owner, store) = tokio::join!(
            Public::look(&target),
            account::look(session, &target, &options, tags, &region),
            keys::connect(global, self.key_store, cluster, false)
        );
        let published = public.jwks.body().and_then(|body| JwkSet::parse(body).ok());
        let store = store.and_then(|store| match store {
            Some(store) if store.is_strange_to(published.as_ref()) => Err(store.strangers()),
            store => Ok(store),
        });
        let local = match &store {
            Ok(store) => local_kid(&global.dir, store.as_ref()),
            Err(error) => Err(error.in_short()),
        };
        let kid = local.as_ref().map(Option::as_ref).map_err(String::as_str);
        let mut checks = public.checks(kid, &target.issuer)?;
        let mut owner = match owner? {
            Ok(seen) => seen.judge(&target, &region, &public).await?,
            Err(unknown) => unknown,
        };
        checks.append(&mut owner.checks);
        // What follows may ask something itself: kubectl's credential plugins do.
        drop(step);
        let unreadable = store.as_ref().err().map(Error::in_short);
        let store = store.ok().flatten();
        let live = self.cluster.jwks().await;
        if let Some(published) = &published {
            let current = local.as_ref().ok().and_then(Option::as_ref);
            let live = live.as_ref();
            let own = own_keys::kids(&global.dir, store.as_ref(), current, live);
            let own = unreadable.as_deref().map_or(Ok(&own), Err);
            checks.push(jwks::unknown(&public.jwks.url, published, own));
        }
        let audiences = self.audiences(global);
        let cluster = self.cluster.checks(
            &target.issuer,
            published.as_ref(),
            live.as_ref(),
            &audiences,
        );
        checks.extend(cluster.await?);
        checks.extend(self.extra_checks);
        let key = local.ok().flatten().zip(published.as_ref());
        let seen = Seen {
            provider: owner.provider_exists(),
            key: key.is_some_and(|(local, set)| set.kids().any(|kid| *kid == local)),
        };
        let _step = Step::start("asking STS");
        let proof = self
            .proof
            .check(global, stop, &target.issuer, &region, store.as_ref(), seen);
        checks.push(proof.await);
        Ok(Inspection {
            target,
            region,
            account,
            public,
            owner,
            checks: Report(checks),
        })
    }

    /// The audiences that a pod's token may have: the one that was given, or all of the cluster file.
    fn audiences(&self, global: &Global) -> Vec<String> {
        let listed = global.layers.file.as_ref().map(|file| &file.spec.audiences);
        match listed {
            Some(listed)
                if !listed.is_empty() && global.layers.origin("audience") != Origin::Flag =>
            {
                listed.clone()
            }
            _ => vec![self.proof.audience().to_owned()],
        }
    }
}

/// The kid of our own key, if there is one, or why it cannot be told.
type LocalKid = std::result::Result<Option<Kid>, String>;

/// The kid of the key in the issuer directory or in the store; none when there is no key, and why it cannot
/// be used.
fn local_kid(dir: &Path, store: Option<&Store>) -> LocalKid {
    let is_stored = store.and_then(Store::current).is_some();
    if !is_stored && !KeyPair::is_there(dir).map_err(|error| error.in_short())? {
        return Ok(None);
    }
    let kid = keys::public(dir, store).map(|key| key.kid());
    match kid {
        Ok(Ok(kid)) => Ok(Some(kid)),
        Ok(Err(cause)) => Err(cause.to_string()),
        Err(error) => Err(error.in_short()),
    }
}
