//! kind's cluster configuration, with a merge patch of the ClusterConfiguration that kind writes:
//! v1beta3, a map, up to Kubernetes 1.35, and v1beta4, a list, from 1.36
//! (kubernetes-sigs/kind, `pkg/cluster/internal/kubeadm/config.go`).
//!
//! kubeadm keeps a key pair that is in /etc/kubernetes/pki, so ours is mounted there.

use minijinja::context;

use crate::cluster::distributions::kubeadm::assumed;
use crate::cluster::settings::ApiServerSettings;
use crate::cluster::template::{common, flags, render as render_template};
use crate::cluster::version::Version;
use crate::error::Result;

const TEMPLATE: &str = include_str!("../../../templates/kind.yaml");

/// The configuration as YAML; the key files are those on this machine.
pub(crate) fn render(
    settings: &ApiServerSettings,
    version: Option<Version>,
    signing_key: &str,
    public_key: &str,
) -> Result<String> {
    settings.refuse_existing(
        "kind",
        "kind reads its configuration only when it creates a cluster, which has no tokens yet",
        "for a cluster that is running: irsactl flags --format static-pod",
    )?;
    let is_list = version.is_none_or(|version| version.is_from(36));
    // The key flags stay kubeadm's own.
    let own = settings.flags().into_iter();
    let chosen: Vec<_> = own.filter(|flag| !flag.is_of_key()).collect();
    render_template(
        TEMPLATE,
        context! { version => assumed(version), is_list, flags => flags(&chosen), signing_key, public_key, ..common(settings) },
    )
}
