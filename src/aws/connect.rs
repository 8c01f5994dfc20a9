//! Clients, made from the SDK's own configuration chain, and who we are.
//!
//! The chain is untouched: environment, profiles, SSO, web identity, IMDS, AWS_ENDPOINT_URL and
//! its per-service forms, HTTPS_PROXY, NO_PROXY and SSL_CERT_FILE work as in every AWS tool.

use std::collections::BTreeMap;
use std::time::Duration;

use aws_config::meta::region::RegionProviderChain;
use aws_config::profile::{ProfileFileCredentialsProvider, ProfileFileRegionProvider};
use aws_config::provider_config::ProviderConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_s3control::config::endpoint::{Endpoint, EndpointFuture, Params, ResolveEndpoint};
use aws_types::service_config::ServiceConfigKey;

use crate::aws::{client, endpoint, error};
use crate::error::{Error, Exit, Result};
use crate::iam::arn::{self, AccountId, Partition};

/// One attempt of one call; the SDK makes up to three.
const ATTEMPT: Duration = Duration::from_secs(30);

/// The clients of a run.
#[derive(Debug)]
pub(crate) struct Aws {
    pub(super) s3: aws_sdk_s3::Client,
    pub(super) s3control: aws_sdk_s3control::Client,
    pub(super) iam: aws_sdk_iam::Client,
    pub(super) sts: aws_sdk_sts::Client,
    /// For the clients that few runs need.
    pub(super) config: SdkConfig,
    profile: Option<String>,
    /// The region of the bucket.
    pub(crate) region: String,
    /// Where S3 calls go instead of AWS, when an endpoint is overridden; as it may be shown.
    pub(crate) s3_endpoint: Option<String>,
    /// The overridden endpoints, by service, as they may be shown: without user and password.
    pub(crate) endpoints: BTreeMap<&'static str, String>,
}

/// Who the credentials belong to (STS GetCallerIdentity).
#[derive(Clone, Debug)]
pub(crate) struct Identity {
    /// The account.
    pub(crate) account: AccountId,
    /// The partition.
    pub(crate) partition: Partition,
    /// The caller's ARN.
    pub(crate) arn: String,
}

/// The region of the profile in use, for when no flag or variable names one. Reads files only.
pub(crate) async fn profile_region(profile: Option<&str>) -> Option<String> {
    let mut provider = ProfileFileRegionProvider::builder();
    if let Some(profile) = profile {
        provider = provider.profile_name(profile);
    }
    let chain = RegionProviderChain::first_try(provider.build());
    chain.region().await.map(|region| region.to_string())
}

/// Makes the clients; no call is made yet. `roots` are PEM certificates to trust in place of the machine's.
pub(crate) async fn connect(
    region: &str,
    profile: Option<&str>,
    roots: Option<String>,
) -> Result<Aws> {
    let client = client::https(roots);
    let home = Region::new(region.to_owned());
    let mut loader = aws_config::defaults(BehaviorVersion::latest())
        .region(home.clone())
        .timeout_config(
            TimeoutConfig::builder()
                .operation_attempt_timeout(ATTEMPT)
                .build(),
        );
    if let Some(profile) = profile {
        // Named by the user, so it wins over AWS_ACCESS_KEY_ID; the SDK's chain has it the other way.
        // A profile that assumes a role asks STS, which the loader would tell where and how.
        let mut asking = ProviderConfig::default()
            .with_region(Some(home))
            .with_behavior_version(Some(BehaviorVersion::latest()));
        if let Some(client) = &client {
            asking = asking.with_http_client(client.clone());
        }
        let credentials = ProfileFileCredentialsProvider::builder()
            .configure(&asking)
            .profile_name(profile);
        loader = loader
            .profile_name(profile)
            .credentials_provider(credentials.build());
    }
    if let Some(client) = client {
        loader = loader.http_client(client);
    }
    let config = loader.load().await;

    let endpoints: BTreeMap<_, _> = ["S3", "S3 Control", "IAM", "STS", "Secrets Manager", "SSM"]
        .into_iter()
        .filter_map(|service| Some((service, endpoint_override(&config, service)?)))
        .collect();
    for (service, url) in &endpoints {
        endpoint::check_form(service, url)?;
    }
    let s3 = aws_sdk_s3::config::Builder::from(&config)
        // Local servers have no name for each bucket; AWS itself is addressed by virtual host.
        .force_path_style(endpoints.contains_key("S3"));
    let mut s3control = aws_sdk_s3control::config::Builder::from(&config);
    if let Some(url) = endpoints.get("S3 Control") {
        s3control = s3control.endpoint_resolver(AsGiven(url.clone()));
    }
    let endpoints: BTreeMap<_, _> = endpoints
        .into_iter()
        .map(|(service, url)| (service, endpoint::shown(&url)))
        .collect();
    Ok(Aws {
        s3: aws_sdk_s3::Client::from_conf(s3.build()),
        s3control: aws_sdk_s3control::Client::from_conf(s3control.build()),
        iam: aws_sdk_iam::Client::new(&config),
        sts: aws_sdk_sts::Client::new(&config),
        config,
        profile: profile.map(str::to_owned),
        region: region.to_owned(),
        s3_endpoint: endpoints.get("S3").cloned(),
        endpoints,
    })
}

impl Aws {
    /// Refuses to send a secret to a service that is behind plain HTTP.
    pub(super) fn check_private(&self, service: &str, secret: &str) -> Result<()> {
        let endpoint = self.endpoints.get(service);
        endpoint.map_or(Ok(()), |endpoint| {
            endpoint::check_private(endpoint, service, secret)
        })
    }

    /// Asks STS who we are. Needs no permission, so it tells missing credentials apart from the rest.
    pub(crate) async fn identity(&self) -> Result<Identity> {
        let what = "cannot find out which AWS account this is";
        let caller = self.sts.get_caller_identity().send().await;
        let caller = caller.map_err(|e| {
            let error = error::failed(what, "sts:GetCallerIdentity", e);
            match (&self.profile, error.exit()) {
                (Some(profile), Exit::Permission) => error.because(format!(
                    "profile {profile:?} was asked for them, and nothing else"
                )),
                _ => error,
            }
        })?;
        let arn = caller.arn().unwrap_or_default();
        let (partition, account) = arn::partition_and_account(arn).ok_or_else(|| {
            Error::failed(what).because(format!(
                "sts:GetCallerIdentity answered with the ARN {arn:?}"
            ))
        })?;
        Ok(Identity {
            account,
            partition,
            arn: arn.to_owned(),
        })
    }
}

fn endpoint_override(config: &SdkConfig, service_id: &str) -> Option<String> {
    let key = ServiceConfigKey::builder()
        .service_id(service_id)
        .env("AWS_ENDPOINT_URL")
        .profile("endpoint_url")
        .build()
        .ok()?;
    config
        .service_config()
        .and_then(|services| services.load_config(key))
        .or_else(|| config.endpoint_url().map(str::to_owned))
}

/// S3 Control puts the account in front of the host name, also of an overridden one, where no
/// such name exists.
#[derive(Debug)]
struct AsGiven(String);

impl ResolveEndpoint for AsGiven {
    fn resolve_endpoint<'a>(&'a self, _params: &'a Params) -> EndpointFuture<'a> {
        EndpointFuture::ready(Ok(Endpoint::builder().url(self.0.clone()).build()))
    }
}
