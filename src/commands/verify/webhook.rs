//! `verify --webhook`: the webhook's manifests in a file, or what the cluster has.

use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use crate::error::{Error, Result};
use crate::output;
use crate::system::clock::now;
use crate::system::file;
use crate::system::kubectl::{kubectl, object_name};
use crate::verify::report::Check;
use crate::verify::webhook::{Webhook, certificate_in, check, flat, secret_name, webhooks};

/// All checks; `source` is a file, or `kubectl`.
pub(crate) async fn checks(source: &Path, kubeconfig: Option<&Path>) -> Result<Vec<Check>> {
    let (objects, live) = match source.to_str() {
        Some("kubectl") => {
            let arguments = ["get", "mutatingwebhookconfigurations", "-o", "json"];
            let json = kubectl(kubeconfig, &arguments).await.map_err(cannot_ask)?;
            let list = serde_json::from_slice(&json)
                .map_err(|e| cannot_ask(format!("its answer is not JSON: {e}")))?;
            (flat(vec![list]), true)
        }
        _ => (flat(read(source)?), false),
    };
    let found = webhooks(&objects);
    if found.is_empty() {
        let place = output::path(source);
        let expected = "a MutatingWebhookConfiguration of the pod identity webhook";
        return Ok(vec![
            Check::new("webhook", place, false, expected, "there is none")
                .hint("'irsactl webhook' prints its manifests; without it pods need 'irsactl role --without-webhook'"),
        ]);
    }
    let now = now()?;
    let mut checks = Vec::new();
    for webhook in &found {
        let serving = if live {
            live_certificate(webhook, kubeconfig).await
        } else {
            certificate_in(&objects, webhook).ok_or_else(|| {
                format!(
                    "no Secret {} is in the file",
                    secret_name(&objects, webhook)
                )
            })
        };
        let serving = serving.as_deref().map_err(String::as_str);
        checks.extend(check(webhook, serving, now));
    }
    Ok(checks)
}

/// The certificate alone: the Secret's key is not asked for.
async fn live_certificate(
    webhook: &Webhook<'_>,
    kubeconfig: Option<&Path>,
) -> std::result::Result<Vec<u8>, String> {
    let (service, namespace) = webhook.service();
    let (service, namespace) = (object_name(service)?, object_name(namespace)?);
    let named = ["-n", namespace, "get", "--ignore-not-found", "-o", "json"];
    let named = [&named[..], &["--", "deployment", service]].concat();
    let deployment = kubectl(kubeconfig, &named).await?;
    let deployment = serde_json::from_slice(&deployment).unwrap_or_default();
    let secret = secret_name(&[deployment], webhook);
    let secret = object_name(&secret)?;
    let jsonpath = r"jsonpath={.data.tls\.crt}";
    let arguments = [
        "-n", namespace, "get", "-o", jsonpath, "--", "secret", secret,
    ];
    let text = kubectl(kubeconfig, &arguments).await?;
    let decoded = STANDARD.decode(&text).ok().filter(|pem| !pem.is_empty());
    decoded.ok_or_else(|| format!("Secret {namespace}/{secret} has no tls.crt"))
}

fn read(path: &Path) -> Result<Vec<Value>> {
    let text = file::read_key(path)?;
    let text = String::from_utf8_lossy(&text);
    serde_saphyr::from_multiple(&text).map_err(|cause| {
        Error::failed(format!("cannot read {}", output::path(path)))
            .because(cause.without_snippet())
    })
}

fn cannot_ask(cause: String) -> Error {
    Error::failed("cannot ask the cluster for its webhooks")
        .because(cause)
        .hint("give a file in place of kubectl, or another --kubeconfig")
}
