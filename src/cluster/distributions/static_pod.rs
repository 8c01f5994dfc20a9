//! A patch of kube-apiserver's static pod, whoever wrote the manifest.
//!
//! The manifest holds what the cluster has now, so the patch only puts the new settings where they
//! win (see [`json_patch`](crate::cluster::json_patch)). Audiences are left alone: where the manifest has none,
//! kube-apiserver takes all issuers.

use minijinja::context;

use crate::cluster::json_patch;
use crate::cluster::settings::{ApiServerSettings, Order};
use crate::cluster::template::{common, list, patch, render as render_template};
use crate::error::{Error, Result};

const TEMPLATE: &str = include_str!("../../../templates/static-pod.yaml");

/// The patch as YAML.
pub(crate) fn render(settings: &ApiServerSettings) -> Result<String> {
    if settings.order == Order::NewAlone {
        return Err(Error::refused("cannot drop an issuer in the form static-pod")
            .because("a JSON patch takes a flag away by its place, which only the manifest knows")
            .hint("take its --service-account-issuer out of the manifest of every control-plane node by hand"));
    }
    let audiences = settings.given_audiences();
    let flags = [
        (
            "service-account-signing-key-file",
            settings.signing_key_file(),
        ),
        ("service-account-key-file", settings.public_key_file()),
        ("service-account-jwks-uri", settings.jwks_uri()),
        (
            "api-audiences",
            audiences.map(|audiences| audiences.join(",")),
        ),
    ];
    let flags = flags.into_iter();
    let flags = flags.filter_map(|(name, value)| Some((name, value?)));
    let new = settings.issuer.as_str();
    let mut operations = match settings.order {
        Order::NewLast => {
            let last = ("service-account-issuer", new.to_owned());
            json_patch::of_command([], [last].into_iter().chain(flags))
        }
        Order::NewFirst | Order::NewAlone => json_patch::of_command([new], flags),
    };
    if let Some(node_dir) = settings.node_dir() {
        operations.extend(json_patch::of_volume(node_dir));
    }
    render_template(
        TEMPLATE,
        context! {
            operations => patch(&operations),
            public_keys => list(&settings.existing_public_keys),
            ..common(settings)
        },
    )
}
