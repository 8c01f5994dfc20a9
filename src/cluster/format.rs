//! The forms of `flags --format`, and what sets them apart.

use clap::ValueEnum;
use serde::{Deserialize, Serialize};

use crate::cluster::distributions::{k0s, kubeadm, kubespray, microk8s};

/// A form of the settings, as `--format` names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum SettingsFormat {
    Flags,
    StaticPod,
    Kubeadm,
    Kind,
    #[value(name = "k3s")]
    K3s,
    #[value(name = "rke2")]
    Rke2,
    Talos,
    #[value(name = "k0s")]
    K0s,
    #[value(name = "microk8s")]
    Microk8s,
    Kubespray,
    ClusterApi,
    EksAnywhere,
    #[value(name = "openshift")]
    #[serde(rename = "openshift")]
    OpenShift,
    Kops,
    Typhoon,
}

impl SettingsFormat {
    /// As on the command line.
    pub(crate) fn name(self) -> String {
        let value = self.to_possible_value();
        value.map_or_else(String::new, |value| value.get_name().to_owned())
    }

    /// Where a cluster that runs has its public key, which the new flags would replace.
    pub(crate) fn default_public_key(self) -> Option<&'static str> {
        match self {
            Self::Kubeadm => Some(kubeadm::DEFAULT_PUBLIC_KEY),
            Self::Kubespray => Some(kubespray::DEFAULT_PUBLIC_KEY),
            Self::K0s => Some(k0s::DEFAULT_PUBLIC_KEY),
            Self::Microk8s => Some(microk8s::DEFAULT_PUBLIC_KEY),
            _ => None,
        }
    }

    /// Whether the key files are put on the nodes by hand.
    pub(crate) fn has_node_files(self) -> bool {
        let by_hand = self.default_public_key().is_some();
        by_hand || matches!(self, Self::Flags | Self::StaticPod | Self::K3s | Self::Rke2)
    }

    /// Who owns the signing key on a node.
    pub(crate) fn key_owner(self) -> &'static str {
        match self {
            // k0s runs the API server as a user of its own (pkg/constant, ApiserverUser).
            Self::K0s => "kube-apiserver",
            _ => "root",
        }
    }

    /// What to do before the settings.
    pub(crate) fn files_first(self, node_dir: &str) -> String {
        let owner = self.key_owner();
        let first = format!(
            "put sa-signer.key (mode 0600, owner {owner}) and sa-signer.pub into {} on every control-plane node first",
            node_dir
        );
        // The other forms say it where it belongs.
        match self {
            Self::Flags => format!(
                "{first}; where this key replaces the cluster's own, kube-controller-manager's --service-account-private-key-file is {}/sa-signer.key too",
                node_dir
            ),
            _ => first,
        }
    }
}
