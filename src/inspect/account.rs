//! What only the account's owner sees: what `bootstrap` would change, a host that somebody else can
//! take, roles that trust the issuer, and what else lies in the bucket.

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;

use crate::aws::account;
use crate::aws::s3_url::{self, Home};
use crate::config::names::Place;
use crate::config::provider::ProviderOptions;
use crate::config::publication::{self, KeyOptions};
use crate::converge::planned::Planned;
use crate::converge::session::Session;
use crate::error::{Exit, Result};
use crate::inspect::public::{Public, peek};
use crate::inspect::target::Target;
use crate::oidc::jwks::JwkSet;
use crate::plan::desired::{Desired, ThumbprintChoice};
use crate::plan::document::object_keys;
use crate::plan::observed::Observed;
use crate::plan::tags::Tags;
use crate::verify::objects::{self, Other};
use crate::verify::page::Page;
use crate::verify::plan;
use crate::verify::report::Check;
use crate::verify::roles::{self, Role, Trusted};
use crate::verify::takeover::{self, Owner};

/// More than a bucket of documents should hold.
const MAX_OBJECTS: usize = 20;

const NAME: &str = "AWS resources";

/// What the account's owner knows.
pub(crate) struct Findings {
    pub(crate) checks: Vec<Check>,
    /// What differs from how it must be, and what was read to know; none when nobody could look.
    pub(crate) planned: Option<Planned>,
    /// The roles that trust the issuer; none when they could not be listed.
    pub(crate) roles: Option<Vec<Role>>,
}

impl Findings {
    /// A check of something that keeps the account from being compared.
    fn unknown(check: Check) -> Self {
        Self {
            checks: vec![check],
            planned: None,
            roles: None,
        }
    }

    /// Whether the provider exists; it may when nobody could look.
    pub(crate) fn provider_exists(&self) -> bool {
        let planned = self.planned.as_ref();
        planned.is_none_or(|planned| planned.observed.provider.is_some())
    }
}

/// What was read at once, before it is judged.
pub(crate) struct Seen<'s> {
    session: Session<'s>,
    desired: Desired,
    observed: Result<Observed>,
    roles: Result<Vec<(String, Value)>>,
    own_buckets: Result<Vec<String>>,
    others: Vec<Check>,
}

/// Reads all that credentials are needed for. Without them, a finding says why.
pub(crate) async fn look<'s>(
    session: Result<Session<'s>>,
    target: &Target,
    options: &ProviderOptions,
    tags: Tags,
    region: &str,
) -> Result<std::result::Result<Seen<'s>, Findings>> {
    let session = match session {
        Ok(session) => session,
        Err(error) if error.exit() == Exit::Refused => return Err(error),
        Err(error) => {
            let check = Check::skipped(NAME, target.issuer.as_str(), error.in_short());
            return Ok(Err(Findings::unknown(check)));
        }
    };
    let desired = desired(&session, target, options, tags, region)?;
    let others = async {
        match &target.place {
            Some(place) => others(&session, place).await,
            None => Vec::new(),
        }
    };
    let roles = async {
        match session.aws() {
            Some(aws) => account::roles(aws).await,
            None => Ok(Vec::new()),
        }
    };
    let (observed, roles, own_buckets, others) = tokio::join!(
        session.observe(&desired),
        roles,
        own_buckets(&session),
        others
    );
    Ok(Ok(Seen {
        session,
        desired,
        observed,
        roles,
        own_buckets,
        others,
    }))
}

impl Seen<'_> {
    /// All checks that need credentials.
    pub(crate) async fn judge(
        mut self,
        target: &Target,
        region: &str,
        public: &Public,
    ) -> Result<Findings> {
        let issuer = target.issuer.as_str();
        let chain = public.host.chain.as_ref().ok();
        if let Some(last) = chain.and_then(|chain| chain.last(target.issuer.host()).ok()) {
            let thumbprint = ThumbprintChoice::Observed(last.sha1.clone());
            self.desired.set_thumbprint(thumbprint);
        }
        // Whatever could not be read, the roles could be, and what follows of the rest.
        let mut others = seen(&self.observed, target.place.as_ref());
        let (trust, roles) = trust(
            self.roles,
            target,
            &self.desired,
            self.observed.as_ref().ok(),
        );
        others.extend(trust);
        let planned = self.observed;
        let planned = planned.and_then(|observed| Planned::new(&self.desired, observed));
        let mut found = match planned {
            Ok(planned) => Findings {
                checks: plan::differences(issuer, &target.repair(), &planned.plan),
                planned: Some(planned),
                roles: None,
            },
            Err(error) if error.exit() == Exit::Refused => {
                let expected = "resources of ours, as bootstrap makes them";
                let check = Check::new(NAME, issuer, false, expected, error.in_short());
                let hint = error
                    .hint_text()
                    .unwrap_or("'irsactl bootstrap --dry-run' shows more");
                Findings::unknown(check.hint(hint))
            }
            Err(error) => Findings::unknown(Check::skipped(NAME, issuer, error.in_short())),
        };
        found.checks.extend(others);
        found.roles = roles;
        if found.provider_exists()
            && let Some(provider) = &self.desired.provider
        {
            let pages = [&public.discovery, &public.jwks];
            let places = places(&self.session, pages, region, &self.own_buckets);
            found
                .checks
                .push(takeover::check(&provider.arn, &places.await, false));
        }
        found.checks.extend(self.others);
        Ok(found)
    }
}

/// The checks of a bucket that is there beside those of a plan.
fn seen(observed: &Result<Observed>, place: Option<&Place>) -> Vec<Check> {
    let Some(place) = place else {
        return Vec::new();
    };
    let bucket = format!("s3://{}", place.bucket);
    let observed = match observed {
        Ok(observed) => observed,
        Err(error) => {
            let reason = error.in_short();
            let skipped = ["encryption", objects::STATEMENTS];
            let skipped = skipped.map(|name| Check::skipped(name, &bucket, &reason));
            return skipped.into();
        }
    };
    let mut checks = plan::encryption(observed);
    checks.extend(plan::account_block(&bucket, observed));
    if let Some(found) = &observed.bucket {
        checks.push(objects::statements(&bucket, found.policy.as_ref()));
    }
    checks
}

/// What must be there, whichever key is published and whatever the chain is.
fn desired(
    session: &Session<'_>,
    target: &Target,
    options: &ProviderOptions,
    tags: Tags,
    region: &str,
) -> Result<Desired> {
    let thumbprint = ThumbprintChoice::Iam;
    let provider = options.desired(
        &target.issuer,
        &session.account,
        region,
        thumbprint,
        tags.clone(),
    )?;
    let publication = target.place.as_ref().map(|place| {
        let (keys, options) = (JwkSet::default(), KeyOptions::default());
        publication::publication(place, &session.account, keys, &options, tags)
    });
    Ok(Desired {
        publication,
        provider: Some(provider),
        ..Desired::of(target.issuer.clone())
    })
}

/// Both documents of an issuer, and whose each is: a JWK Set may lie elsewhere than what names it. `own` are the
/// account's buckets, where they could be listed; without the list, a bucket that is not shown to us may be ours
/// or not.
pub(crate) async fn places(
    session: &Session<'_>,
    pages: [&Page; 2],
    region: &str,
    own: &Result<Vec<String>>,
) -> Vec<takeover::Place> {
    let mut places = Vec::new();
    for (name, page) in ["discovery document", "JWK Set"].into_iter().zip(pages) {
        places.push(takeover::Place {
            name,
            page: page.clone(),
            owner: owner(session, &page.url, region, own).await,
        });
    }
    places
}

async fn owner(session: &Session<'_>, url: &str, region: &str, own: &Result<Vec<String>>) -> Owner {
    let bucket = match s3_url::bucket_of_url(url, region) {
        Home::Elsewhere => return Owner::NoBucket,
        Home::Abroad(_) => return Owner::NotUs,
        Home::Unknown => {
            let cause = "the host is S3's, and whose bucket it is cannot be told";
            return Owner::Unknown(cause.to_owned());
        }
        Home::Bucket(bucket) => bucket,
    };
    let is_there = match own {
        Ok(own) => Ok(own.iter().any(|name| name == bucket.as_str())),
        Err(_) => session.has_bucket(&bucket).await,
    };
    match is_there {
        Ok(true) => Owner::Us,
        _ if bucket.only_account().as_ref() == Some(&session.account) => Owner::NobodyElse,
        Ok(false) => Owner::NotUs,
        Err(error) => Owner::Unknown(error.in_short()),
    }
}

/// The account's buckets, in whatever region.
pub(crate) async fn own_buckets(session: &Session<'_>) -> Result<Vec<String>> {
    match session.aws() {
        Some(aws) => account::buckets(aws).await,
        None => Ok(Vec::new()),
    }
}

/// The roles of the account that trust the issuer; none when they could not be listed. What was observed
/// names the provider's audiences.
fn trust(
    roles: Result<Vec<(String, Value)>>,
    target: &Target,
    desired: &Desired,
    observed: Option<&Observed>,
) -> (Vec<Check>, Option<Vec<Role>>) {
    let arn = desired
        .provider
        .as_ref()
        .map(|provider| provider.arn.as_str());
    let provider_arn = arn.unwrap_or_default();
    let roles: Vec<Role> = match roles {
        Ok(roles) => roles
            .into_iter()
            .map(|(arn, trust)| Role { arn, trust })
            .collect(),
        Err(error) => {
            let check = Check::skipped("role trust", provider_arn, error.in_short());
            return (vec![check], None);
        }
    };
    let audiences = observed
        .and_then(|observed| observed.provider.as_ref())
        .map(|provider| provider.audiences.as_slice());
    let trusted = Trusted {
        provider_arn,
        host_path: target.issuer.host_path(),
        audiences,
    };
    let checks = roles::check(&roles, &trusted);
    let concerned = roles.into_iter().filter(|role| role.trusts(&trusted));
    (checks, Some(concerned.collect()))
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
    let listed = account::objects(aws, &place.bucket, &session.account, &prefix).await;
    let (mut keys, more) = match listed {
        Ok(listed) => listed,
        Err(error) => {
            let check = Check::skipped("other public objects", bucket, error.in_short());
            return vec![check];
        }
    };
    let own = object_keys(place.prefix.as_deref());
    keys.retain(|key| !own.contains(key));
    let mut others = Vec::new();
    for key in keys.iter().take(MAX_OBJECTS) {
        // All that is not plain is escaped, so that no key is taken for another's path.
        let path = utf8_percent_encode(key, NON_ALPHANUMERIC);
        let page = peek(&format!("https://{}/{path}", place.issuer.host())).await;
        let key = key.clone();
        others.push(Other { key, page });
    }
    objects::check(&bucket, &keys, &others, more)
}
