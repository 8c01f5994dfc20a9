//! `thumbprint`: the SHA-1 that IAM wants of the issuer's TLS chain.

use clap::Args;
use schemars::JsonSchema;
use serde::Serialize;

use crate::config::names::IssuerNames;
use crate::config::{Global, resolve};
use crate::error::{Error, Exit, Result};
use crate::iam::thumbprint::Thumbprint;
use crate::oidc::issuer::Issuer;
use crate::output::{self, Answer};
use crate::probe::chain::{self, Chain};

/// Options of `thumbprint`.
#[derive(Args, Debug)]
#[command(
    override_usage = "irsactl thumbprint [--issuer URL | --bucket BUCKET | --cluster NAME | HOST[:PORT]]"
)]
#[command(after_help = "\
Examples:
  irsactl thumbprint s3.us-west-2.amazonaws.com
  irsactl thumbprint --bucket my-issuer --region us-west-2 -o json

The thumbprint is the SHA-1 of the last certificate that the server presents, from a chain that \
verified. With -o json the whole chain is printed.")]
pub struct ThumbprintArgs {
    /// A TLS server, instead of an issuer's
    #[arg(value_name = "HOST[:PORT]", conflicts_with_all = ["issuer", "bucket", "prefix", "cluster"])]
    host: Option<String>,
    #[command(flatten)]
    issuer: IssuerNames,
}

#[derive(Serialize, JsonSchema)]
pub(crate) struct ThumbprintAnswer {
    host: String,
    port: u16,
    thumbprint: Thumbprint,
    chain: Chain,
}

impl Answer for ThumbprintAnswer {
    fn text(&self) -> String {
        format!("{}\n", self.thumbprint)
    }
}

impl ThumbprintArgs {
    pub(crate) async fn run(self, global: &Global) -> Result<Exit> {
        let (host, port) = match &self.host {
            Some(text) => host_and_port(text)?,
            None => {
                let issuer = resolve::issuer(global, &self.issuer).await?;
                match self.issuer.issuer {
                    Some(_) => (jwks_host(&issuer).await, 443),
                    None => (issuer.host().to_owned(), 443),
                }
            }
        };
        let chain = chain::fetch(&host, port).await?;
        let last = chain.last(&host)?;
        output::say(format_args!(
            "subject of the last certificate: {}",
            output::sanitized(&last.subject)
        ));
        output::say(
            "note: AWS ignores the thumbprint when the issuer's certificate is signed by a root that AWS trusts, as that of Amazon S3 is",
        );
        let thumbprint = last.sha1.clone();
        output::print(
            &ThumbprintAnswer {
                host,
                port,
                thumbprint,
                chain,
            },
            global.output,
        )?;
        Ok(Exit::Done)
    }
}

async fn jwks_host(issuer: &Issuer) -> String {
    resolve::jwks_host(issuer).await.unwrap_or_else(|| {
        output::say(format_args!(
            "note: {} cannot be read, so the certificate of the issuer's own host is taken",
            issuer.discovery_url()
        ));
        issuer.host().to_owned()
    })
}

fn host_and_port(text: &str) -> Result<(String, u16)> {
    let (host, port) = text.rsplit_once(':').unwrap_or((text, "443"));
    let allowed = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'.';
    match port.parse() {
        Ok(port) if port != 0 && !host.is_empty() && host.bytes().all(allowed) => {
            Ok((host.to_owned(), port))
        }
        _ => Err(Error::usage(format!(
            "cannot use '{}' as HOST[:PORT]",
            text.escape_debug()
        ))
        .hint("for an issuer's URL, write --issuer URL")),
    }
}
