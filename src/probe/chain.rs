//! The certificate chain that a server presents, and the thumbprint that IAM wants of it.

use aws_lc_rs::digest;
use rustls::pki_types::CertificateDer;
use schemars::JsonSchema;
use serde::Serialize;
use x509_cert::der::Decode;

use crate::error::{Error, Result};
use crate::iam::thumbprint::Thumbprint;
use crate::probe::connection;

/// A presented certificate.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct PresentedCertificate {
    /// Its subject (RFC 4514).
    pub subject: String,
    /// Its issuer (RFC 4514).
    pub issuer: String,
    /// RFC 3339, UTC.
    pub not_before: String,
    /// RFC 3339, UTC.
    pub not_after: String,
    /// The start in seconds since 1970.
    #[serde(skip)]
    pub not_before_seconds: u64,
    /// The end in seconds since 1970.
    #[serde(skip)]
    pub not_after_seconds: u64,
    /// SHA-1 of its DER, lower-case hex.
    pub sha1: Thumbprint,
    /// SHA-256 of its DER, lower-case hex.
    pub sha256: String,
}

/// The chain as presented, leaf first. It has verified against this machine's roots.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(transparent)]
pub struct Chain(Vec<PresentedCertificate>);

/// Connects and reads the chain.
pub async fn fetch(host: &str, port: u16) -> Result<Chain> {
    let stream = connection::connect(host, port).await?;
    let (_, session) = stream.get_ref();
    let presented = session.peer_certificates().unwrap_or_default();
    Chain::of(presented)
}

impl Chain {
    /// A chain as it was presented.
    pub fn of(presented: &[CertificateDer<'_>]) -> Result<Self> {
        let certificates = presented.iter().map(describe);
        certificates.collect::<Result<_>>().map(Self)
    }

    /// All of it.
    pub fn certificates(&self) -> &[PresentedCertificate] {
        &self.0
    }

    /// The server's own certificate.
    pub fn leaf(&self) -> Option<&PresentedCertificate> {
        self.0.first()
    }

    /// The last certificate presented: what IAM's console, its API and its documentation hash
    /// ("Obtain the thumbprint …", IAM User Guide). The path that verified may end elsewhere.
    pub fn last(&self, host: &str) -> Result<&PresentedCertificate> {
        match self.0.as_slice() {
            [_, .., last] => Ok(last),
            _ => Err(Error::failed(format!("cannot tell which certificate of {host} to take the thumbprint of"))
                .because("the server presents its own certificate alone, and a leaf's thumbprint ends with the next renewal")
                .hint("let the server send its intermediate certificates, or give --thumbprint or --no-thumbprint")),
        }
    }
}

fn describe(der: &CertificateDer<'_>) -> Result<PresentedCertificate> {
    let certificate = x509_cert::Certificate::from_der(der)
        .map_err(|e| Error::failed("cannot read a presented certificate").because(e))?;
    let certificate = certificate.tbs_certificate;
    Ok(PresentedCertificate {
        subject: certificate.subject.to_string(),
        issuer: certificate.issuer.to_string(),
        not_before: certificate.validity.not_before.to_date_time().to_string(),
        not_after: certificate.validity.not_after.to_date_time().to_string(),
        not_before_seconds: certificate.validity.not_before.to_unix_duration().as_secs(),
        not_after_seconds: certificate.validity.not_after.to_unix_duration().as_secs(),
        sha1: Thumbprint::of(der),
        sha256: digest::digest(&digest::SHA256, der)
            .as_ref()
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect(),
    })
}
