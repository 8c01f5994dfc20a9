//! Where a rotation takes place: the issuer, the account, and the JWK Set that is published now.

use std::path::Path;

use url::Url;

use crate::aws::s3_url;
use crate::commands::rotate::options::RotationOptions;
use crate::config::{Global, resolve};
use crate::converge::planned::Outcome;
use crate::converge::read_back;
use crate::converge::session::Session;
use crate::converge::stop::Stop;
use crate::error::{Error, Result, shell_quoted};
use crate::iam::bucket::BucketName;
use crate::keys::directory;
use crate::keys::rotation::Rotation;
use crate::oidc::issuer::Issuer;
use crate::oidc::jwks::JwkSet;
use crate::oidc::key::Kid;
use crate::plan::desired::{Desired, KeySet};
use crate::probe::document;
use crate::system::file;
use crate::verify::discovery;

/// What every step looks at first.
pub(crate) struct Scene<'s> {
    pub(crate) issuer: Issuer,
    pub(crate) session: Session<'s>,
    jwks_uri: String,
    bucket: BucketName,
    key: String,
    pub(crate) published: JwkSet,
}

impl<'s> Scene<'s> {
    /// Finds the JWK Set by the published discovery document, and reads it as its owner.
    pub(crate) async fn open(
        global: &Global,
        stop: &'s Stop,
        whose: &RotationOptions,
    ) -> Result<Self> {
        let region = resolve::region(global).await?;
        let names = &whose.issuer.names;
        let custom = whose.issuer.custom(&region)?;
        let account = names.account_id.as_ref();
        let session = Session::open(global, stop, &region, account, false).await?;
        let issuer = match custom {
            Some(issuer) => issuer,
            None => names.place(&region, Some(&session.account))?.issuer,
        };
        let jwks_uri = published_jwks_uri(&issuer, whose.jwks_uri.as_deref()).await?;
        let found = Url::parse(&jwks_uri).ok();
        let found = found.and_then(|url| s3_url::object_of_url(&url, &region));
        let Some((bucket, key)) = found else {
            return Err(Error::refused(format!("cannot rotate the keys at {jwks_uri}"))
                .because(format!("it is not an object in a bucket of {region}"))
                .hint("give the bucket's --region; on a host of your own publish the output of 'irsactl jwks --public-key OLD --public-key NEW'"));
        };
        let mut scene = Self {
            issuer,
            session,
            jwks_uri,
            bucket,
            key,
            published: JwkSet::default(),
        };
        scene.check_owner(&region).await?;
        scene.published = scene.read().await?;
        Ok(scene)
    }

    /// Refuses the JWK Set of another issuer: what is written there, AWS believes of that one. It is the one whose
    /// discovery document lies nearest.
    async fn check_owner(&self, region: &str) -> Result<()> {
        if self.jwks_uri == self.issuer.jwks_uri() {
            return Ok(());
        }
        let mut directory = self.key.as_str();
        while !directory.is_empty() {
            directory = directory.rsplit_once('/').map_or("", |(parent, _)| parent);
            let slash = if directory.is_empty() { "" } else { "/" };
            let key = format!("{directory}{slash}.well-known/openid-configuration");
            let Some(found) = self.session.object(&self.bucket, &key).await? else {
                continue;
            };
            let named = discovery::names(&found.body).and_then(|(issuer, _)| issuer);
            if named
                .as_deref()
                .is_some_and(|named| is_of(named, &self.issuer))
            {
                return Ok(());
            }
            return Err(Error::refused(format!("cannot rotate the keys at {}", self.jwks_uri))
                .because(format!(
                    "they are those of another issuer, {}, by s3://{}/{key} in {region}",
                    named.unwrap_or_else(|| "which cannot be read".to_owned()),
                    self.bucket
                ))
                .hint("publish a discovery document with a jwks_uri of its own: 'irsactl publish'"));
        }
        Ok(())
    }

    /// What is wanted of the published set.
    pub(crate) fn desired(&self, join: JwkSet, retire: &[Kid], adopt: bool) -> Desired {
        Desired {
            key_set: Some(KeySet {
                bucket: self.bucket.clone(),
                account: self.session.account.clone(),
                key: self.key.clone(),
                join,
                retire: retire.to_vec(),
            }),
            adopt,
            ..Desired::of(self.issuer.clone())
        }
    }

    async fn read(&self) -> Result<JwkSet> {
        // Only looked at, so it need not be ours.
        let desired = self.desired(JwkSet::default(), &[], true);
        let planned = self.session.plan(&desired).await?;
        let object = planned.observed.key_set.and_then(|(_, object)| object);
        let body = object.map(|object| object.body).unwrap_or_default();
        JwkSet::parse_foreign(&body)
            .map_err(|e| Error::refused(format!("cannot use {}", self.jwks_uri)).because(e))
    }

    /// The rotation that `prepare` began.
    pub(crate) fn under_way(rotation: Option<Rotation>) -> Result<Rotation> {
        rotation.filter(|one| one.retired.is_none()).ok_or_else(|| {
            Error::refused("cannot go on with a rotation: none is under way")
                .hint("begin one: 'irsactl rotate prepare'; or name its directory with --dir")
        })
    }

    /// The new key of a rotation, unless a run was cut before it was written; then nobody has it.
    pub(crate) fn made(&self, dir: &Path, rotation: &Rotation) -> Result<Option<Kid>> {
        let is_there = file::exists(&directory::named(dir, &rotation.new))?;
        let published = self.published.kids().any(|kid| *kid == rotation.new);
        Ok((is_there || published).then(|| rotation.new.clone()))
    }

    /// Refuses when AWS could not know a key.
    pub(crate) fn require_published(&self, kid: &Kid) -> Result<()> {
        if self.published.kids().any(|one| one == kid) {
            Ok(())
        } else {
            Err(Error::refused(format!("cannot use kid {kid} yet"))
                .because(format!("it is not in {}", self.jwks_uri))
                .hint("publish it: 'irsactl rotate prepare'"))
        }
    }

    /// Waits until the public sees what the owner sees.
    pub(crate) async fn read_back(&self, outcome: &Outcome, stop: &Stop) -> Result<()> {
        if self.session.is_elsewhere() {
            return Ok(());
        }
        read_back::document(&self.jwks_uri, outcome.key_set(), stop).await
    }
}

/// The `jwks_uri` of the published discovery document. Whoever wrote that chooses which JWK Set is written to, so it
/// lies below the issuer, or is named.
async fn published_jwks_uri(issuer: &Issuer, given: Option<&str>) -> Result<String> {
    let url = issuer.discovery_url();
    let cannot = || {
        Error::refused(format!("cannot find the keys of {issuer}"))
            .hint("publish the issuer first: 'irsactl bootstrap'; 'irsactl verify' says what is wrong with it")
    };
    let parsed = Url::parse(&url).map_err(|e| cannot().because(e))?;
    let answer = document::fetch(&parsed).await.map_err(|error| {
        let failed = Error::failed(format!("cannot find the keys of {issuer}")).because(format!(
            "GET {url}: {}",
            error.causes().join(": ")
        ));
        failed.hint("check the network and HTTPS_PROXY, then run again; 'irsactl verify' says what is wrong with an issuer")
    })?;
    if answer.status != 200 {
        return Err(cannot().because(format!("{url} answers HTTP status {}", answer.status)));
    }
    let (named, jwks_uri) = discovery::names(&answer.body).ok_or_else(|| {
        cannot().because(format!("{url} is no JSON object with each member once"))
    })?;
    let named = named.unwrap_or_default();
    if !is_of(&named, issuer) {
        return Err(cannot().because(format!("{url} says that the issuer is {named:?}")));
    }
    let Some(jwks_uri) = jwks_uri else {
        return Err(cannot().because(format!("{url} has no jwks_uri in its plain form")));
    };
    let below = jwks_uri.strip_prefix(issuer.as_str());
    let is_below = below.is_some_and(|path| path.starts_with('/') && !path.contains(['?', '#']));
    if is_below || given == Some(jwks_uri.as_str()) {
        return Ok(jwks_uri);
    }
    Err(
        Error::refused(format!("cannot rotate the keys of {issuer}"))
            .because(format!(
                "{url} says that they are at {jwks_uri}, which is not below the issuer"
            ))
            .hint(format!(
                "where that is this issuer's own JWK Set: --jwks-uri {}",
                shell_quoted(&jwks_uri)
            )),
    )
}

/// Whether a document is of this issuer; some tools leave a slash at its end.
fn is_of(named: &str, issuer: &Issuer) -> bool {
    named.strip_suffix('/').unwrap_or(named) == issuer.as_str()
}
