//! A patch of kube-apiserver's static pod, whoever wrote the manifest.
//!
//! The manifest holds what the cluster has now, so the patch only puts the new settings where they
//! win (see [`json_patch`](super::json_patch)). Audiences are left alone: where the manifest has none,
//! kube-apiserver takes all issuers.

use minijinja::context;

use crate::error::Result;

use super::json_patch;
use super::settings::ApiServerSettings;
use super::template::{list, patch, render as render_template};

const TEMPLATE: &str = include_str!("../../templates/static-pod.yaml");

/// The patch as YAML.
pub fn render(settings: &ApiServerSettings) -> Result<String> {
    let mut appended = vec![
        (
            "service-account-signing-key-file",
            settings.signing_key_file(),
        ),
        ("service-account-key-file", settings.public_key_file()),
        ("service-account-jwks-uri", settings.issuer.jwks_uri()),
    ];
    if let Some(audiences) = settings.given_audiences() {
        appended.push(("api-audiences", audiences.join(",")));
    }
    let mut operations = json_patch::of_command([settings.issuer.as_str()], appended);
    operations.extend(json_patch::of_volume(settings));
    render_template(
        TEMPLATE,
        context! {
            operations => patch(&operations),
            existing => list(&settings.existing()),
            public_keys => list(&settings.existing_public_keys),
        },
    )
}
