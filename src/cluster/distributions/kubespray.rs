//! kubespray's variables (kubernetes-sigs/kubespray, `docs/ansible/vars.md` and
//! `roles/kubernetes/control-plane/templates/kubeadm-config.v1beta4.yaml.j2`).
//!
//! Its extra args are a dict, and kubeadm sorts or not: with two issuers one stays in the dict, and
//! `kubeadm_patches` puts the others before it.

use minijinja::context;

use crate::cluster::json_patch;
use crate::cluster::settings::ApiServerSettings;
use crate::cluster::template::{common, flags, patch, render as render_template};
use crate::error::Result;

const TEMPLATE: &str = include_str!("../../../templates/kubespray.yaml");

/// The first public key of a cluster that kubespray made: its `kube_cert_dir` is /etc/kubernetes/ssl.
pub(crate) const DEFAULT_PUBLIC_KEY: &str = "/etc/kubernetes/ssl/sa.pub";

/// The variables as YAML.
pub(crate) fn render(settings: &ApiServerSettings) -> Result<String> {
    let split = settings.split();
    let key_files = split.key_files.into_iter();
    let operations = if settings.is_live() {
        json_patch::of_command(
            split.issuers,
            key_files.map(|path| ("service-account-key-file", path)),
        )
    } else {
        Vec::new()
    };
    render_template(
        TEMPLATE,
        context! {
            flags => flags(&split.flags),
            operations => patch(&operations),
            ..common(settings)
        },
    )
}
