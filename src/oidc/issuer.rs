//! The issuer: one canonical https URL, byte-equal wherever it appears.
//!
//! It is the `iss` claim, the discovery document's `issuer`, the IAM provider's URL and the first
//! `--service-account-issuer`. IAM treats `/path` and `/path/` as two providers, so a form that
//! is not canonical is refused rather than repaired.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use url::Url;

/// IAM's limit for a provider URL (CreateOpenIDConnectProvider, `Url`).
const MAX_LEN: usize = 255;

/// An `iss` URL: https, lower-case host, no port, query, fragment, user or trailing slash
/// (OpenID Connect Discovery 1.0 §3; IAM `CreateOpenIDConnectProvider`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
pub struct Issuer(String);

impl TryFrom<String> for Issuer {
    type Error = IssuerError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::parse(&text)
    }
}

impl From<Issuer> for String {
    fn from(issuer: Issuer) -> Self {
        issuer.0
    }
}

/// Why a string is not an issuer.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum IssuerError {
    /// Not a URL at all.
    #[error("it is not a URL: {0}")]
    NotAUrl(String),
    /// Another scheme than https.
    #[error("its scheme must be https, not {0}")]
    Scheme(String),
    /// A part that an issuer must not have.
    #[error("it must not have {0}")]
    Part(&'static str),
    /// A character or a path segment outside the unreserved set.
    #[error(
        "its path may hold letters, digits and - . _ ~ / only, with no empty, '.' or '..' segment"
    )]
    Path,
    /// Written in another form than the canonical one.
    #[error("it is not in canonical form, which is {0}")]
    NotCanonical(String),
    /// Longer than IAM takes.
    #[error("it is {0} characters long; IAM takes {MAX_LEN}")]
    TooLong(usize),
}

impl Issuer {
    /// Parses an issuer; it must be canonical already.
    pub fn parse(text: &str) -> Result<Self, IssuerError> {
        let url = Url::parse(text).map_err(|e| IssuerError::NotAUrl(e.to_string()))?;
        if url.scheme() != "https" {
            return Err(IssuerError::Scheme(url.scheme().to_owned()));
        }
        if !url.username().is_empty() || url.password().is_some() || text.contains('@') {
            return Err(IssuerError::Part("a user name or password"));
        }
        // Url drops a default port, so the text itself is asked.
        let host_and_path = text.get("https://".len()..).unwrap_or_default();
        let (authority, path) = match host_and_path.find(['/', '?', '#']) {
            Some(at) => host_and_path.split_at(at),
            None => (host_and_path, ""),
        };
        if !matches!(url.host(), Some(url::Host::Domain(_))) {
            return Err(IssuerError::Part("an IP address for its host"));
        }
        if authority.contains(':') {
            return Err(IssuerError::Part("a port"));
        }
        if text.contains('?') {
            return Err(IssuerError::Part("a query"));
        }
        if text.contains('#') {
            return Err(IssuerError::Part("a fragment"));
        }
        if path.ends_with('/') {
            return Err(IssuerError::Part("a trailing slash"));
        }
        if !path.is_empty() && !is_prefix(&path[1..]) {
            return Err(IssuerError::Path);
        }
        let canonical = url.as_str().trim_end_matches('/');
        if canonical != text {
            return Err(IssuerError::NotCanonical(canonical.to_owned()));
        }
        if text.len() > MAX_LEN {
            return Err(IssuerError::TooLong(text.len()));
        }
        Ok(Self(text.to_owned()))
    }

    /// The canonical URL.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The issuer without `https://`: the form in ARNs and condition keys.
    pub fn host_path(&self) -> &str {
        &self.0["https://".len()..]
    }

    /// The host name.
    pub fn host(&self) -> &str {
        let host_path = self.host_path();
        host_path.split('/').next().unwrap_or(host_path)
    }

    /// Where the discovery document must be (OpenID Connect Discovery 1.0 §4).
    pub fn discovery_url(&self) -> String {
        format!("{self}/.well-known/openid-configuration")
    }

    /// Where we publish the JWK Set; the discovery document's `jwks_uri`.
    pub fn jwks_uri(&self) -> String {
        format!("{self}/keys.json")
    }
}

impl fmt::Display for Issuer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Whether `path` can stand behind the host: segments of RFC 3986 unreserved characters.
/// Percent-encoding is left out since S3, IAM and STS need not agree on how to compare it.
pub fn is_prefix(path: &str) -> bool {
    path.split('/').all(|segment| {
        !segment.is_empty()
            && segment != "."
            && segment != ".."
            && segment
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b"-._~".contains(&b))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn canonical_issuers_are_taken_as_they_are() {
        for text in [
            "https://example.com",
            "https://b.s3.us-west-2.amazonaws.com/prod/one",
            "https://s3.us-west-2.amazonaws.com/Bucket_1",
        ] {
            assert_eq!(Issuer::parse(text).unwrap().as_str(), text);
        }
        let issuer = Issuer::parse("https://example.com/a/b").unwrap();
        assert_eq!(issuer.host(), "example.com");
        assert_eq!(issuer.host_path(), "example.com/a/b");
        assert_eq!(issuer.jwks_uri(), "https://example.com/a/b/keys.json");
    }

    #[test]
    fn every_other_form_is_refused_with_its_reason() {
        for (text, reason) in [
            ("", "not a URL"),
            ("example.com", "not a URL"),
            ("http://example.com", "https, not http"),
            ("https://example.com/", "a trailing slash"),
            ("https://example.com/a/", "a trailing slash"),
            ("https://example.com:443", "a port"),
            ("https://example.com:8443/a", "a port"),
            ("https://[::1]", "an IP address"),
            ("https://127.0.0.1/a", "an IP address"),
            ("https://example.com?a=b", "a query"),
            ("https://example.com/#a", "a fragment"),
            ("https://user@example.com", "a user name"),
            ("https://:pass@example.com", "a user name"),
            (
                "https://Example.com",
                "canonical form, which is https://example.com",
            ),
            ("https://exämple.com", "canonical form"),
            ("https://example.com/a//b", "its path"),
            ("https://example.com/a/../b", "its path"),
            ("https://example.com/a%2Fb", "its path"),
            ("https://example.com/a b", "its path"),
        ] {
            let error = Issuer::parse(text).unwrap_err().to_string();
            assert!(error.contains(reason), "{text}: {error}");
        }
        let long = format!("https://example.com/{}", "a".repeat(240));
        assert_eq!(Issuer::parse(&long), Err(IssuerError::TooLong(260)));
    }
}
