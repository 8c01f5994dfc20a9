//! kOps: fields of `spec.kubeAPIServer`. kOps puts the additional issuers behind the first one
//! (kubernetes/kops#16497, `docs/operations/service_account_issuer_migration.md`), signs with a key of
//! its own PKI, and sets audiences of its own unless they are given.

use minijinja::context;

use crate::cluster::settings::ApiServerSettings;
use crate::cluster::template::{common, list, render as render_template};
use crate::error::Result;

const TEMPLATE: &str = include_str!("../../../templates/kops.yaml");

/// The part of the cluster as YAML.
pub(crate) fn render(settings: &ApiServerSettings) -> Result<String> {
    let settings = &settings.with_own_key();
    render_template(
        TEMPLATE,
        context! {
            audiences => settings.given_audiences().map(|audiences| list(&audiences)),
            ..common(settings)
        },
    )
}
