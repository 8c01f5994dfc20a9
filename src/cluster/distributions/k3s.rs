//! K3s: `kube-apiserver-arg`, in which `flag-=value` comes before the default, `flag+=value` behind it, and
//! `flag=value` in its place; repeated flags keep their order (k3s-io/k3s, `pkg/util/args.go`).
//!
//! The default issuer depends on the cluster's domain, so it is kept by prepending and never written down
//! a second time: kube-apiserver does not start with an issuer that comes twice.

use minijinja::context;

use crate::cluster::settings::{ApiServerSettings, DEFAULT_ISSUER, Order};
use crate::cluster::template::{common, render as render_template};
use crate::error::Result;

const TEMPLATE: &str = include_str!("../../../templates/k3s.yaml");

/// The configuration as YAML.
pub(crate) fn render(settings: &ApiServerSettings) -> Result<String> {
    render_for(settings, "K3s", "k3s", "k3s")
}

/// The same for K3s and what is built on it.
pub(crate) fn render_for(
    settings: &ApiServerSettings,
    name: &str,
    program: &str,
    service: &str,
) -> Result<String> {
    let existing = settings.existing();
    // What was named without the default is the whole list.
    let has_default = existing.is_empty() || existing.contains(&DEFAULT_ISSUER);
    let keeps_default = has_default && settings.order != Order::NewAlone;
    let (first, others) = if keeps_default {
        ("-=", "+=")
    } else {
        ("=", "=")
    };
    let mut arguments = Vec::new();
    for (index, issuer) in settings.issuers().into_iter().enumerate() {
        let sign = if index == 0 { first } else { others };
        if issuer != DEFAULT_ISSUER || !keeps_default {
            arguments.push(format!("service-account-issuer{sign}{issuer}"));
        }
    }
    let signing = settings.signing_key_file().into_iter();
    arguments.extend(signing.map(|path| format!("service-account-signing-key-file={path}")));
    let files = settings.public_key_files().into_iter();
    arguments.extend(files.map(|path| format!("service-account-key-file+={path}")));
    let jwks_uri = settings.jwks_uri().into_iter();
    arguments.extend(jwks_uri.map(|uri| format!("service-account-jwks-uri={uri}")));
    if let Some(audiences) = settings.given_audiences() {
        arguments.push(format!("api-audiences={}", audiences.join(",")));
    }
    render_template(
        TEMPLATE,
        context! { name, program, service, keeps_default, arguments, ..common(settings) },
    )
}
