//! An issuer as one HTML page: nothing of it is loaded from elsewhere, and nothing in it runs. Every text
//! goes through one formatter, which shows hidden characters and escapes what HTML would take for markup.

mod changes;
mod document;
mod picture;

use std::cmp::Reverse;

use aws_lc_rs::digest;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use minijinja::syntax::SyntaxConfig;
use minijinja::value::Serde;
use minijinja::{AutoEscape, Environment, UndefinedBehavior, Value, context, escape_formatter};
use serde::Serialize;
use serde_json::json;

use crate::error::{Error, Result};
use crate::oidc::issuer::Issuer;
use crate::oidc::jwks::JwkSet;
use crate::oidc::key::Kid;
use crate::output::html::document::Token;
use crate::output::html::picture::{Link, Part};
use crate::output::sanitized;
use crate::plan::diff::plan::Plan;
use crate::plan::observed::Observed;
use crate::verify::page::Page as Published;
use crate::verify::report::{Check, Outcome, Report};
use crate::verify::roles::Role;

const TEMPLATE: &str = include_str!("../../templates/report.html");
const STYLE: &str = include_str!("../../templates/report.css");

/// How every page begins, and nothing else that people keep.
pub const BEGINNING: &str = "<!doctype html>\n<!-- irsactl report -->\n";

/// What the page shows.
pub struct Page<'a> {
    /// The cluster, where its name is known.
    pub cluster: Option<&'a str>,
    /// The issuer.
    pub issuer: &'a Issuer,
    /// The account, where it is known.
    pub account: Option<&'a str>,
    /// The region.
    pub region: &'a str,
    /// The bucket, when it is a bucket's issuer.
    pub bucket: Option<&'a str>,
    /// The ARN of the provider, where the account is known.
    pub provider_arn: Option<&'a str>,
    /// All checks.
    pub checks: &'a Report,
    /// What differs from how it must be, and what is there; none when nobody could look.
    pub compared: Option<(&'a Plan, &'a Observed)>,
    /// The command that makes the changes.
    pub repair: &'a str,
    /// The roles that trust the issuer; none when they could not be listed.
    pub roles: Option<&'a [Role]>,
    /// The published discovery document.
    pub discovery: &'a Published,
    /// The published JWK Set.
    pub jwks: &'a Published,
    /// The certificates of each host.
    pub hosts: Vec<Host>,
}

/// A host that serves a document.
#[derive(Serialize)]
pub struct Host {
    /// Its name.
    pub name: String,
    /// Its chain, leaf first.
    pub certificates: Vec<Certificate>,
    /// Why there is none.
    pub failure: Option<String>,
}

/// A certificate of a chain. Times are in days, so that a page is the same all day long.
#[derive(Serialize)]
pub struct Certificate {
    /// Its subject.
    pub subject: String,
    /// Its issuer.
    pub issuer: String,
    /// RFC 3339.
    pub not_before: String,
    /// RFC 3339.
    pub not_after: String,
    /// How long it is valid.
    pub days: i64,
    /// How much of it is left; less than nothing when it has ended.
    pub days_left: i64,
    /// Lower-case hex.
    pub sha1: String,
    /// Lower-case hex.
    pub sha256: String,
    /// Whether it is the one whose SHA-1 is IAM's thumbprint.
    pub is_thumbprint: bool,
}

#[derive(Serialize)]
struct Group<'a> {
    outcome: Outcome,
    title: &'static str,
    checks: Vec<&'a Check>,
}

#[derive(Serialize)]
struct Policy {
    title: String,
    /// The worst that a check says of it.
    outcome: Option<Outcome>,
    tokens: Vec<Token>,
}

impl Page<'_> {
    /// The page's bytes.
    pub fn render(&self) -> Result<String> {
        let mut environment = Environment::new();
        environment.set_undefined_behavior(UndefinedBehavior::Strict);
        environment.set_auto_escape_callback(|_| AutoEscape::Html);
        let cannot = |e| Error::failed("cannot render the report").because(e);
        let syntax = SyntaxConfig::builder()
            .trim_blocks(true)
            .lstrip_blocks(true)
            .build();
        environment.set_syntax(syntax.map_err(cannot)?);
        environment.set_formatter(|out, state, value| match value.as_str() {
            Some(text) if !value.is_safe() => {
                escape_formatter(out, state, &Value::from(visible(text)))
            }
            _ => escape_formatter(out, state, value),
        });
        let rendered = environment.render_str(TEMPLATE, self.values());
        rendered
            .map(|text| format!("{BEGINNING}{text}\n"))
            .map_err(cannot)
    }

    fn values(&self) -> Value {
        let count = |outcome| self.checks.count(outcome);
        let hash = digest::digest(&digest::SHA256, STYLE.as_bytes());
        let observed = self.compared.map(|(_, observed)| observed);
        let provider = observed.and_then(|observed| observed.provider.as_ref());
        let access = observed
            .and_then(|observed| observed.bucket.as_ref())
            .and_then(|bucket| bucket.public_access_block);
        let access = access.map(|access| json!(access));
        let days_left = self.hosts.iter().map(|host| {
            let leaf = host.certificates.first();
            leaf.map(|leaf| leaf.days_left)
        });
        context! {
            style => Value::from_safe_string(STYLE.to_owned()),
            style_hash => STANDARD.encode(hash),
            version => env!("CARGO_PKG_VERSION"),
            cluster => self.cluster,
            issuer => self.issuer.as_str(),
            account => self.account,
            region => self.region,
            repair => self.repair,
            passed => !self.checks.failed(),
            count => context! {
                all => self.checks.0.len(), pass => count(Outcome::Pass), fail => count(Outcome::Fail),
                warn => count(Outcome::Warn), skipped => count(Outcome::Skipped),
            },
            pictures => value(picture::pictures(&self.links(), &self.checks.0)),
            groups => value(self.groups()),
            changes => self.compared.map(|(plan, _)| value(changes::of(plan))),
            documents => value([
                document::published("discovery.json", self.discovery),
                document::published("keys.json", self.jwks),
            ]),
            kids => value(self.kids()),
            hosts => value(&self.hosts),
            days_left => days_left.flatten().min(),
            access => value(access),
            bucket => self.bucket,
            provider_arn => self.provider_arn,
            provider => provider.map(|provider| context! {
                audiences => value(&provider.audiences),
                thumbprints => value(&provider.thumbprints),
                tags => value(&provider.tags),
            }),
            bucket_policy => value(self.bucket_policy()),
            roles => value(self.trust_policies()),
        }
    }

    /// Cluster, issuer, S3, provider and roles.
    fn links(&self) -> Vec<Link<'_>> {
        let link = |part, label, name, facts| Link {
            part,
            label,
            names: vec![name],
            facts,
        };
        let provider = self.compared.and_then(|(_, seen)| seen.provider.as_ref());
        let kids = self.kids();
        let audiences = provider.map(|provider| provider.audiences.iter());
        let role_names = self.roles().map(|roles| {
            roles
                .into_iter()
                .map(|(role, _)| role.name())
                .collect::<Vec<_>>()
        });
        let roles = match role_names {
            Some(names) if !names.is_empty() => names,
            Some(_) => vec!["none trusts it yet"],
            None => vec!["not looked at"],
        };
        vec![
            link(
                Part::Cluster,
                "Cluster",
                self.cluster.unwrap_or("not named"),
                vec!["signs tokens of pods".to_owned()],
            ),
            link(
                Part::Issuer,
                "Issuer",
                self.issuer.as_str(),
                kids.iter().map(|kid| format!("kid {kid}")).collect(),
            ),
            match self.bucket {
                Some(bucket) => link(
                    Part::Bucket,
                    "S3",
                    bucket,
                    vec!["discovery document and JWK Set, for everybody to read".to_owned()],
                ),
                None => link(
                    Part::Bucket,
                    "Web host",
                    self.issuer.host(),
                    vec!["discovery document and JWK Set".to_owned()],
                ),
            },
            link(
                Part::Provider,
                "IAM provider",
                self.provider_arn.unwrap_or("not looked at"),
                audiences
                    .into_iter()
                    .flatten()
                    .map(|audience| format!("audience {audience}"))
                    .collect(),
            ),
            Link {
                part: Part::Roles,
                label: "Roles",
                names: roles,
                facts: Vec::new(),
            },
        ]
    }

    fn kids(&self) -> Vec<String> {
        let set = self.jwks.body().and_then(|body| JwkSet::parse(body).ok());
        let set = set.unwrap_or_default();
        set.kids().map(Kid::as_str).map(str::to_owned).collect()
    }

    /// The checks, the ones that matter most first.
    fn groups(&self) -> Vec<Group<'_>> {
        let groups = [
            (Outcome::Fail, "Failed"),
            (Outcome::Warn, "Warnings"),
            (Outcome::Skipped, "Skipped"),
            (Outcome::Pass, "Passed"),
        ];
        let groups = groups.into_iter().map(|(outcome, title)| Group {
            outcome,
            title,
            checks: (self.checks.0.iter().filter(|c| c.outcome == outcome)).collect(),
        });
        groups.filter(|group| !group.checks.is_empty()).collect()
    }

    fn bucket_policy(&self) -> Option<Policy> {
        let (_, observed) = self.compared?;
        let policy = observed.bucket.as_ref()?.policy.as_ref()?;
        Some(Policy {
            title: format!("Bucket policy of s3://{}", self.bucket?),
            outcome: self.said_of("wider bucket policy statements", None),
            tokens: document::json(policy),
        })
    }

    fn trust_policies(&self) -> Option<Vec<Policy>> {
        let roles = self.roles()?.into_iter().map(|(role, outcome)| Policy {
            title: role.arn.clone(),
            outcome: Some(outcome),
            tokens: document::json(&role.trust),
        });
        Some(roles.collect())
    }

    /// The roles and what the checks say of them, the worst first.
    fn roles(&self) -> Option<Vec<(&Role, Outcome)>> {
        let said = |role: &Role| self.said_of("role trust", Some(&role.arn));
        let roles = self.roles?.iter();
        let mut roles: Vec<_> = roles
            .map(|role| (role, said(role).unwrap_or(Outcome::Pass)))
            .collect();
        roles.sort_by_key(|(_, outcome)| Reverse(picture::rank(*outcome)));
        Some(roles)
    }

    /// What a check says of a place, or of whatever it is about.
    fn said_of(&self, name: &str, place: Option<&str>) -> Option<Outcome> {
        let mut checks = self.checks.0.iter();
        let said = checks
            .find(|check| check.name == name && place.is_none_or(|place| check.place == place));
        said.map(|check| check.outcome)
    }
}

/// A value as a template takes it.
fn value(value: impl Serialize) -> Value {
    Value::from(Serde(value))
}

/// Text with its hidden characters shown; its lines stay lines.
fn visible(text: &str) -> String {
    let lines: Vec<String> = text.split('\n').map(sanitized).collect();
    lines.join("\n")
}
