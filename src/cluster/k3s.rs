//! K3s: `kube-apiserver-arg`, in which `flag-=value` comes before the default, `flag+=value` behind it, and
//! `flag=value` in its place; repeated flags keep their order (k3s-io/k3s, `pkg/util/args.go`).
//!
//! The default issuer depends on the cluster's domain, so it is kept by prepending and never written down
//! a second time: kube-apiserver does not start with an issuer that comes twice.

use minijinja::context;

use crate::error::Result;

use super::settings::{ApiServerSettings, DEFAULT_ISSUER};
use super::template::render as render_template;

const TEMPLATE: &str = include_str!("../../templates/k3s.yaml");

/// The configuration as YAML.
pub fn render(settings: &ApiServerSettings) -> Result<String> {
    render_for(settings, "K3s", "k3s", "k3s")
}

/// The same for K3s and what is built on it.
pub(super) fn render_for(
    settings: &ApiServerSettings,
    name: &str,
    program: &str,
    service: &str,
) -> Result<String> {
    let existing = settings.existing();
    // What was named without the default is the whole list.
    let prepends = existing.is_empty() || existing.contains(&DEFAULT_ISSUER);
    let (first, others) = match prepends {
        true => ("-=", "+="),
        false => ("=", "="),
    };
    let mut arguments = vec![format!("service-account-issuer{first}{}", settings.issuer)];
    let others_than_default = existing.iter().filter(|issuer| **issuer != DEFAULT_ISSUER);
    arguments.extend(
        others_than_default.map(|issuer| format!("service-account-issuer{others}{issuer}")),
    );
    arguments.push(format!(
        "service-account-signing-key-file={}",
        settings.signing_key_file()
    ));
    let files = settings.public_key_files();
    arguments.extend(
        files
            .iter()
            .map(|path| format!("service-account-key-file+={path}")),
    );
    arguments.push(format!(
        "service-account-jwks-uri={}",
        settings.issuer.jwks_uri()
    ));
    if let Some(audiences) = settings.given_audiences() {
        arguments.push(format!("api-audiences={}", audiences.join(",")));
    }
    render_template(
        TEMPLATE,
        context! { name, program, service, prepends, arguments, node_dir => settings.node_dir.as_str() },
    )
}
