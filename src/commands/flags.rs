//! `flags`: the kube-apiserver settings.

use std::path::PathBuf;

use clap::Args;
use schemars::JsonSchema;
use serde::Serialize;

use crate::cluster::form::FormOptions;
use crate::cluster::format::SettingsFormat;
use crate::cluster::settings::Flag;
use crate::config::names::IssuerNames;
use crate::config::nodes::NodeOptions;
use crate::config::{Global, resolve};
use crate::error::{Error, Exit, Result, shell_quoted};
use crate::keys::{private_file, surroundings};
use crate::oidc::issuer::Issuer;
use crate::output::{self, Answer};
use crate::system::file;

/// Options of `flags`.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  irsactl flags --cluster demo --region us-west-2
  irsactl flags --issuer https://oidc.example.com --format kubeadm
  irsactl flags --bucket my-issuer --region us-west-2 \\
    --existing-issuer https://kubernetes.default.svc.cluster.local \\
    --existing-public-key /etc/kubernetes/pki/sa.pub
  irsactl flags --cluster demo --region us-west-2 --format kubeadm --keep-key \\
    --existing-issuer https://kubernetes.default.svc.cluster.local")]
pub struct Flags {
    #[command(flatten)]
    issuer: IssuerNames,
    #[command(flatten)]
    form: FormOptions,
    /// The cluster keeps its signing key: print no setting of a key
    #[arg(long, conflicts_with_all = ["existing_public_key", "node_dir", "secret_file"])]
    keep_key: bool,
    /// New file, mode 0600, for the output with the signing key: of cluster-api and talos
    #[arg(long, value_name = "FILE")]
    secret_file: Option<PathBuf>,
    #[command(flatten)]
    node: NodeOptions,
}

#[derive(Serialize, JsonSchema)]
pub(crate) struct FlagsAnswer {
    issuer: Issuer,
    flags: Vec<Flag>,
    /// The settings in the form that was asked for.
    text: String,
}

impl Answer for FlagsAnswer {
    fn text(&self) -> String {
        self.text.clone()
    }
}

impl Flags {
    pub(crate) async fn run(self, global: &Global) -> Result<Exit> {
        self.form.check(self.secret_file.is_some())?;
        self.check_secret_file()?;
        let issuer = resolve::issuer(global, &self.issuer).await?;
        let mut settings = self.node.settings(&issuer, self.keep_key);
        self.form.keep_old_key(&mut settings);
        let cluster = self.issuer.names.cluster.as_deref();
        let has_secret_file = self.secret_file.is_some();
        let around =
            surroundings::read(&self.form, &settings, cluster, &global.dir, has_secret_file)?;
        let (text, secret) = self.form.render(&settings, &around)?;
        let format = self.form.format;
        let brings_key = format == SettingsFormat::Talos && secret.is_some();
        if format == SettingsFormat::Flags || brings_key {
            self.node.warn_of_lock_out(self.keep_key)
        } else {
            self.node.warn_of_audiences()
        }
        if let (Some(path), Some(secret)) = (&self.secret_file, secret) {
            private_file::write(path, secret.as_bytes())?;
            output::say(format_args!(
                "the signing key is in {} (mode 0600): delete it when it is applied",
                output::path(path)
            ));
        }
        if let (true, Some(node_dir)) = (format.has_node_files(), settings.node_dir()) {
            output::say(output::sanitized(&format.files_first(node_dir)));
        }
        let flags = settings.flags();
        output::print(
            &FlagsAnswer {
                issuer,
                flags,
                text,
            },
            global.output,
        )?;
        Ok(Exit::Done)
    }

    fn check_secret_file(&self) -> Result<()> {
        match &self.secret_file {
            Some(path) if file::exists(path)? => {
                let quoted = shell_quoted(&path.display().to_string());
                Err(Error::refused(format!("cannot write {}", path.display()))
                    .because("something is there already, and a file with a signing key is never overwritten")
                    .hint(format!("move it away, or give another --secret-file: ls -l {quoted}")))
            }
            _ => Ok(()),
        }
    }
}
