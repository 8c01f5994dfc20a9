//! `jwks`: keys.json on stdout.

use std::path::PathBuf;

use clap::Args;

use crate::commands::adopt::{self, AdoptOptions};
use crate::commands::key_store;
use crate::commands::key_store::store::Store;
use crate::config::{Global, KeyStoreOptions, dns_label};
use crate::error::{Error, Exit, Result};
use crate::oidc::jwks::JwkSet;
use crate::oidc::key::PublicKey;
use crate::output::{self, Answer};
use crate::plan::document::json_text;

/// Options of `jwks`.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  irsactl jwks > keys.json
  irsactl jwks --public-key /etc/kubernetes/pki/sa.pub
  kubectl get --raw /openid/v1/jwks | irsactl jwks --adopt-key -

Reads SPKI and PKCS#1 public keys, X.509 certificates and JWK Sets, and with --public-key private \
keys too, of which only the public half is taken; several PEM blocks a file. The JWK Set is sorted \
by kid, and duplicates fold.")]
pub struct Jwks {
    /// File with public keys; repeat it for several [default: the key of the issuer directory]
    #[arg(long, value_name = "FILE", conflicts_with = "adopt_key")]
    public_key: Vec<PathBuf>,
    #[command(flatten)]
    adopt: AdoptOptions,
    #[command(flatten)]
    key_store: KeyStoreOptions,
    /// Name of the cluster, which the key has in a key store
    #[arg(long, value_name = "NAME", value_parser = dns_label)]
    cluster: Option<String>,
}

impl Answer for JwkSet {
    fn is_document(&self) -> bool {
        true
    }

    fn text(&self) -> String {
        json_text(self)
    }
}

impl Jwks {
    /// Whether there is more to it than files.
    pub(super) fn needs_aws(&self) -> bool {
        self.key_store.key_store().is_some() && self.public_key.is_empty() && !self.adopt.is_given()
    }

    pub(super) async fn run_with_store(self, global: &Global) -> Result<Exit> {
        let cluster = self.cluster.as_deref();
        let store = key_store::connect(global, &self.key_store, cluster, false).await?;
        self.run(global, store.as_ref())
    }

    pub(super) fn run(self, global: &Global, store: Option<&Store>) -> Result<Exit> {
        let set = match (self.adopt.keys()?, self.public_key.as_slice()) {
            (Some(keys), _) => jwk_set(&keys)?,
            (None, []) => jwk_set(&[key_store::public(&global.dir, store)?])?,
            (None, files) => read(files)?,
        };
        output::print(&set, global.output)?;
        Ok(Exit::Done)
    }
}

/// The JWK Set of all keys in these files.
pub(super) fn read(files: &[PathBuf]) -> Result<JwkSet> {
    jwk_set(&adopt::public_keys(files)?)
}

/// The JWK Set of these keys.
pub(super) fn jwk_set(keys: &[PublicKey]) -> Result<JwkSet> {
    let cannot = || Error::failed("cannot make the JWK Set");
    let set = JwkSet::of(keys).map_err(|cause| cannot().because(cause))?;
    set.merged(&JwkSet::default())
        .map_err(|cause| cannot().because(cause))
}
