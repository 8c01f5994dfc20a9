//! `jwks`: keys.json on stdout.

use std::path::PathBuf;

use clap::Args;

use crate::config::Global;
use crate::config::adopt::AdoptOptions;
use crate::config::key_store::KeyStoreOptions;
use crate::config::names::dns_label;
use crate::error::{Exit, Result};
use crate::keys::{self, public};
use crate::oidc::jwks::JwkSet;
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
    pub(crate) async fn run(self, global: &Global) -> Result<Exit> {
        let set = match (public::adopted(&self.adopt)?, self.public_key.as_slice()) {
            (Some(keys), _) => public::jwk_set(&keys)?,
            (None, []) => {
                let cluster = self.cluster.as_deref();
                let store = keys::connect(global, &self.key_store, cluster, false).await?;
                public::jwk_set(&[keys::public(&global.dir, store.as_ref())?])?
            }
            (None, files) => public::read(files)?,
        };
        output::print(&set, global.output)?;
        Ok(Exit::Done)
    }
}
