//! `keygen`: the signing key and its public half.

use clap::Args;
use schemars::JsonSchema;
use serde::Serialize;

use crate::config::Global;
use crate::error::{Exit, Result};
use crate::oidc::key::Kid;
use crate::output::{self, Answer};

use super::key_pair::{self, KeyPair};

/// Options of `keygen`.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  irsactl keygen
  irsactl keygen --bits 4096 --dir prod

Writes DIR/sa-signer.key (PKCS#8 PEM, mode 0600) and DIR/sa-signer.pub (SPKI PEM), and prints the \
key ID. A key that is there is kept and checked, never overwritten.")]
pub struct Keygen {
    /// Size of a new key
    #[arg(long, default_value = "2048", value_parser = ["2048", "3072", "4096"], value_name = "BITS")]
    bits: String,
}

#[derive(Serialize, JsonSchema)]
pub(super) struct KeygenAnswer {
    kid: Kid,
    signing_key: String,
    public_key: String,
    created: bool,
}

impl Answer for KeygenAnswer {
    fn text(&self) -> String {
        format!("{}\n", self.kid)
    }
}

impl Keygen {
    pub(super) fn run(self, global: &Global) -> Result<Exit> {
        let dir = &global.dir;
        let bits = self.bits.parse().unwrap_or_default();
        let pair = KeyPair::load_or_generate(dir, bits)?;
        let answer = KeygenAnswer {
            kid: pair.kid()?,
            signing_key: output::path(&key_pair::signing_key_file(dir)),
            public_key: output::path(&key_pair::public_key_file(dir)),
            created: pair.is_new(),
        };
        pair.save(dir)?;
        let what = match answer.created {
            true => "new signing key",
            false => "kept the signing key that is there",
        };
        output::say(format_args!("{what}: {}", answer.signing_key));
        output::print(&answer, global.output)?;
        Ok(Exit::Done)
    }
}
