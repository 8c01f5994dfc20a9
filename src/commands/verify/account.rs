//! What only the account's owner sees: what `bootstrap` would change, a host that somebody else can
//! take, roles that trust the issuer, and what else lies in the bucket.

use url::Url;

use crate::aws::{account, partition};
use crate::config::Place;
use crate::error::{Error, Exit, Result};
use crate::iam::arn;
use crate::oidc::jwks::JwkSet;
use crate::plan::desired::{Desired, Tags, ThumbprintChoice};
use crate::plan::observed::Observed;
use crate::probe::chain::Chain;
use crate::verify::page::Page;
use crate::verify::report::Check;
use crate::verify::roles::{self, Role, Trusted};
use crate::verify::{objects, plan, takeover};

use super::super::converge::{Planned, Session};
use super::super::provider::ProviderOptions;
use super::super::publish::{self, KeyOptions};
use super::proof::told;
use super::{Target, fetch};

/// More than a bucket of documents should hold.
const MAX_OBJECTS: usize = 20;

/// What the account's owner knows.
pub(super) struct Findings {
    pub(super) checks: Vec<Check>,
    /// Whether the provider exists; it may when nobody could look.
    pub(super) provider_exists: bool,
}

/// All checks that need credentials.
pub(super) async fn checks(
    session: Result<Session<'_>>,
    target: &Target,
    options: &ProviderOptions,
    tags: Tags,
    region: &str,
    chain: &Result<Chain>,
    pages: [&Page; 2],
) -> Result<Findings> {
    const NAME: &str = "AWS resources";
    let issuer = target.issuer.as_str();
    let unknown = |check: Check| Findings {
        checks: vec![check],
        provider_exists: true,
    };
    let skipped = |error: &Error| unknown(Check::skipped(NAME, issuer, told(error)));
    let session = match session {
        Ok(session) => session,
        Err(error) if error.exit() == Exit::Refused => return Err(error),
        Err(error) => return Ok(skipped(&error)),
    };
    let desired = desired(&session, target, options, tags, region, chain)?;
    let mut found = match session.plan(&desired).await {
        Ok(Planned { plan, observed }) => {
            let mut checks = plan::differences(issuer, &plan);
            checks.extend(plan::encryption(&observed));
            checks.extend(trust(&session, target, region, &observed).await?);
            Findings {
                checks,
                provider_exists: observed.provider.is_some(),
            }
        }
        Err(error) if error.exit() == Exit::Refused => {
            let expected = "resources of ours, as bootstrap makes them";
            let check = Check::new(NAME, issuer, false, expected, told(&error));
            let hint = error
                .hint_text()
                .unwrap_or("'irsactl bootstrap --dry-run' shows more");
            unknown(check.hint(hint))
        }
        Err(error) => skipped(&error),
    };
    if found.provider_exists
        && let Some(provider) = &desired.provider
    {
        let owned = owned(&session, target.issuer.host(), region).await;
        found
            .checks
            .push(takeover::check(&provider.arn, &pages, owned));
    }
    if let Some(place) = &target.place {
        found.checks.extend(others(&session, place).await);
    }
    Ok(found)
}

/// What must be there, whichever key is published.
fn desired(
    session: &Session<'_>,
    target: &Target,
    options: &ProviderOptions,
    tags: Tags,
    region: &str,
    chain: &Result<Chain>,
) -> Result<Desired> {
    let last = chain
        .as_ref()
        .ok()
        .and_then(|chain| chain.last(target.issuer.host()).ok());
    let thumbprint = last.map_or(ThumbprintChoice::Iam, |last| {
        ThumbprintChoice::Observed(last.sha1.clone())
    });
    let provider = options.desired(&target.issuer, session, region, thumbprint, tags.clone())?;
    let publication = target.place.as_ref().map(|place| {
        let (keys, options) = (JwkSet::default(), KeyOptions::default());
        publish::publication(place, session, keys, &options, tags)
    });
    Ok(Desired {
        issuer: target.issuer.clone(),
        publication,
        provider: Some(provider),
        roles: Vec::new(),
        key_set: None,
        adopt: false,
    })
}

/// Whether the bucket of a provider's host is this account's.
pub(super) async fn owned(session: &Session<'_>, host: &str, region: &str) -> takeover::Owned {
    let bucket = partition::bucket_of_host(host, region)?;
    Some(
        session
            .has_bucket(&bucket)
            .await
            .map_err(|error| told(&error)),
    )
}

/// The roles of the account that trust the issuer.
async fn trust(
    session: &Session<'_>,
    target: &Target,
    region: &str,
    observed: &Observed,
) -> Result<Vec<Check>> {
    let Some(aws) = session.aws() else {
        return Ok(Vec::new());
    };
    let host_path = target.issuer.host_path();
    let provider_arn = arn::provider(&partition::of_region(region)?, &session.account, host_path);
    let roles: Vec<Role> = match account::roles(aws).await {
        Ok(roles) => roles
            .into_iter()
            .map(|(arn, trust)| Role { arn, trust })
            .collect(),
        Err(error) => {
            return Ok(vec![Check::skipped(
                "role trust",
                &provider_arn,
                told(&error),
            )]);
        }
    };
    let audiences = observed
        .provider
        .as_ref()
        .map(|provider| provider.audiences.as_slice());
    let trusted = Trusted {
        provider_arn: &provider_arn,
        host_path,
        audiences,
    };
    Ok(roles::check(&roles, &trusted))
}

/// Objects beside the two documents.
async fn others(session: &Session<'_>, place: &Place) -> Vec<Check> {
    let Some(aws) = session.aws() else {
        return Vec::new();
    };
    let bucket = format!("s3://{}", place.bucket);
    let prefix = match &place.prefix {
        Some(prefix) => format!("{prefix}/"),
        None => String::new(),
    };
    let (keys, more) = match account::objects(aws, &place.bucket, &session.account, &prefix).await {
        Ok(listed) => listed,
        Err(error) => {
            return vec![Check::skipped("other public objects", bucket, told(&error))];
        }
    };
    let others = objects::others(&keys);
    let mut pages = Vec::new();
    for key in others.iter().take(MAX_OBJECTS) {
        let url = Url::parse(&format!("https://{}/", place.issuer.host()));
        if let Ok(mut url) = url {
            url.set_path(key);
            pages.push(fetch(url.as_str()).await);
        }
    }
    let mut checks = objects::check(&bucket, &others, &pages);
    if more || others.len() > MAX_OBJECTS {
        let reason = format!(
            "only the first {} of more objects were looked at",
            pages.len()
        );
        checks.push(
            Check::skipped("other public objects", bucket, reason)
                .hint("keep a bucket for issuers alone"),
        );
    }
    checks
}
