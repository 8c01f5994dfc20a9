//! What an OpenID Connect provider trusts: the documents of its issuer. AWS is to trust no host or bucket that
//! somebody else can take, and none that says another issuer's name.

use serde_json::Value;
use url::Url;

use crate::aws::s3_url::{self, Home};
use crate::converge::session::Session;
use crate::error::{Error, Result};
use crate::iam::bucket::BucketName;
use crate::oidc::issuer::Issuer;
use crate::oidc::jwks::{JwkSet, JwksError};
use crate::probe::document;
use crate::verify::discovery;

/// The documents of an issuer that a provider may trust.
pub(crate) struct Trusted {
    /// The host whose certificate IAM looks at: the one that serves the JWK Set.
    pub(crate) host: String,
    /// The buckets that they are in, all of this account.
    pub(crate) buckets: Vec<BucketName>,
}

impl Trusted {
    /// Reads both, and refuses what AWS should not trust. Offline, nothing is looked at.
    pub(crate) async fn look(session: &Session<'_>, issuer: &Issuer, region: &str) -> Result<Self> {
        let mut trusted = Self {
            host: issuer.host().to_owned(),
            buckets: Vec::new(),
        };
        if session.aws().is_none() {
            return Ok(trusted);
        }
        let refused = || Error::refused(format!("cannot let AWS trust {issuer}"));
        let url = issuer.discovery_url();
        let text = trusted.read(session, issuer, &url, region).await?;
        let unreadable = |what: &str| refused().because(format!("{url}: {what}")).hint(PUBLISH);
        let (named, jwks_uri) = discovery::names(&text)
            .ok_or_else(|| unreadable("it is no JSON object with each member once"))?;
        if named.as_deref() != Some(issuer.as_str()) {
            return Err(refused()
                .because(format!("{url} says that the issuer is {:?}", named.unwrap_or_default()))
                .hint("the provider's URL, the document's issuer and the tokens' iss must be the same byte for byte: give that issuer, or publish a document of this one"));
        }
        let jwks_uri =
            jwks_uri.ok_or_else(|| unreadable("its jwks_uri is no URL in its plain form"))?;
        let host = Url::parse(&jwks_uri)
            .ok()
            .filter(|url| url.scheme() == "https");
        let host = host.and_then(|url| Some(url.host_str()?.to_owned()));
        trusted.host = host.ok_or_else(|| unreadable("its jwks_uri is no https URL"))?;
        let jwks_uri = jwks_uri.as_str();
        let text = trusted.read(session, issuer, jwks_uri, region).await?;
        if let Err(cause @ JwksError::Private(_)) = JwkSet::parse_foreign(&text) {
            return Err(refused()
                .because(format!("{jwks_uri}: {cause}"))
                .hint("make a new signing key, and publish that"));
        }
        let keys: Value = serde_json::from_slice(&text).unwrap_or_default();
        if keys["keys"].as_array().is_some_and(|keys| !keys.is_empty()) {
            Ok(trusted)
        } else {
            Err(refused()
                .because(format!("{jwks_uri} is no JWK Set with a key in it"))
                .hint(PUBLISH))
        }
    }

    /// A document: as its owner reads it where it is in a bucket, which must be ours; else as anybody does.
    async fn read(
        &mut self,
        session: &Session<'_>,
        issuer: &Issuer,
        url: &str,
        region: &str,
    ) -> Result<Vec<u8>> {
        let refused = || Error::refused(format!("cannot let AWS trust {issuer}"));
        let cannot_read =
            |cause: String| refused().because(format!("{url}: {cause}")).hint(PUBLISH);
        match s3_url::bucket_of_url(url, region) {
            Home::Bucket(bucket) => {
                session.require_bucket(&bucket).await?;
                let found = Url::parse(url).ok();
                let key = found.and_then(|url| s3_url::object_of_url(&url, region));
                let object = match key {
                    Some((_, key)) => session.object(&bucket, &key).await?,
                    None => None,
                };
                if !self.buckets.contains(&bucket) {
                    self.buckets.push(bucket);
                }
                let body = object.map(|object| object.body);
                body.ok_or_else(|| cannot_read("nothing is there".to_owned()))
            }
            Home::Abroad(there) => Err(refused()
                .because(format!("{url} is in partition {there}, where the bucket of this name may be anybody's"))
                .hint("use --region and credentials of that partition")),
            Home::Unknown => Err(refused()
                .because(format!("the host of {url} is S3's, and whose bucket it is cannot be told"))
                .hint("an issuer in a bucket is https://BUCKET.s3.REGION.amazonaws.com, and the bucket's name has no dots")),
            Home::Elsewhere => {
                let parsed = Url::parse(url).map_err(|cause| cannot_read(cause.to_string()))?;
                let answer = document::fetch(&parsed).await;
                let answer = answer.map_err(|error| cannot_read(error.causes().join(": ")))?;
                match answer.status {
                    200 => Ok(answer.body),
                    status => Err(cannot_read(format!("HTTP status {status}"))),
                }
            }
        }
    }
}

const PUBLISH: &str = "publish both documents first: 'irsactl publish' for a bucket, what 'irsactl jwks' and 'irsactl discovery' print for another host; 'irsactl verify' says what is wrong with them";
