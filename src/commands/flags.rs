//! `flags`: the kube-apiserver settings.

use clap::{Args, ValueEnum};
use serde::Serialize;

use crate::cluster::settings::{ApiServerSettings, ExistingIssuer, Flag};
use crate::cluster::{flags, kubeadm};
use crate::config::{Global, IssuerNames};
use crate::error::{Exit, Result};
use crate::oidc::issuer::Issuer;
use crate::output::{self, Answer};

use super::resolve;

/// Options of `flags`.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  irsactl flags --cluster demo --region us-west-2
  irsactl flags --issuer https://oidc.example.com --format kubeadm
  irsactl flags --bucket my-issuer --region us-west-2 \\
    --existing-issuer https://kubernetes.default.svc.cluster.local \\
    --existing-public-key /etc/kubernetes/pki/sa.pub")]
pub struct Flags {
    #[command(flatten)]
    issuer: IssuerNames,
    /// How to write the settings: flags, one a line, or kubeadm, a v1beta4 ClusterConfiguration
    #[arg(
        long,
        value_enum,
        default_value = "flags",
        value_name = "FORMAT",
        hide_possible_values = true
    )]
    format: SettingsFormat,
    #[command(flatten)]
    node: NodeOptions,
}

/// What the control-plane nodes are like.
#[derive(Args, Clone, Debug)]
pub struct NodeOptions {
    /// Where sa-signer.key and sa-signer.pub lie on a control-plane node
    #[arg(long, value_name = "DIR", default_value = "/etc/kubernetes/pki/irsa", value_parser = node_path)]
    node_dir: String,
    /// An issuer that the cluster has used until now; its tokens stay accepted
    #[arg(long, value_name = "URL")]
    existing_issuer: Vec<ExistingIssuer>,
    /// The public key, on the node, of tokens that stay accepted [kubeadm: /etc/kubernetes/pki/sa.pub]
    #[arg(long, value_name = "FILE", requires = "existing_issuer", value_parser = node_path)]
    existing_public_key: Vec<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum SettingsFormat {
    /// Flags, one a line, quoted for a shell
    Flags,
    /// kubeadm ClusterConfiguration, v1beta4
    Kubeadm,
}

#[derive(Serialize)]
struct FlagsAnswer {
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

impl NodeOptions {
    fn loses_old_key(&self) -> bool {
        !self.existing_issuer.is_empty() && self.existing_public_key.is_empty()
    }

    /// Says when the settings would lock out every pod that has a token now.
    pub(super) fn warn_of_lock_out(&self) {
        if self.loses_old_key() {
            output::say(
                "warning: without --existing-public-key the API server refuses every token signed by the old key; \
                 give the file that --service-account-key-file names now",
            );
        }
    }

    /// The settings for an issuer.
    pub(super) fn settings(&self, issuer: &Issuer) -> ApiServerSettings {
        ApiServerSettings {
            issuer: issuer.clone(),
            existing_issuers: self.existing_issuer.clone(),
            existing_public_keys: self.existing_public_key.clone(),
            node_dir: self.node_dir.clone(),
        }
    }
}

impl Flags {
    pub(super) async fn run(self, global: &Global) -> Result<Exit> {
        let issuer = resolve::issuer(global, &self.issuer).await?;
        let mut settings = self.node.settings(&issuer);
        let text = match self.format {
            SettingsFormat::Flags => {
                self.node.warn_of_lock_out();
                flags::render(&settings)
            }
            SettingsFormat::Kubeadm => {
                if self.node.loses_old_key() {
                    settings
                        .existing_public_keys
                        .push(kubeadm::DEFAULT_PUBLIC_KEY.to_owned());
                }
                kubeadm::render(&settings)?
            }
        };
        output::say(format_args!(
            "put sa-signer.key (mode 0600, owner root) and sa-signer.pub into {} on every control-plane node first",
            output::sanitized(&settings.node_dir)
        ));
        output::print(
            &FlagsAnswer {
                issuer,
                flags: settings.flags(),
                text,
            },
            global.output,
        )?;
        Ok(Exit::Done)
    }
}

fn node_path(text: &str) -> std::result::Result<String, String> {
    match text.starts_with('/') && !text.ends_with('/') && !text.contains(char::is_control) {
        true => Ok(text.to_owned()),
        false => Err("it is an absolute path on the node, without a slash at its end".to_owned()),
    }
}
