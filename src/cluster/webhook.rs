//! The Amazon EKS Pod Identity Webhook: its manifests, or the values of the Helm chart that installs it.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use minijinja::context;

use crate::cluster::template::render;
use crate::error::{Error, Result, shell_quoted};

/// The newest released image (CI of aws/amazon-eks-pod-identity-webhook pushes it there), by the digest of its
/// manifest list: a tag can be moved.
pub const IMAGE: &str = "public.ecr.aws/eks/amazon-eks-pod-identity-webhook:v0.6.17@sha256:3071570e8e8cba6d5aff01e86d52bc91025a0578782aa9cd2b681480845b0a50";

/// What the webhook is to be like.
#[derive(Clone, Debug)]
pub struct WebhookSettings<'a> {
    /// The name of all its objects.
    pub name: &'a str,
    /// Its namespace, which must be there.
    pub namespace: &'a str,
    /// Its image, with a tag.
    pub image: &'a str,
    /// How many pods.
    pub replicas: u16,
    /// `Ignore` or `Fail`: what the API server does with a new pod when the webhook does not answer.
    pub failure_policy: &'a str,
    /// The audience of the tokens.
    pub audience: &'a str,
    /// The region whose STS pods ask.
    pub region: &'a str,
    /// The CA certificate of a serving certificate made here, PEM; none for cert-manager's.
    pub ca_pem: Option<&'a str>,
    /// The file that the Secret of that certificate is written to.
    pub secret_file: &'a str,
}

impl WebhookSettings<'_> {
    /// The DNS name that the API server asks for (`pkg/util/webhook/client.go` of k8s.io/apiserver).
    pub fn dns_name(&self) -> String {
        format!("{}.{}.svc", self.name, self.namespace)
    }

    /// The manifests, without the Secret of the serving certificate.
    pub fn manifests(&self) -> Result<String> {
        let values = context! {
            ca_base64 => self.ca_pem.map(|pem| STANDARD.encode(pem)),
            ..self.values()
        };
        render(include_str!("../../templates/webhook.yaml"), values)
    }

    /// Values of the Helm chart.
    pub fn helm_values(&self) -> Result<String> {
        let split = self.image.split_once('/').and_then(|(registry, rest)| {
            // A tag may have a digest behind it, which the chart writes as it is.
            let (repository, tag) = rest.split_once(':')?;
            Some((registry, repository, tag))
        });
        let Some((image_registry, image_repository, image_tag)) = split else {
            return Err(
                Error::usage(format!("cannot take the image '{}' apart", self.image))
                    .because("the chart wants REGISTRY/REPOSITORY:TAG"),
            );
        };
        let values = context! {
            image_registry,
            image_repository,
            image_tag,
            ca_pem => self.ca_pem,
            ..self.values()
        };
        render(
            include_str!("../../templates/webhook-helm-values.yaml"),
            values,
        )
    }

    /// The Secret with the serving certificate and its key: keep it to yourself.
    pub fn secret(&self, certificate_pem: &str, key_pem: &str) -> Result<String> {
        let values = context! {
            name => self.name,
            namespace => self.namespace,
            tls_crt_base64 => STANDARD.encode(certificate_pem),
            tls_key_base64 => STANDARD.encode(key_pem),
        };
        render(
            include_str!("../../templates/webhook-certificate.yaml"),
            values,
        )
    }

    fn values(&self) -> minijinja::Value {
        context! {
            name => self.name,
            namespace => self.namespace,
            image => self.image,
            replicas => self.replicas,
            failure_policy => self.failure_policy,
            certificate => if self.ca_pem.is_some() { "self-signed" } else { "cert-manager" },
            audience => self.audience,
            region => self.region,
            secret_file => shell_quoted(self.secret_file),
        }
    }
}
