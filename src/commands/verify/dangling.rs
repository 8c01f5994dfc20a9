//! `verify --dangling`: every OpenID Connect provider of the account, whoever made it.

use tokio::task::JoinSet;

use crate::aws::account;
use crate::error::Result;
use crate::verify::report::Check;
use crate::verify::takeover;

use super::super::converge::Session;
use super::account as owner;
use super::public::fetch;

/// How many hosts are asked at a time.
const AT_ONCE: usize = 10;

/// One check a provider, in the order of their ARNs.
pub(super) async fn checks(session: &Session<'_>, region: &str) -> Result<Vec<Check>> {
    let Some(aws) = session.aws() else {
        return Ok(Vec::new());
    };
    let providers = account::providers(aws).await?;
    let own = owner::own_buckets(session).await;
    let mut checks = Vec::new();
    for some in providers.chunks(AT_ONCE) {
        let mut pages = JoinSet::new();
        for (index, arn) in some.iter().enumerate() {
            let (_, host_path) = arn.split_once(":oidc-provider/").unwrap_or_default();
            let url = format!("https://{host_path}/.well-known/openid-configuration");
            pages.spawn(async move { (index, fetch(&url).await) });
        }
        let mut pages = pages.join_all().await;
        pages.sort_by_key(|(index, _)| *index);
        for (arn, (_, page)) in some.iter().zip(&pages) {
            let (_, host_path) = arn.split_once(":oidc-provider/").unwrap_or_default();
            let url = format!("https://{host_path}");
            let owner = owner::owner(session, &url, region, &own).await;
            checks.push(takeover::check(arn, &[page], &owner, true));
        }
    }
    Ok(checks)
}
