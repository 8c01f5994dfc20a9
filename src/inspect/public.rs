//! What anybody can see of an issuer, without credentials.

use url::Url;

use crate::error::Result;
use crate::inspect::target::Target;
use crate::oidc::issuer::Issuer;
use crate::oidc::key::Kid;
use crate::probe::chain::{self, Chain};
use crate::probe::document;
use crate::system::clock::now;
use crate::verify::page::{self, Page};
use crate::verify::report::Check;
use crate::verify::{discovery, jwks, objects, tls};

/// What anybody can see of an issuer.
pub(crate) struct Public {
    pub(crate) discovery: Page,
    pub(crate) jwks: Page,
    /// The host that the discovery document names for the JWK Set.
    pub(crate) host: Host,
    /// The issuer's own host, when that is another one.
    pub(crate) own_host: Option<Host>,
    /// What the bucket answers when it is asked for a list.
    pub(crate) listing: Option<Page>,
}

/// A host and its certificates.
pub(crate) struct Host {
    pub(crate) name: String,
    pub(crate) chain: Result<Chain>,
}

impl Public {
    /// Fetches what STS fetches, in its order, and beside it what nobody should see.
    pub(crate) async fn look(target: &Target) -> Self {
        let issuer = &target.issuer;
        let documents = async {
            let discovery = fetch(&issuer.discovery_url()).await;
            let jwks_uri = discovery::jwks_uri(&discovery).unwrap_or_else(|| issuer.jwks_uri());
            let place = Url::parse(&jwks_uri).ok();
            let place =
                place.and_then(|url| Some((url.host_str()?.to_owned(), url.port().unwrap_or(443))));
            let (name, port) = place.unwrap_or_else(|| (issuer.host().to_owned(), 443));
            let own_host = async {
                match issuer.host() {
                    own if own == name => None,
                    own => Some(Host {
                        name: own.to_owned(),
                        chain: chain::fetch(own, 443).await,
                    }),
                }
            };
            let (jwks, chain, own_host) =
                tokio::join!(fetch(&jwks_uri), chain::fetch(&name, port), own_host);
            (discovery, jwks, Host { name, chain }, own_host)
        };
        let listing = async {
            match target.place {
                Some(_) => {
                    let url = format!("https://{}/?list-type=2&max-keys=1", issuer.host());
                    Some(peek(&url).await)
                }
                None => None,
            }
        };
        let ((discovery, jwks, host, own_host), listing) = tokio::join!(documents, listing);
        Self {
            discovery,
            jwks,
            host,
            own_host,
            listing,
        }
    }

    /// What the checks say of it; `local` is our own key's kid, or why it cannot be told.
    pub(crate) fn checks(
        &self,
        local: std::result::Result<Option<&Kid>, &str>,
        issuer: &Issuer,
    ) -> Result<Vec<Check>> {
        let mut checks = discovery::check(issuer, &self.discovery);
        checks.extend(jwks::check(&self.jwks, local));
        for host in std::iter::once(&self.host).chain(&self.own_host) {
            checks.extend(tls_checks(&host.name, &host.chain)?);
        }
        checks.extend(self.listing.as_ref().map(objects::listing));
        Ok(checks)
    }
}

/// Fetches a page; once more when there was no answer, since a job that runs every night must not fail
/// for one lost packet.
pub(crate) async fn fetch(url: &str) -> Page {
    twice(url, document::fetch).await
}

/// The same, with as much of the body as comes: where it is the status that matters.
pub(crate) async fn peek(url: &str) -> Page {
    let peek = async |url: &Url| Ok(document::peek(url).await?.0);
    twice(url, peek).await
}

async fn twice(url: &str, get: impl AsyncFn(&Url) -> Result<document::Answer>) -> Page {
    let answer = match Url::parse(url) {
        Ok(parsed) if parsed.scheme() == "https" => match get(&parsed).await {
            Ok(answer) => Ok(answer),
            Err(_) => get(&parsed).await.map_err(|error| {
                let causes = error.causes().join(": ");
                if causes.is_empty() {
                    error.what().to_owned()
                } else {
                    causes
                }
            }),
        },
        _ => Err("it is not an https URL".to_owned()),
    };
    let answer = answer.map(|answer| page::Answer {
        status: answer.status,
        content_type: answer.content_type,
        body: answer.body,
    });
    Page {
        url: url.to_owned(),
        answer,
    }
}

fn tls_checks(host: &str, chain: &Result<Chain>) -> Result<Vec<Check>> {
    let verified = match chain {
        Ok(chain) => chain,
        Err(error) => return Ok(vec![tls::chain(host, Err(&error.causes().join(": ")))]),
    };
    let mut checks = vec![tls::chain(host, Ok(()))];
    if let Some(leaf) = verified.leaf() {
        let now = now()?;
        let (seconds, text) = (leaf.not_after_seconds, &leaf.not_after);
        checks.push(tls::expiry(host, seconds, text, now));
    }
    Ok(checks)
}
