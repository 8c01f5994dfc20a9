//! `publish`: the bucket and the two documents, alone.

use clap::Args;
use schemars::JsonSchema;
use serde::Serialize;

use crate::config::adopt::AdoptOptions;
use crate::config::change::ChangeOptions;
use crate::config::key_store::KeyStoreOptions;
use crate::config::names::Names;
use crate::config::publication::{KeyOptions, publication};
use crate::config::{Global, resolve};
use crate::converge::dry_run;
use crate::converge::session::Session;
use crate::converge::stop::Stop;
use crate::error::{Exit, Result};
use crate::keys::store::Store;
use crate::keys::{self, public};
use crate::oidc::issuer::Issuer;
use crate::output::{self, Answer};
use crate::plan::desired::Desired;

/// Options of `publish`.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  irsactl publish --cluster demo --region us-west-2 --dry-run
  irsactl publish --bucket my-issuer --prefix prod --region us-west-2 --yes
  irsactl publish --cluster demo --region us-west-2 --adopt-key /etc/kubernetes/pki/sa.pub --dry-run")]
pub struct Publish {
    #[command(flatten)]
    names: Names,
    #[command(flatten)]
    key_store: KeyStoreOptions,
    #[command(flatten)]
    adopt: AdoptOptions,
    #[command(flatten)]
    key: KeyOptions,
    #[command(flatten)]
    change: ChangeOptions,
}

#[derive(Serialize, JsonSchema)]
pub(crate) struct PublishAnswer {
    issuer: Issuer,
    discovery_url: String,
    jwks_uri: String,
    changes: usize,
}

impl Answer for PublishAnswer {
    fn is_for_ci(&self) -> bool {
        true
    }

    fn text(&self) -> String {
        format!("{}\n", self.issuer)
    }
}

impl Publish {
    pub(crate) async fn run(self, global: &Global, stop: &Stop) -> Result<Exit> {
        let change = &self.change;
        change.check()?;
        let region = resolve::region(global).await?;
        self.names.check(&region)?;
        let in_files = self.key_store.key_store().is_none();
        let keys = match public::adopted(&self.adopt)? {
            None if in_files => Some(vec![keys::public(&global.dir, None)?]),
            keys => keys,
        };
        let account = self.names.account_id.as_ref();
        let session = Session::open(global, stop, &region, account, change.offline).await?;
        let place = self.names.place(&region, Some(&session.account))?;
        let mut store = None;
        let keys = match keys {
            Some(keys) => keys,
            None => {
                let cluster = self.names.cluster.as_deref();
                store = Store::open(&self.key_store, cluster, session.aws(), false).await?;
                if let Some(store) = &store {
                    store.check_issuer(&place.issuer, self.key.move_key)?;
                }
                vec![keys::public(&global.dir, store.as_ref())?]
            }
        };
        let keys = public::jwk_set(&keys)?;
        let issuer = place.issuer.clone();
        let tags = change.tags(self.names.cluster.as_deref());
        let desired = Desired {
            publication: Some(publication(&place, &session.account, keys, &self.key, tags)),
            adopt: change.adopt,
            ..Desired::of(issuer.clone())
        };
        let planned = session.plan(&desired).await?;
        if let Some(store) = &store {
            store.check_known(&planned.observed, self.key.add_key)?;
        }
        if change.dry_run {
            return dry_run::run(global, &session, &desired, &planned, change, None);
        }
        let outcome = session
            .carry_out(&desired, planned, change, async || Ok(0))
            .await?;
        let answer = PublishAnswer {
            discovery_url: issuer.discovery_url(),
            jwks_uri: issuer.jwks_uri(),
            issuer,
            changes: outcome.changes,
        };
        outcome.then(output::print(&answer, global.output))?;
        Ok(Exit::Done)
    }
}
