//! What is asked of the control-plane nodes: issuers, key files and audiences of a cluster that runs.

use clap::Args;

use crate::cluster::accepted::{ApiAudience, ExistingIssuer, is_template};
use crate::cluster::settings::{ApiServerSettings, NodeKey, Order};
use crate::oidc::issuer::Issuer;
use crate::output;

/// What the control-plane nodes are like.
#[derive(Args, Clone, Debug)]
pub(crate) struct NodeOptions {
    /// Where sa-signer.key and sa-signer.pub lie on a control-plane node
    #[arg(long, value_name = "DIR", default_value = "/etc/kubernetes/pki/irsa", value_parser = node_path)]
    pub(crate) node_dir: String,
    /// An issuer that the cluster has used until now; its tokens stay accepted
    #[arg(long, value_name = "URL")]
    pub(crate) existing_issuer: Vec<ExistingIssuer>,
    /// The public key, on the node, of tokens that stay accepted [kubeadm: /etc/kubernetes/pki/sa.pub]
    #[arg(long, value_name = "FILE", requires = "existing_issuer", value_parser = key_path)]
    pub(crate) existing_public_key: Vec<String>,
    /// An audience of in-cluster tokens, as the cluster has it now; repeat it [default: all issuers]
    #[arg(long, value_name = "AUDIENCE")]
    pub(crate) api_audience: Vec<ApiAudience>,
}

impl NodeOptions {
    /// Whether the cluster's own public key would not be accepted any more.
    pub(crate) fn loses_old_key(&self) -> bool {
        !self.existing_issuer.is_empty() && self.existing_public_key.is_empty()
    }

    /// Says when the settings would lock out every pod that has a token now, or let in tokens for AWS.
    pub(crate) fn warn_of_lock_out(&self, keeps_key: bool) {
        if keeps_key && self.existing_issuer.is_empty() {
            output::say(
                "warning: without --existing-issuer the API server refuses every token that a pod has now; \
                 give the issuer that --service-account-issuer names now",
            );
        }
        if !keeps_key && self.loses_old_key() {
            output::say(
                "warning: without --existing-public-key the API server refuses every token signed by the old key; \
                 give the file that --service-account-key-file names now",
            );
        }
        self.warn_of_audiences();
    }

    pub(crate) fn warn_of_audiences(&self) {
        if self.api_audience.iter().any(ApiAudience::is_for_aws) {
            output::say(
                "warning: with sts.amazonaws.com in --api-audiences the API server accepts every token that a pod \
                 sends to AWS, and with it alone no other token; leave it out: a token for AWS has this audience anyway",
            );
        }
    }

    /// The settings for an issuer.
    pub(crate) fn settings(&self, issuer: &Issuer, keeps_key: bool) -> ApiServerSettings {
        ApiServerSettings {
            issuer: issuer.clone(),
            existing_issuers: self.existing_issuer.clone(),
            existing_public_keys: self.existing_public_key.clone(),
            api_audiences: self.api_audience.clone(),
            key: if keeps_key {
                NodeKey::Kept
            } else {
                NodeKey::Ours {
                    node_dir: self.node_dir.clone(),
                }
            },
            order: Order::NewFirst,
        }
    }
}

/// A key file: on the nodes, or of this machine for a distribution that takes keys and no files, which may be
/// named from here on.
fn key_path(text: &str) -> std::result::Result<String, String> {
    if std::path::Path::new(text).is_file() {
        Ok(text.to_owned())
    } else {
        node_path(text)
    }
}

/// A path as it may stand in the settings.
pub(crate) fn node_path(text: &str) -> std::result::Result<String, String> {
    // YAML takes these two for line breaks as well.
    let breaks = |c: char| c.is_control() || c == '\u{2028}' || c == '\u{2029}';
    if text.starts_with('/')
        && !text.ends_with('/')
        && !text.contains(breaks)
        && !text.contains("##")
        && !is_template(text)
    {
        Ok(text.to_owned())
    } else {
        Err("it is an absolute path on the node, without a slash at its end".to_owned())
    }
}
