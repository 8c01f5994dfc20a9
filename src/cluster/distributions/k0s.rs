//! k0s's ClusterConfig: `extraArgs`, a map that replaces k0s's own values, and `rawArgs`, a list that is
//! appended to them (k0sproject/k0s, `pkg/component/controller/apiserver.go`).
//!
//! k0s sets api-audiences itself, with the one that konnectivity needs, so they stay untouched unless
//! they are given.

use minijinja::context;

use crate::cluster::settings::ApiServerSettings;
use crate::cluster::template::{common, render as render_template};
use crate::error::Result;

const TEMPLATE: &str = include_str!("../../../templates/k0s.yaml");

/// k0s's own public key, which `service-account-key-file` replaces.
pub(crate) const DEFAULT_PUBLIC_KEY: &str = "/var/lib/k0s/pki/sa.pub";

/// The configuration as YAML.
pub(crate) fn render(settings: &ApiServerSettings) -> Result<String> {
    let issuers = settings.issuers().into_iter().skip(1);
    let mut raw: Vec<String> = issuers
        .map(|issuer| format!("--service-account-issuer={issuer}"))
        .collect();
    let keys = settings.existing_public_keys.iter();
    raw.extend(keys.map(|path| format!("--service-account-key-file={path}")));
    render_template(
        TEMPLATE,
        context! {
            raw,
            audiences => settings.given_audiences().map(|audiences| audiences.join(",")),
            ..common(settings)
        },
    )
}
