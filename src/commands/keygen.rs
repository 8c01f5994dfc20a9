//! `keygen`: the signing key and its public half.

use clap::Args;
use schemars::JsonSchema;
use serde::Serialize;

use crate::config::Global;
use crate::config::key_store::KeyStoreOptions;
use crate::config::names::dns_label;
use crate::converge::stop::Stop;
use crate::error::{Exit, Result, after_changes};
use crate::keys::pair::KeyPair;
use crate::keys::rotation::of_store;
use crate::keys::store::Store;
use crate::keys::{self, directory};
use crate::oidc::key::Kid;
use crate::output::{self, Answer};

/// Options of `keygen`.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  irsactl keygen
  irsactl keygen --bits 4096 --dir prod
  irsactl keygen --key-store secretsmanager --cluster demo --region us-west-2

Writes DIR/sa-signer.key (PKCS#8 PEM, mode 0600) and DIR/sa-signer.pub (SPKI PEM), and prints the \
key ID. A key that is there is kept and checked, never overwritten. With a key store the key is put there too, \
where nothing is, and read back; what the store has already comes into DIR.")]
pub struct Keygen {
    /// Size of a new key
    #[arg(long, default_value = "2048", value_parser = ["2048", "3072", "4096"], value_name = "BITS")]
    bits: String,
    #[command(flatten)]
    key_store: KeyStoreOptions,
    /// Name of the cluster, which the key has in a key store
    #[arg(long, value_name = "NAME", value_parser = dns_label)]
    cluster: Option<String>,
    /// Take over a key in the store that is not tagged as ours
    #[arg(long)]
    adopt: bool,
}

#[derive(Serialize, JsonSchema)]
pub(crate) struct KeygenAnswer {
    kid: Kid,
    signing_key: String,
    public_key: String,
    /// The ARN in the key store.
    #[serde(skip_serializing_if = "Option::is_none")]
    key_store: Option<String>,
    created: bool,
}

impl Answer for KeygenAnswer {
    fn text(&self) -> String {
        format!("{}\n", self.kid)
    }
}

impl Keygen {
    pub(crate) async fn run(self, global: &Global, stop: &Stop) -> Result<Exit> {
        let dir = &global.dir;
        let cluster = self.cluster.as_deref();
        let mut store = keys::connect(global, &self.key_store, cluster, self.adopt).await?;
        if let Some(store) = &store {
            of_store::bring_current(store, dir)?;
        }
        let pair = keys::pair(dir, Some(self.bits()), store.as_ref())?;
        let is_stored = store
            .as_ref()
            .is_some_and(|store| store.current().is_some());
        let created = pair.is_new() && !is_stored;
        if let Some(store) = &mut store {
            stop.set_changing(true);
            let made = store.keep(&pair, dir, None).await?;
            let saved = store.save(&pair, dir);
            saved.map_err(|error| {
                if made == 0 {
                    error
                } else {
                    after_changes(error)
                }
            })?;
            stop.check_signal()?;
        } else {
            pair.save(dir)?;
        }
        answer(global, &pair, store.as_ref(), created)
    }

    fn bits(&self) -> u16 {
        self.bits.parse().unwrap_or_default()
    }
}

fn answer(global: &Global, pair: &KeyPair, store: Option<&Store>, created: bool) -> Result<Exit> {
    let dir = &global.dir;
    let answer = KeygenAnswer {
        kid: pair.kid()?,
        signing_key: output::path(&directory::signing_key_file(dir)),
        public_key: output::path(&directory::public_key_file(dir)),
        key_store: store.and_then(Store::current).map(|key| key.arn.clone()),
        created,
    };
    let what = match (created, pair.is_new()) {
        (true, _) => "new signing key",
        (false, true) => "brought the signing key from the key store",
        (false, false) => "kept the signing key that is there",
    };
    output::say(format_args!("{what}: {}", answer.signing_key));
    output::print(&answer, global.output)?;
    Ok(Exit::Done)
}
