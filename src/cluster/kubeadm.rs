//! kubeadm's ClusterConfiguration, v1beta4 (Kubernetes 1.31 and later): the first API version whose
//! `extraArgs` can repeat a flag.

use minijinja::{AutoEscape, Environment, UndefinedBehavior, context};

use crate::error::{Error, Result};

use super::settings::ApiServerSettings;

const TEMPLATE: &str = include_str!("../../templates/kubeadm.yaml");

/// Where kubeadm keeps the cluster's first public key. Any `service-account-key-file` replaces
/// kubeadm's own, so a live cluster's must be listed again.
pub const DEFAULT_PUBLIC_KEY: &str = "/etc/kubernetes/pki/sa.pub";

/// The configuration as YAML.
pub fn render(settings: &ApiServerSettings) -> Result<String> {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    // A JSON string is a YAML scalar, whatever is in it.
    environment.set_auto_escape_callback(|_| AutoEscape::Json);
    let flags = settings.flags().into_iter();
    let flags: Vec<_> = flags
        .map(|flag| context! { name => flag.name, value => flag.value })
        .collect();
    environment
        .render_str(
            TEMPLATE,
            context! {
                flags => flags,
                node_dir => settings.node_dir.as_str(),
                signing_key_file => settings.signing_key_file(),
                live => !settings.existing_issuers.is_empty(),
            },
        )
        // The template's own last newline is taken off by the engine.
        .map(|text| text + "\n")
        .map_err(|e| Error::failed("cannot render the kubeadm configuration").because(e))
}
