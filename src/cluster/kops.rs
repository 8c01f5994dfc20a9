//! kOps: fields of `spec.kubeAPIServer`. kOps puts the additional issuers behind the first one
//! (kubernetes/kops#16497, `docs/operations/service_account_issuer_migration.md`), signs with a key of
//! its own PKI, and sets audiences of its own unless they are given.

use minijinja::context;

use crate::error::Result;

use super::settings::ApiServerSettings;
use super::template::{list, render as render_template};

const TEMPLATE: &str = include_str!("../../templates/kops.yaml");

/// The part of the cluster as YAML.
pub fn render(settings: &ApiServerSettings) -> Result<String> {
    render_template(
        TEMPLATE,
        context! {
            issuer => settings.issuer.as_str(),
            existing => list(&settings.existing()),
            jwks_uri => settings.issuer.jwks_uri(),
            audiences => settings.given_audiences().map(|audiences| list(&audiences)),
            live => settings.is_live(),
        },
    )
}
