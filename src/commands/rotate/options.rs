//! Whose keys are rotated, and where they are kept.

use clap::Args;

use crate::config::Global;
use crate::config::key_store::KeyStoreOptions;
use crate::config::names::IssuerNames;
use crate::config::parse::Origin;
use crate::error::shell_quoted;
use crate::output;

/// The options that every step of a rotation has.
#[derive(Args, Debug)]
pub(crate) struct RotationOptions {
    #[command(flatten)]
    pub(crate) issuer: IssuerNames,
    /// The JWK Set, as the discovery document names it, where it is not below the issuer
    #[arg(long, value_name = "URI")]
    pub(crate) jwks_uri: Option<String>,
    #[command(flatten)]
    pub(crate) key_store: KeyStoreOptions,
}

impl RotationOptions {
    /// The options that name it, for the command that comes next.
    pub(crate) fn names(&self, global: &Global, adopt: bool) -> String {
        let names = &self.issuer.names;
        let config = global
            .config
            .as_ref()
            .map(|path| path.display().to_string());
        let dir = global.dir.display().to_string();
        let given = |id: &str, value: &Option<String>| {
            value
                .clone()
                .filter(|_| global.layers.origin(id) == Origin::Flag)
        };
        let key_store = self
            .key_store
            .key_store()
            .map(|store| store.flag().to_owned());
        let options = [
            ("--config", config),
            ("--issuer", self.issuer.issuer.clone()),
            ("--jwks-uri", self.jwks_uri.clone()),
            ("--cluster", given("cluster", &names.cluster)),
            ("--bucket", given("bucket", &names.bucket)),
            ("--prefix", given("prefix", &names.prefix)),
            ("--region", given("region", &global.region)),
            ("--dir", given("dir", &Some(dir))),
            ("--key-store", given("key_store", &key_store)),
        ];
        let mut text = String::new();
        for (option, value) in options {
            if let Some(value) = value {
                text += &format!(" {option} {}", output::sanitized(&shell_quoted(&value)));
            }
        }
        if adopt { text + " --adopt" } else { text }
    }
}
