//! kubeadm's ClusterConfiguration, v1beta4 (Kubernetes 1.31 and later): the first API version whose
//! `extraArgs` can repeat a flag.

use minijinja::context;

use crate::error::Result;

use super::settings::ApiServerSettings;
use super::template::render as render_template;

const TEMPLATE: &str = include_str!("../../templates/kubeadm.yaml");

/// Where kubeadm keeps the cluster's first public key. Any `service-account-key-file` replaces
/// kubeadm's own, so a live cluster's must be listed again.
pub const DEFAULT_PUBLIC_KEY: &str = "/etc/kubernetes/pki/sa.pub";

/// The configuration as YAML.
pub fn render(settings: &ApiServerSettings) -> Result<String> {
    let flags = settings.flags().into_iter();
    let flags: Vec<_> = flags
        .map(|flag| context! { name => flag.name, value => flag.value })
        .collect();
    render_template(
        TEMPLATE,
        context! {
            flags => flags,
            node_dir => settings.node_dir.as_str(),
            signing_key_file => settings.signing_key_file(),
            live => !settings.existing_issuers.is_empty(),
        },
    )
}
