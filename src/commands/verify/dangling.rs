//! `verify --dangling`: every OpenID Connect provider of the account, whoever made it.

use tokio::task::JoinSet;

use crate::aws::account;
use crate::converge::session::Session;
use crate::error::Result;
use crate::inspect::account as owner;
use crate::inspect::public::fetch;
use crate::verify::page::Page;
use crate::verify::report::Check;
use crate::verify::{discovery, takeover};

/// How many issuers are asked at a time.
const AT_ONCE: usize = 10;

/// One check a provider, in the order of their ARNs.
pub(crate) async fn checks(session: &Session<'_>, region: &str) -> Result<Vec<Check>> {
    let Some(aws) = session.aws() else {
        return Ok(Vec::new());
    };
    let providers = account::providers(aws).await?;
    let own = owner::own_buckets(session).await;
    let mut checks = Vec::new();
    for some in providers.chunks(AT_ONCE) {
        let mut issuers = JoinSet::new();
        for (index, arn) in some.iter().enumerate() {
            let (_, host_path) = arn.split_once(":oidc-provider/").unwrap_or_default();
            let url = format!("https://{host_path}");
            issuers.spawn(async move { (index, documents(&url).await) });
        }
        let mut issuers = issuers.join_all().await;
        issuers.sort_by_key(|(index, _)| *index);
        for (arn, (_, [discovery, jwks])) in some.iter().zip(&issuers) {
            let places = owner::places(session, [discovery, jwks], region, &own).await;
            checks.push(takeover::check(arn, &places, true));
        }
    }
    Ok(checks)
}

/// The discovery document, and the keys that it names: or, where it cannot be read, itself.
async fn documents(issuer: &str) -> [Page; 2] {
    let discovery = fetch(&format!("{issuer}/.well-known/openid-configuration")).await;
    let jwks = match discovery::jwks_uri(&discovery) {
        Some(jwks_uri) => fetch(&jwks_uri).await,
        // Readers may differ in where they look.
        None if discovery.body().is_some() => Page {
            url: format!("what {} names", discovery.url),
            answer: Err("it names no JWK Set, or more than one".to_owned()),
        },
        None => discovery.clone(),
    };
    [discovery, jwks]
}
