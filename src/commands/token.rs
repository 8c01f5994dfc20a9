//! `token`: mint a test token with the signing key, and take any token apart.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;
use url::Url;

use crate::config::key_store::KeyStoreOptions;
use crate::config::names::{self, IssuerNames};
use crate::config::{Global, resolve};
use crate::error::{Error, Exit, Result};
use crate::inspect::cluster::read_token;
use crate::keys::{self, private_file, public};
use crate::oidc::issuer::Issuer;
use crate::oidc::jwks::JwkSet;
use crate::oidc::subject::Subject;
use crate::oidc::token::{self, Claims, Token};
use crate::output::{self, Answer, report};
use crate::probe::document;
use crate::system::clock::now;
use crate::verify::report::Report;
use crate::verify::token as checks;

/// Subcommands of `token`.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  irsactl token decode test.jwt")]
pub struct TokenArgs {
    #[command(subcommand)]
    command: TokenCommand,
}

#[derive(Debug, Subcommand)]
enum TokenCommand {
    /// Sign a test token with the key of the issuer directory
    Mint(Mint),
    /// Take a token apart, and check it against keys or an issuer
    Decode(Decode),
}

/// Options of `token mint`.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  irsactl token mint --cluster demo --region us-west-2 --out test.jwt
  irsactl token mint --issuer https://oidc.example.com --subject default/app --stdout

The token is as good as one of the API server's: whoever has it can assume the subject's roles \
until it ends.")]
struct Mint {
    #[command(flatten)]
    issuer: IssuerNames,
    #[command(flatten)]
    key_store: KeyStoreOptions,
    /// The service account, as NAMESPACE/NAME or as the whole subject
    #[arg(
        long,
        default_value = "system:serviceaccount:irsactl:verify",
        value_name = "SUBJECT"
    )]
    subject: Subject,
    /// The audience
    #[arg(long, default_value = "sts.amazonaws.com", value_name = "AUDIENCE")]
    audience: String,
    /// How long it is good, in seconds, up to a day
    #[arg(long, default_value = "600", value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..=86_400))]
    duration: u64,
    /// Write it to a new file, mode 0600
    #[arg(
        long,
        value_name = "FILE",
        required_unless_present = "stdout",
        conflicts_with = "stdout"
    )]
    out: Option<PathBuf>,
    /// Print it
    #[arg(long)]
    stdout: bool,
}

/// Options of `token decode`.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  irsactl token decode test.jwt
  irsactl token decode test.jwt --audience sts.amazonaws.com
  irsactl token decode test.jwt --public-key issuer/sa-signer.pub

Without keys or an issuer nothing vouches for what it says. A failed check ends with 3.")]
struct Decode {
    /// The token's file, - for standard input
    #[arg(default_value = "-", value_name = "FILE")]
    token: PathBuf,
    /// Check it with the keys in this file; repeat it for several
    #[arg(long, value_name = "FILE", conflicts_with = "issuer")]
    public_key: Vec<PathBuf>,
    /// Check it against this issuer, whose published documents are fetched
    #[arg(long, value_name = "URL")]
    issuer: Option<String>,
    /// Check that it is for this audience
    #[arg(long, value_name = "AUDIENCE")]
    audience: Option<String>,
    /// Show the signature too
    #[arg(long)]
    signature: bool,
}

#[derive(Serialize, JsonSchema)]
pub(crate) struct MintAnswer {
    issuer: Issuer,
    subject: Subject,
    expires: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    file: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    token: Option<String>,
}

impl Answer for MintAnswer {
    fn text(&self) -> String {
        match (&self.token, &self.file) {
            (Some(token), _) => format!("{token}\n"),
            (None, Some(file)) => format!("{file}\n"),
            (None, None) => String::new(),
        }
    }
}

#[derive(Serialize, JsonSchema)]
pub(crate) struct DecodeAnswer {
    header: Value,
    claims: Value,
    #[serde(skip_serializing_if = "Option::is_none")]
    signature: Option<String>,
    checks: Report,
}

impl Answer for DecodeAnswer {
    fn text(&self) -> String {
        let mut text = format!(
            "header {}\nclaims {}\n",
            output::sanitized_json(&self.header),
            output::sanitized_json(&self.claims)
        );
        if let Some(signature) = &self.signature {
            text += &format!("signature {signature}\n");
        }
        text + "\n" + &report::text(&self.checks)
    }
}

impl TokenArgs {
    pub(crate) async fn run(self, global: &Global) -> Result<Exit> {
        match self.command {
            TokenCommand::Mint(mint) => mint.run(global).await,
            TokenCommand::Decode(decode) => decode.run(global).await,
        }
    }
}

impl Mint {
    async fn run(self, global: &Global) -> Result<Exit> {
        let cluster = self.issuer.names.cluster.as_deref();
        let store = keys::connect(global, &self.key_store, cluster, false).await?;
        let key = keys::signing_key(&global.dir, store.as_ref())?;
        let issuer = resolve::issuer(global, &self.issuer).await?;
        let now = now()?;
        let claims = Claims::between(
            &issuer,
            &self.subject,
            &self.audience,
            now,
            now + self.duration,
        );
        let token = token::mint(&key, &claims)
            .map_err(|cause| Error::failed("cannot sign a token").because(cause))?;
        if let Some(path) = &self.out {
            // As the kubelet writes it: SDKs send the file as it is, and STS takes no newline.
            private_file::write(path, token.as_bytes())?;
        }
        let answer = MintAnswer {
            issuer,
            subject: self.subject,
            expires: checks::time_text(claims.exp),
            token: self.out.is_none().then_some(token),
            file: self.out.as_deref().map(output::path),
        };
        output::print(&answer, global.output)?;
        Ok(Exit::Done)
    }
}

impl Decode {
    async fn run(self, global: &Global) -> Result<Exit> {
        let text = read_token(&self.token).await?;
        let token = Token::parse(&text).map_err(|cause| {
            Error::failed(format!("cannot take {} apart", self.token.display())).because(cause)
        })?;
        let mut report = Report(vec![
            checks::required_claims(&token),
            checks::times(&token, now()?),
        ]);
        if let Some(url) = &self.issuer {
            let issuer = names::parse_issuer(url)?;
            report.0.push(checks::issuer(&token, &issuer));
            report
                .0
                .push(checks::signature(&token, &published_keys(&issuer).await?));
        } else if !self.public_key.is_empty() {
            report
                .0
                .push(checks::signature(&token, &public::read(&self.public_key)?));
        } else {
            report.0.push(checks::signature_skipped());
        }
        report.0.extend(
            self.audience
                .as_deref()
                .map(|audience| checks::audience(&token, &[audience.to_owned()])),
        );
        let exit = if report.failed() {
            Exit::Drift
        } else {
            Exit::Done
        };
        let answer = DecodeAnswer {
            signature: self.signature.then(|| token.signature_text()),
            header: token.header,
            claims: token.claims,
            checks: report,
        };
        output::print(&answer, global.output)?;
        Ok(exit)
    }
}

/// The JWK Set that an issuer publishes, found as STS finds it.
async fn published_keys(issuer: &Issuer) -> Result<JwkSet> {
    let discovery = get(&issuer.discovery_url()).await?;
    let discovery: Value = serde_json::from_slice(&discovery).map_err(|cause| {
        Error::failed(format!("cannot read {}", issuer.discovery_url())).because(cause)
    })?;
    let jwks_uri = discovery["jwks_uri"].as_str().unwrap_or_default();
    let keys = get(jwks_uri).await?;
    JwkSet::parse(&keys)
        .map_err(|cause| Error::failed(format!("cannot use {jwks_uri}")).because(cause))
}

pub(crate) async fn get(url: &str) -> Result<Vec<u8>> {
    let parsed = match Url::parse(url) {
        Ok(parsed) if parsed.scheme() == "https" => parsed,
        _ => {
            return Err(
                Error::failed(format!("cannot fetch {url:?}")).because("it is not an https URL")
            );
        }
    };
    let answer = document::fetch(&parsed).await?;
    match answer.status {
        200 => Ok(answer.body),
        status => Err(Error::failed(format!("cannot fetch {url}"))
            .because(format!("HTTP status {status}"))
            .hint("STS reads it the same way: publish it, and let everybody read it")),
    }
}
