//! The pod identity webhook as the API server sees it.
//!
//! With failurePolicy Ignore, an ended certificate or a review version that it does not speak shows
//! nowhere: pods start, with no credentials or the node's.

use std::sync::Arc;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rustls::RootCertStore;
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::ServerCertVerifier;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use serde_json::Value;
use x509_cert::der::Decode;

use crate::verify::report::Check;
use crate::verify::tls;

/// A webhook of a MutatingWebhookConfiguration.
#[derive(Debug)]
pub struct Webhook<'a> {
    configuration: &'a Value,
    hook: &'a Value,
}

/// Kubernetes objects, those in lists one by one.
pub fn flat(objects: Vec<Value>) -> Vec<Value> {
    let flat = objects
        .into_iter()
        .flat_map(|object| match &object["items"] {
            Value::Array(items) => items.clone(),
            _ => vec![object],
        });
    flat.collect()
}

/// The pod identity webhooks among Kubernetes objects: those that are told of new pods and call
/// themselves so.
pub fn webhooks(objects: &[Value]) -> Vec<Webhook<'_>> {
    let configurations = objects
        .iter()
        .filter(|object| object["kind"] == "MutatingWebhookConfiguration");
    configurations
        .flat_map(|configuration| {
            let hooks = configuration["webhooks"].as_array().into_iter().flatten();
            hooks.map(move |hook| Webhook {
                configuration,
                hook,
            })
        })
        .filter(|webhook| {
            let name = webhook.hook["name"].as_str().unwrap_or_default();
            name.contains("pod-identity-webhook") || name.contains("iam-for-pods")
        })
        .collect()
}

impl Webhook<'_> {
    /// `SERVICE.NAMESPACE.svc`, which its certificate must name.
    pub fn dns_name(&self) -> String {
        let (name, namespace) = self.service();
        format!("{name}.{namespace}.svc")
    }

    /// The name and namespace of its Service.
    pub fn service(&self) -> (&str, &str) {
        let service = &self.hook["clientConfig"]["service"];
        let text = |field: &str| service[field].as_str().unwrap_or_default();
        (text("name"), text("namespace"))
    }

    fn place(&self) -> String {
        let name = self.configuration["metadata"]["name"].as_str();
        format!(
            "MutatingWebhookConfiguration {}, {}",
            name.unwrap_or_default(),
            self.hook["name"].as_str().unwrap_or_default()
        )
    }

    /// The CA certificates, PEM; none while cert-manager has yet to write them.
    fn ca_bundle(&self) -> Option<Vec<u8>> {
        let text = self.hook["clientConfig"]["caBundle"].as_str()?;
        STANDARD.decode(text).ok().filter(|pem| !pem.is_empty())
    }
}

/// The name of the Secret that the webhook's pods read: what a Deployment of its name mounts, or else what
/// 'irsactl webhook' calls it.
pub fn secret_name(objects: &[Value], webhook: &Webhook<'_>) -> String {
    let (service, namespace) = webhook.service();
    let deployment = objects.iter().find(|object| {
        object["kind"] == "Deployment"
            && object["metadata"]["name"] == service
            && object["metadata"]["namespace"] == namespace
    });
    let mounted = deployment.and_then(|deployment| {
        let volumes = deployment["spec"]["template"]["spec"]["volumes"].as_array()?;
        volumes
            .iter()
            .find_map(|volume| volume["secret"]["secretName"].as_str())
    });
    mounted.map_or_else(|| format!("{service}-cert"), str::to_owned)
}

/// The certificate chain in the webhook's Secret among the objects, PEM.
pub fn certificate_in(objects: &[Value], webhook: &Webhook<'_>) -> Option<Vec<u8>> {
    let (_, namespace) = webhook.service();
    let name = secret_name(objects, webhook);
    let secret = objects.iter().find(|object| {
        object["kind"] == "Secret"
            && object["metadata"]["name"] == name.as_str()
            && object["metadata"]["namespace"] == namespace
    })?;
    STANDARD.decode(secret["data"]["tls.crt"].as_str()?).ok()
}

/// All checks of one webhook; `serving` is its certificate chain, PEM, where it could be read.
pub fn check(webhook: &Webhook<'_>, serving: Result<&[u8], &str>, now: u64) -> Vec<Check> {
    let place = webhook.place();
    let mut checks = Vec::new();
    let annotations = &webhook.configuration["metadata"]["annotations"];
    let injected = annotations.get("cert-manager.io/inject-ca-from").is_some();
    let dns_name = webhook.dns_name();
    match (webhook.ca_bundle(), serving) {
        (None, _) if injected => checks.push(
            Check::skipped("webhook caBundle", &place, "cert-manager is to write it")
                .hint("look at the cluster's own: irsactl verify --webhook kubectl"),
        ),
        (None, _) => checks.push(
            Check::new("webhook caBundle", &place, false, "a CA certificate", "absent")
                .hint("without it the API server trusts no certificate of the webhook's: 'irsactl webhook' writes it"),
        ),
        (Some(_), Err(cause)) => {
            checks.push(Check::skipped("webhook certificate", &place, cause));
        }
        (Some(ca), Ok(serving)) => {
            let verified = verify_serving(&ca, serving, &dns_name, now);
            let expected = format!("a certificate for {dns_name} that the caBundle signed");
            let actual = match &verified {
                Ok(()) => "verified".to_owned(),
                Err(cause) => cause.clone(),
            };
            checks.push(
                Check::new("webhook certificate", &place, verified.is_ok(), expected, actual)
                    .hint("pods get no credentials, and with failurePolicy Ignore nobody is told: 'irsactl webhook --renew' with its --namespace and --name, then apply both files"),
            );
            if verified.is_ok()
                && let Some((seconds, text)) = ends(serving)
            {
                checks.push(tls::expiry(&dns_name, seconds, &text, now));
            }
        }
    }
    checks.push(review_versions(webhook, &place));
    checks.push(failure_policy(webhook, &place));
    checks
}

/// Released images, up to v0.6.17, answer without apiVersion and kind, which the API server takes for
/// v1beta1 only; it asks in the first version of the list that it knows.
fn review_versions(webhook: &Webhook<'_>, place: &str) -> Check {
    let versions = &webhook.hook["admissionReviewVersions"];
    let texts: Vec<&str> = versions
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect();
    Check::new(
        "webhook review versions",
        place,
        texts.first() == Some(&"v1beta1"),
        "v1beta1 first",
        texts.join(", "),
    )
    .hint("with v1 the API server says \"expected webhook response of admission.k8s.io/v1\", and pods get no credentials")
}

/// A webhook that must answer can keep a cluster from starting, its own pods first.
fn failure_policy(webhook: &Webhook<'_>, place: &str) -> Check {
    let policy = webhook.hook["failurePolicy"].as_str().unwrap_or("Fail");
    let selects = ["namespaceSelector", "objectSelector"].iter().any(|name| {
        webhook.hook[name]
            .as_object()
            .is_some_and(|selector| !selector.is_empty())
    });
    let excluded = webhook.hook["namespaceSelector"].to_string();
    let spares = policy != "Fail" || (selects && excluded.contains("kube-system"));
    let actual = match (policy, spares) {
        ("Fail", false) => "Fail, for kube-system too".to_owned(),
        (policy, _) => policy.to_owned(),
    };
    Check::new(
        "webhook failure policy",
        place,
        spares,
        "Ignore, or Fail with kube-system left out",
        actual,
    )
    .or_warn()
    .hint("a cluster that starts without the webhook cannot make the pods that the webhook needs: 'irsactl webhook --failure-policy Fail' leaves them out")
}

/// Verifies as the API server does: chain, time and name.
pub fn verify_serving(
    ca_pem: &[u8],
    serving_pem: &[u8],
    dns_name: &str,
    now: u64,
) -> Result<(), String> {
    let text = |cause: &dyn std::fmt::Display| cause.to_string();
    let mut roots = RootCertStore::empty();
    for ca in CertificateDer::pem_slice_iter(ca_pem) {
        let ca = ca.map_err(|e| text(&e))?;
        roots.add(ca).map_err(|e| text(&e))?;
    }
    let chain: Vec<CertificateDer<'_>> = CertificateDer::pem_slice_iter(serving_pem)
        .collect::<Result<_, _>>()
        .map_err(|e| text(&e))?;
    let (leaf, intermediates) = chain.split_first().ok_or("there is no certificate")?;
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let verifier = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider)
        .build()
        .map_err(|e| text(&e))?;
    let name = ServerName::try_from(dns_name).map_err(|e| text(&e))?;
    let now = UnixTime::since_unix_epoch(Duration::from_secs(now));
    verifier
        .verify_server_cert(leaf, intermediates, &name, &[], now)
        .map(|_| ())
        .map_err(|e| text(&e))
}

/// When the first certificate of a PEM chain ends: seconds since 1970, and RFC 3339.
pub fn ends(pem: &[u8]) -> Option<(u64, String)> {
    let der = CertificateDer::from_pem_slice(pem).ok()?;
    let certificate = x509_cert::Certificate::from_der(&der).ok()?;
    let ends = certificate.tbs_certificate.validity.not_after;
    Some((
        ends.to_unix_duration().as_secs(),
        ends.to_date_time().to_string(),
    ))
}
