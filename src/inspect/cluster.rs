//! What the cluster itself says, where `verify` is given it: by files, or through kubectl.

use std::path::{Path, PathBuf};

use clap::Args;

use crate::error::{Error, Result};
use crate::oidc::issuer::Issuer;
use crate::oidc::jwks::JwkSet;
use crate::oidc::token::{MAX_LEN, Token};
use crate::output;
use crate::system::clock::now;
use crate::system::input;
use crate::system::kubectl::kubectl;
use crate::verify::cluster::{self, Source};
use crate::verify::report::Check;
use crate::verify::token as checks;

/// A JWK Set of a hundred keys is smaller.
const MAX: u64 = 1 << 20;

/// What to compare the published documents with.
#[derive(Args, Debug)]
#[command(next_help_heading = "Cluster options")]
pub(crate) struct ClusterOptions {
    /// The API server's keys, of: kubectl get --raw /openid/v1/jwks; - for standard input
    #[arg(long, value_name = "FILE", conflicts_with = "kubeconfig")]
    cluster_jwks: Option<PathBuf>,
    /// Its discovery document, of: kubectl get --raw /.well-known/openid-configuration
    #[arg(long, value_name = "FILE", conflicts_with = "kubeconfig")]
    cluster_discovery: Option<PathBuf>,
    /// Ask the API server for both, through kubectl
    #[arg(long, value_name = "FILE")]
    kubeconfig: Option<PathBuf>,
    /// A token of a pod, which AWS is to accept; - for standard input
    #[arg(long, value_name = "FILE")]
    token: Option<PathBuf>,
}

impl ClusterOptions {
    /// Where kubectl finds the cluster.
    pub(crate) fn kubeconfig(&self) -> Option<&Path> {
        self.kubeconfig.as_deref()
    }

    /// Whether the cluster's documents or a token are to be looked at; --kubeconfig alone may be for the
    /// webhook.
    pub(crate) fn is_asked_for(&self) -> bool {
        self.cluster_jwks.is_some() || self.cluster_discovery.is_some() || self.token.is_some()
    }

    /// Standard input is one document.
    pub(crate) fn check(&self) -> Result<()> {
        let files = [&self.cluster_jwks, &self.cluster_discovery, &self.token];
        let inputs = files
            .iter()
            .filter(|file| file.as_deref() == Some(Path::new("-")));
        match inputs.count() {
            0 | 1 => Ok(()),
            _ => Err(Error::usage("cannot read two things from standard input")
                .hint("give - once, and files for the others")),
        }
    }

    /// The checks that were asked for; `live` are the API server's keys. What cannot be read is a check that fails: a question that was
    /// asked must not go unanswered.
    pub(crate) async fn checks(
        &self,
        issuer: &Issuer,
        published: Option<&JwkSet>,
        live: Option<&Source>,
        audiences: &[String],
    ) -> Result<Vec<Check>> {
        let kids: Vec<String> = published
            .map(|set| set.kids().map(|kid| kid.as_str().to_owned()).collect())
            .unwrap_or_default();
        let mut found = Vec::new();
        if let Some(source) = self.discovery().await {
            found.extend(cluster::discovery(&source, issuer));
        }
        if let Some(source) = live {
            found.extend(match published {
                Some(_) => cluster::keys(source, &kids),
                None => vec![Check::skipped(
                    "cluster keys",
                    &source.place,
                    "the published keys cannot be read, see above",
                )],
            });
        }
        if let Some(token) = self.token().await? {
            found.extend([
                checks::required_claims(&token),
                checks::times(&token, now()?),
                checks::issuer(&token, issuer),
                checks::audience(&token, audiences),
                checks::subject(&token),
            ]);
            found.push(match published {
                Some(keys) => checks::signature(&token, keys),
                None => Check::skipped(
                    "signature",
                    "the token",
                    "the published keys cannot be read, see above",
                ),
            });
        }
        Ok(found)
    }

    /// The API server's own discovery document.
    pub(crate) async fn discovery(&self) -> Option<Source> {
        self.source(&self.cluster_discovery, "/.well-known/openid-configuration")
            .await
    }

    /// The API server's own keys.
    pub(crate) async fn jwks(&self) -> Option<Source> {
        self.source(&self.cluster_jwks, "/openid/v1/jwks").await
    }

    /// The token, taken apart.
    pub(crate) async fn token(&self) -> Result<Option<Token>> {
        let Some(path) = &self.token else {
            return Ok(None);
        };
        let token = Token::parse(&read_token(path).await?).map_err(|cause| {
            Error::failed(format!("cannot take {} apart", output::path(path))).because(cause)
        });
        token.map(Some)
    }

    async fn source(&self, file: &Option<PathBuf>, path: &'static str) -> Option<Source> {
        if let Some(file) = file {
            return Some(Source {
                place: output::path(file),
                body: read_document(file).await,
            });
        }
        let kubeconfig = self.kubeconfig.clone()?;
        Some(Source {
            place: format!("kubectl get --raw {path}"),
            body: kubectl(Some(&kubeconfig), &["get", "--raw", path]).await,
        })
    }
}

/// A document of the cluster's, in a file or on standard input.
pub(crate) async fn read_document(path: &Path) -> std::result::Result<Vec<u8>, String> {
    let read = input::read(path, MAX).await;
    read.map_err(|cause| cause.to_string())
}

/// A token from a file or standard input; STS takes 20,000 characters, so no more is read.
pub(crate) async fn read_token(path: &Path) -> Result<String> {
    let cannot = || Error::failed(format!("cannot read {}", path.display()));
    let given = path.to_string_lossy();
    if given.starts_with("eyJ") && given.matches('.').count() == 2 {
        // Not echoed: an argument is in the process list already, a log would be worse.
        return Err(Error::usage("cannot take a token as an argument")
            .because("arguments are seen by every process of this machine, and stay in the shell's history")
            .hint("give a file, or - and the token on standard input"));
    }
    let text = input::read(path, MAX_LEN as u64 + 2).await;
    let text = text.map_err(|cause| cannot().because(cause))?;
    String::from_utf8(text).map_err(|_| cannot().because("it is not text"))
}
