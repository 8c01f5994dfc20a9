//! kubeadm's ClusterConfiguration: v1beta4, a list, from Kubernetes 1.31; v1beta3, a map, before it.
//!
//! A map cannot repeat a flag, and kubeadm sorted the list by value until January 2026 (kubeadm#3261).
//! Where issuers would change places, one stays in `extraArgs`, and a kubeadm patch of the static pod
//! puts the others before it.

use minijinja::context;

use crate::cluster::json_patch;
use crate::cluster::settings::ApiServerSettings;
use crate::cluster::template::{common, flags, patch, render as render_template};
use crate::cluster::version::Version;
use crate::error::Result;

const TEMPLATE: &str = include_str!("../../../templates/kubeadm.yaml");

/// Where kubeadm keeps the cluster's first public key. Any `service-account-key-file` replaces
/// kubeadm's own, so a live cluster's must be listed again.
pub(crate) const DEFAULT_PUBLIC_KEY: &str = "/etc/kubernetes/pki/sa.pub";

/// The configuration as YAML, for a version of Kubernetes or the newest.
pub(crate) fn render(settings: &ApiServerSettings, version: Option<Version>) -> Result<String> {
    let is_list = version.is_none_or(|version| version.is_from(31));
    let in_order = is_list && version.is_none_or(keeps_order);
    let (listed, operations) = if settings.is_live() && !in_order {
        let split = settings.split();
        let key_files = split.key_files.into_iter();
        let appended = key_files.map(|path| ("service-account-key-file", path));
        let operations = json_patch::of_command(split.issuers, appended);
        (split.flags, operations)
    } else {
        (settings.flags(), Vec::new())
    };
    let why = if is_list {
        "it sorts them by value: kubeadm issue 3261"
    } else {
        "they are a map"
    };
    render_template(
        TEMPLATE,
        context! {
            api => if is_list { "v1beta4" } else { "v1beta3" },
            version => assumed(version),
            is_assumed => version.is_none(),
            flags => flags(&listed),
            operations => patch(&operations),
            why,
            ..common(settings)
        },
    )
}

/// The version in words.
pub(crate) fn assumed(version: Option<Version>) -> String {
    match version {
        Some(version) => version.to_string(),
        None => "1.36 or later, assumed without --kubernetes-version".to_owned(),
    }
}

/// Whether the order of `extraArgs` is kept (kubernetes/kubernetes#135400, in 1.36.0). The
/// cherry-picks are in CHANGELOG-1.35.md under v1.35.1 and in CHANGELOG-1.34.md under v1.34.4; those
/// for 1.33 and 1.32 are merged, but no changelog at hand names their release.
fn keeps_order(version: Version) -> bool {
    version.is_from(36) || version.is_patch_from(35, 1) || version.is_patch_from(34, 4)
}
