//! `webhook`: the manifests of the pod identity webhook, and its serving certificate where
//! cert-manager does not make it.

use std::path::{Path, PathBuf};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use clap::{Args, ValueEnum};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;
use zeroize::Zeroizing;

use crate::cluster::image::image;
use crate::cluster::webhook::{IMAGE, WebhookSettings};
use crate::cluster::webhook_certificate::{self, Pair};
use crate::config::names::dns_label;
use crate::config::{Global, resolve};
use crate::error::{Error, Exit, Result, shell_path};
use crate::keys::private_file;
use crate::output::{self, Answer};
use crate::system::clock::now;
use crate::system::file;
use crate::verify::webhook::{ends, verify_serving};

/// Options of `webhook`.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  irsactl webhook --region us-west-2
  irsactl webhook --region us-west-2 --certificate self-signed > webhook.yaml
  irsactl webhook --region us-west-2 --renew > webhook.yaml
  irsactl webhook --region us-west-2 --format helm-values

Prints the manifests of the Amazon EKS Pod Identity Webhook. cert-manager renews its certificate; a \
self-signed one is made here, by an authority in the issuer directory, and its Secret is written to a \
file that only you can read. Look at them in the cluster with: irsactl verify --webhook kubectl")]
pub struct Webhook {
    /// The namespace, which must be there
    #[arg(long, default_value = "kube-system", value_name = "NAME", value_parser = dns_label)]
    namespace: String,
    /// The name of all objects
    #[arg(long, default_value = "pod-identity-webhook", value_name = "NAME", value_parser = name)]
    name: String,
    /// The image
    #[arg(long, default_value = IMAGE, value_name = "IMAGE", value_parser = image)]
    image: String,
    /// How many pods
    #[arg(long, default_value = "2", value_name = "N", value_parser = clap::value_parser!(u16).range(1..=100))]
    replicas: u16,
    /// Who makes the serving certificate: cert-manager or self-signed [default: cert-manager]
    #[arg(long, value_enum, value_name = "HOW", hide_possible_values = true)]
    certificate: Option<Certificate>,
    /// Make a new self-signed certificate, of the same authority
    #[arg(long)]
    renew: bool,
    /// The Secret of the self-signed certificate [default: webhook-certificate.yaml in --dir]
    #[arg(long, value_name = "FILE")]
    secret_file: Option<PathBuf>,
    /// What happens to new pods while the webhook does not answer: Ignore or Fail
    #[arg(
        long,
        value_enum,
        default_value = "Ignore",
        value_name = "POLICY",
        hide_possible_values = true
    )]
    failure_policy: FailurePolicy,
    /// The audience of the tokens
    #[arg(long, default_value = "sts.amazonaws.com", value_name = "AUDIENCE")]
    audience: String,
    /// What to print: manifests, or helm-values for the chart amazon-eks-pod-identity-webhook
    #[arg(
        long,
        value_enum,
        default_value = "manifests",
        value_name = "FORMAT",
        hide_possible_values = true
    )]
    format: Format,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Certificate {
    CertManager,
    SelfSigned,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
#[value(rename_all = "PascalCase")]
enum FailurePolicy {
    Ignore,
    Fail,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    Manifests,
    HelmValues,
}

#[derive(Serialize, JsonSchema)]
pub(crate) struct WebhookAnswer {
    manifests: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    certificate: Option<Made>,
}

/// A self-signed certificate, less its key.
#[derive(Serialize, JsonSchema)]
struct Made {
    dns_name: String,
    not_after: String,
    authority_not_after: String,
    secret_file: String,
    #[serde(skip)]
    authority_pem: String,
}

impl Answer for WebhookAnswer {
    fn text(&self) -> String {
        self.manifests.clone()
    }
}

impl Webhook {
    pub(crate) async fn run(self, global: &Global) -> Result<Exit> {
        let region = resolve::region(global).await?;
        let certificate = self.certificate.unwrap_or(if self.renew {
            Certificate::SelfSigned
        } else {
            Certificate::CertManager
        });
        let ours = self.renew || self.secret_file.is_some();
        if certificate == Certificate::CertManager && ours {
            return Err(Error::usage(
                "cannot renew or write a certificate that cert-manager makes",
            )
            .hint("give --certificate self-signed, or leave --renew and --secret-file away"));
        }
        let secret_file = self.secret_file(global);
        let secret_file = output::path(&secret_file);
        let settings = WebhookSettings {
            name: &self.name,
            namespace: &self.namespace,
            image: &self.image,
            replicas: self.replicas,
            failure_policy: match self.failure_policy {
                FailurePolicy::Ignore => "Ignore",
                FailurePolicy::Fail => "Fail",
            },
            audience: &self.audience,
            region: &region,
            ca_pem: None,
            secret_file: &secret_file,
        };
        let certificate = match certificate {
            Certificate::CertManager => None,
            Certificate::SelfSigned => Some(self.certificate(global, &settings)?),
        };
        let settings = WebhookSettings {
            ca_pem: certificate.as_ref().map(|made| made.authority_pem.as_str()),
            ..settings
        };
        let manifests = match self.format {
            Format::Manifests => settings.manifests()?,
            Format::HelmValues => settings.helm_values()?,
        };
        let answer = WebhookAnswer {
            manifests,
            certificate,
        };
        output::print(&answer, global.output)?;
        Ok(Exit::Done)
    }

    fn secret_file(&self, global: &Global) -> PathBuf {
        let given = self.secret_file.clone();
        given.unwrap_or_else(|| global.dir.join("webhook-certificate.yaml"))
    }

    /// The certificate that is there, or a new one.
    fn certificate(&self, global: &Global, settings: &WebhookSettings<'_>) -> Result<Made> {
        let now = now()?;
        let secret_file = self.secret_file(global);
        if self.renew {
            file::refuse_others(&secret_file, CERTIFICATE, is_certificate)?;
        }
        let authority = authority(&global.dir, now)?;
        let dns_name = settings.dns_name();
        let kept = if file::exists(&secret_file)? && !self.renew {
            Some(certificate_of(&secret_file)?)
        } else {
            None
        };
        let certificate = match kept {
            Some(kept) => {
                let ca = authority.certificate.as_bytes();
                verify_serving(ca, &kept, &dns_name, now).map_err(|cause| {
                    Error::refused(format!(
                        "cannot use the certificate in {}",
                        output::path(&secret_file)
                    ))
                    .because(cause)
                    .hint("make a new one with --renew, and apply both files again")
                })?;
                kept
            }
            None => {
                let made = webhook_certificate::serving(&authority, &dns_name, seconds(now))
                    .map_err(|e| {
                        Error::failed("cannot make the webhook's certificate").because(e)
                    })?;
                let secret = Zeroizing::new(settings.secret(&made.certificate, &made.key)?);
                private_file::replace(
                    &secret_file,
                    secret.as_bytes(),
                    CERTIFICATE,
                    is_certificate,
                )?;
                output::say(format_args!(
                    "new certificate for {dns_name}; apply it first: kubectl apply --server-side -f {}",
                    output::sanitized(&shell_path(&secret_file))
                ));
                made.certificate.into_bytes()
            }
        };
        let (_, not_after) = ends(&certificate).unwrap_or_default();
        let (_, authority_not_after) = ends(authority.certificate.as_bytes()).unwrap_or_default();
        output::say(format_args!(
            "the certificate ends {not_after}, its authority {authority_not_after}; before then: irsactl webhook --renew, with the same names, and apply both files"
        ));
        Ok(Made {
            dns_name,
            not_after,
            authority_not_after,
            secret_file: output::path(&secret_file),
            authority_pem: authority.certificate,
        })
    }
}

/// The authority in the issuer directory: certificate and key in one private file, so that neither is
/// ever there alone.
fn authority(dir: &Path, now: u64) -> Result<Pair> {
    let path = dir.join("webhook-ca.pem");
    if !file::exists(&path)? {
        let made = webhook_certificate::authority(seconds(now)).map_err(|e| {
            Error::failed("cannot make the webhook's certificate authority").because(e)
        })?;
        let both = Zeroizing::new(format!("{}{}", made.certificate, *made.key));
        private_file::write(&path, both.as_bytes())?;
        output::say(format_args!(
            "new certificate authority: {}",
            output::path(&path)
        ));
        return Ok(made);
    }
    private_file::warn_of_others(&path);
    let text = file::read_private(&path)?;
    let parts = std::str::from_utf8(&text).ok().and_then(|text| {
        let key = text.find("-----BEGIN PRIVATE KEY-----")?;
        Some((&text[..key], &text[key..]))
    });
    let Some((certificate, key)) =
        parts.filter(|(certificate, _)| ends(certificate.as_bytes()).is_some())
    else {
        return Err(Error::failed(format!("cannot use {}", output::path(&path)))
            .because("it is not a certificate with its key, as 'irsactl webhook' writes it")
            .hint("move it away and run again; the new authority comes with new manifests"));
    };
    Ok(Pair {
        certificate: certificate.to_owned(),
        key: Zeroizing::new(key.to_owned()),
    })
}

/// What may be renewed.
const CERTIFICATE: &str = "a webhook's certificate";

/// Whether a file holds a Secret as it is written here (templates/webhook-certificate.yaml): nothing else is
/// replaced by a new one.
fn is_certificate(text: &[u8]) -> bool {
    text.starts_with(b"# SECRET: the private key of the pod identity webhook")
}

/// The certificate in a Secret that was written here.
fn certificate_of(path: &Path) -> Result<Vec<u8>> {
    let cannot = || Error::failed(format!("cannot use {}", output::path(path)));
    let text = file::read_private(path)?;
    let secret: Value =
        serde_saphyr::from_slice(&text).map_err(|e| cannot().because(e.without_snippet()))?;
    let certificate = secret["data"]["tls.crt"].as_str().unwrap_or_default();
    match STANDARD.decode(certificate) {
        Ok(pem) if !pem.is_empty() => Ok(pem),
        _ => Err(cannot()
            .because("it has no tls.crt")
            .hint("make a new one with --renew")),
    }
}

fn seconds(now: u64) -> i64 {
    i64::try_from(now).unwrap_or(i64::MAX)
}

/// A Service's name (RFC 1035), and short enough for what is made of it.
pub(crate) fn name(text: &str) -> std::result::Result<String, String> {
    match dns_label(text) {
        Ok(name) if name.len() <= 50 && name.starts_with(|c: char| c.is_ascii_lowercase()) => {
            Ok(name)
        }
        _ => Err("it begins with a letter and has at most 50 lower-case letters, digits and inner hyphens".to_owned()),
    }
}
