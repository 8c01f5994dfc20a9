//! What the flags leave open and files or STS know: the region, the account, and so the issuer.

use serde_json::Value;
use url::Url;

use crate::aws::connect::{self, Aws, Identity};
use crate::aws::partition;
use crate::config::Global;
use crate::config::names::{IssuerNames, Names, parse_issuer};
use crate::config::parse::Origin;
use crate::error::{Error, Result};
use crate::iam::arn::AccountId;
use crate::oidc::issuer::Issuer;
use crate::output;
use crate::probe::{document, roots};

/// The region; see [`region_and_origin`].
pub(crate) async fn region(global: &Global) -> Result<String> {
    Ok(region_and_origin(global).await?.0)
}

/// The region, from the flag, the cluster file, AWS_REGION, AWS_DEFAULT_REGION or the profile. The file
/// wins over the environment, since it says where this cluster's issuer is. IMDS is not asked: the region
/// is part of the issuer and must not depend on where the tool runs.
pub(crate) async fn region_and_origin(global: &Global) -> Result<(String, Origin)> {
    let given = global
        .region
        .clone()
        .map(|region| (region, global.layers.origin("region")));
    let variable = |name: &'static str| {
        let value = std::env::var(name).ok()?;
        Some((value, Origin::Variable(name)))
    };
    let named = [
        given,
        variable("AWS_REGION"),
        variable("AWS_DEFAULT_REGION"),
    ];
    let named = named
        .into_iter()
        .flatten()
        .find(|(region, _)| !region.is_empty());
    let (region, origin) = match named {
        Some(named) => named,
        None => {
            let region = connect::profile_region(global.profile.as_deref()).await;
            let region = region.ok_or_else(|| {
                Error::usage("cannot tell the AWS region")
                    .because("neither --region, the cluster file, AWS_REGION, AWS_DEFAULT_REGION nor the profile names one")
                    .hint("give it with --region, such as --region us-west-2")
            })?;
            (region, Origin::Profile)
        }
    };
    // The issuer is permanent, so a slip here would be too.
    if !partition::is_known(&region) && partition::of_region(&region).is_ok() {
        let question = match partition::nearest(&region) {
            Some(nearest) => format!("did you mean '{nearest}'?"),
            None => "is it spelled right?".to_owned(),
        };
        output::say(format_args!(
            "warning: region '{}' is not in the AWS SDK's list: {question}",
            output::sanitized(&region)
        ));
    }
    Ok((region, origin))
}

/// The clients, on a machine that can verify whom they talk to.
pub(crate) async fn aws(global: &Global, region: &str) -> Result<Aws> {
    let roots = roots::load()?.built_in_pem();
    connect::connect(region, global.profile.as_deref(), roots).await
}

/// Refuses credentials of another account than the one that is meant.
pub(crate) fn same_account(identity: &Identity, account: &str) -> Result<()> {
    if account == identity.account.as_str() {
        return Ok(());
    }
    Err(Error::refused(format!("cannot work in account {account}"))
        .because(format!(
            "the credentials are of account {}: {}",
            identity.account, identity.arn
        ))
        .hint("choose the profile of that account with --profile, or leave --account-id away"))
}

/// The account: `--account-id`, or else what STS says of the credentials.
pub(crate) async fn account(global: &Global, names: &Names, region: &str) -> Result<AccountId> {
    match &names.account_id {
        Some(account) => Ok(account.clone()),
        None => {
            let aws = aws(global, region).await?;
            Ok(aws.identity().await?.account)
        }
    }
}

/// The issuer. Makes a call only when the bucket's name needs an account that `--account-id` does
/// not give.
pub(crate) async fn issuer(global: &Global, issuer: &IssuerNames) -> Result<Issuer> {
    if let Some(url) = &issuer.issuer {
        return parse_issuer(url);
    }
    let names = &issuer.names;
    let region = region(global).await?;
    names.check(&region)?;
    let account = if names.bucket.is_some() {
        names.account_id.clone()
    } else {
        Some(account(global, names, &region).await?)
    };
    Ok(names.place(&region, account.as_ref())?.issuer)
}

/// The host whose certificate IAM looks at: the one that serves the JWK Set, which the published
/// discovery document names. None when that document cannot be read.
pub(crate) async fn jwks_host(issuer: &Issuer) -> Option<String> {
    let url = Url::parse(&issuer.discovery_url()).ok()?;
    let answer = document::fetch(&url).await.ok()?;
    let discovery: Value = serde_json::from_slice(&answer.body).ok()?;
    let jwks_uri = Url::parse(discovery["jwks_uri"].as_str()?).ok()?;
    Some(jwks_uri.host_str()?.to_owned())
}
