//! `jwks`: keys.json on stdout.

use std::path::PathBuf;

use clap::Args;

use crate::config::Global;
use crate::error::{Error, Exit, Result};
use crate::file;
use crate::oidc::jwks::JwkSet;
use crate::oidc::key::PublicKey;
use crate::output::{self, Answer};
use crate::plan::document::json_text;

use super::key_pair::{self, KeyPair};

/// Options of `jwks`.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  irsactl jwks > keys.json
  irsactl jwks --public-key /etc/kubernetes/pki/sa.pub

Reads SPKI and PKCS#1 public keys, X.509 certificates, and private keys, of which only the public \
half is taken; several PEM blocks a file. The JWK Set is sorted by kid, and duplicates fold.")]
pub struct Jwks {
    /// File with public keys; repeat it for several [default: the key of the issuer directory]
    #[arg(long, value_name = "FILE")]
    public_key: Vec<PathBuf>,
}

impl Answer for JwkSet {
    fn text(&self) -> String {
        json_text(self)
    }
}

impl Jwks {
    pub(super) fn run(self, global: &Global) -> Result<Exit> {
        let set = match self.public_key.as_slice() {
            [] => jwk_set(&[KeyPair::load_public(&global.dir)?])?,
            files => read(files)?,
        };
        output::print(&set, global.output)?;
        Ok(Exit::Done)
    }
}

/// The JWK Set of all keys in these files.
pub(super) fn read(files: &[PathBuf]) -> Result<JwkSet> {
    let mut keys = Vec::new();
    for path in files {
        let text = file::read_key(path)?;
        if text.windows(11).any(|window| window == b"PRIVATE KEY") {
            output::say(format_args!(
                "note: {} holds a private key; only its public half is read",
                output::path(path)
            ));
        }
        let found = PublicKey::all_from_pem(&text);
        keys.extend(found.map_err(|cause| key_pair::unusable(path, &cause))?);
    }
    jwk_set(&keys)
}

/// The JWK Set of these keys.
pub(super) fn jwk_set(keys: &[PublicKey]) -> Result<JwkSet> {
    let cannot = || Error::failed("cannot make the JWK Set");
    let set = JwkSet::of(keys).map_err(|cause| cannot().because(cause))?;
    set.merged(&JwkSet::default())
        .map_err(|cause| cannot().because(cause))
}
