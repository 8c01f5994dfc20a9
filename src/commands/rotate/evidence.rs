//! What the API servers know and sign with, by files or through kubectl.

use std::path::PathBuf;

use clap::Args;
use serde_json::Value;

use crate::error::{Error, Exit, Result};
use crate::inspect::cluster::{read_document, read_token};
use crate::oidc::jwks::JwkSet;
use crate::oidc::key::Kid;
use crate::oidc::token::Token;
use crate::output;
use crate::system::kubectl::kubectl;

/// Where to look.
#[derive(Args, Clone, Debug)]
pub(crate) struct EvidenceOptions {
    /// An API server's keys, of: kubectl get --raw /openid/v1/jwks; repeat it for each control-plane node
    #[arg(long, value_name = "FILE", conflicts_with = "kubeconfig")]
    cluster_jwks: Vec<PathBuf>,
    /// A fresh token of a pod, or of: kubectl create token
    #[arg(long, value_name = "FILE")]
    token: Option<PathBuf>,
    /// Ask the API server for both, through kubectl
    #[arg(long, value_name = "FILE")]
    kubeconfig: Option<PathBuf>,
}

/// What was seen.
#[derive(Debug, Default)]
pub(crate) struct Evidence {
    /// The kids of each API server that was looked at.
    known: Vec<Vec<String>>,
    /// The kid of a fresh token.
    pub(crate) token: Option<Kid>,
}

impl Evidence {
    /// How many API servers were looked at.
    pub(crate) fn seen(&self) -> usize {
        self.known.len()
    }

    /// Whether any API server was looked at.
    pub(crate) fn was_seen(&self) -> bool {
        !self.known.is_empty()
    }

    /// Whether every API server that was looked at accepts tokens of this key, and one was.
    pub(crate) fn all_know(&self, kid: &Kid) -> bool {
        let knows = |kids: &Vec<String>| kids.iter().any(|one| one == kid.as_str());
        !self.known.is_empty() && self.known.iter().all(knows)
    }
}

impl EvidenceOptions {
    /// Looks. A token that no published key has signed is refused: it would prove nothing.
    pub(crate) async fn observe(&self, published: &JwkSet) -> Result<Evidence> {
        let mut live = Evidence::default();
        for path in &self.cluster_jwks {
            let body = read_document(path).await;
            live.known.push(kids(&output::path(path), body)?);
        }
        if let Some(kubeconfig) = &self.kubeconfig {
            let arguments = ["get", "--raw", "/openid/v1/jwks"];
            let body = kubectl(Some(kubeconfig), &arguments).await;
            live.known
                .push(kids("the API server, through kubectl,", body)?);
        }
        let token = match (&self.token, &self.kubeconfig) {
            (Some(path), _) => Some(read_token(path).await?),
            (None, Some(kubeconfig)) => {
                // Ten minutes are the shortest life that the API server gives (TokenRequest).
                let arguments = ["-n", "default", "create", "token", "default"];
                let options = ["--audience=sts.amazonaws.com", "--duration=10m"];
                let text = kubectl(Some(kubeconfig), &[&arguments[..], &options].concat()).await;
                let text = text.map_err(|e| cannot("a fresh token").because(e))?;
                Some(String::from_utf8_lossy(&text).trim().to_owned())
            }
            (None, None) => None,
        };
        if let Some(text) = token {
            let token = Token::parse(&text).map_err(|e| cannot("the token").because(e))?;
            let kid = token.verify(published).map_err(|cause| {
                cannot("the token")
                    .because(cause)
                    .hint(
                        "AWS refuses it too: is it this issuer's? 'irsactl token decode' shows it",
                    )
                    .with_exit(Exit::Drift)
            })?;
            live.token = Some(kid);
        }
        Ok(live)
    }
}

fn kids(place: &str, body: std::result::Result<Vec<u8>, String>) -> Result<Vec<String>> {
    let body = body.map_err(|cause| cannot(place).because(cause))?;
    let document: Value =
        serde_json::from_slice(&body).map_err(|cause| cannot(place).because(cause))?;
    let keys = document["keys"].as_array();
    let keys = keys.ok_or_else(|| cannot(place).because("it has no keys"))?;
    let kids = keys.iter().filter_map(|key| key["kid"].as_str());
    Ok(kids.map(str::to_owned).collect())
}

fn cannot(what: &str) -> Error {
    Error::failed(format!("cannot use {what}"))
}
