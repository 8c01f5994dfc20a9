//! MicroK8s: a file with one kube-apiserver flag a line (canonical/microk8s,
//! `microk8s-resources/default-args/kube-apiserver`).

use minijinja::context;

use crate::cluster::distributions::flags;
use crate::cluster::settings::ApiServerSettings;
use crate::cluster::template::{common, render as render_template};
use crate::error::Result;

const TEMPLATE: &str = include_str!("../../../templates/microk8s.args");

/// The key file of MicroK8s's own; it is a private key, of which kube-apiserver takes the public half.
pub(crate) const DEFAULT_PUBLIC_KEY: &str = "/var/snap/microk8s/current/certs/serviceaccount.key";

/// The lines of the file.
pub(crate) fn render(settings: &ApiServerSettings) -> Result<String> {
    let flags = flags::render(settings);
    render_template(
        TEMPLATE,
        context! { flags => flags.trim_end(), ..common(settings) },
    )
}
