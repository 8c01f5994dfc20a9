//! Checks of a published discovery document (OpenID Connect Discovery 1.0 §3 and §4.3).

use serde::Deserialize;
use serde_json::Value;
use url::Url;

use crate::oidc::issuer::Issuer;
use crate::verify::page::{self, Page};
use crate::verify::report::Check;

/// The members that count. None may stand twice: readers differ in which one they take.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Document {
    issuer: Value,
    jwks_uri: Value,
    response_types_supported: Value,
    subject_types_supported: Value,
    id_token_signing_alg_values_supported: Value,
}

/// All of them; what depends on a readable document is left out when there is none.
pub fn check(issuer: &Issuer, page: &Page) -> Vec<Check> {
    let mut checks = vec![page::public("discovery document", page)];
    let Some(body) = page.body() else {
        return checks;
    };
    checks.push(page::content_type("discovery content type", page));
    let document: Document = match serde_json::from_slice(body) {
        Ok(document) => document,
        Err(cause) => {
            let actual = if cause.is_data() {
                cause.to_string()
            } else {
                "it is not JSON".to_owned()
            };
            checks.push(
                Check::new(
                    "discovery members",
                    &page.url,
                    false,
                    "a JSON object with each member once",
                    actual,
                )
                .hint(
                    "a captive portal or a proxy may have answered; publish what 'irsactl discovery' prints",
                ),
            );
            return checks;
        }
    };
    let text = |value: &Value| value.as_str().unwrap_or("absent").to_owned();
    checks.push(
        Check::new("discovery issuer", &page.url, document.issuer == issuer.as_str(), issuer.as_str(), text(&document.issuer))
            .hint("it must be the issuer byte for byte, without a slash at the end; publish what 'irsactl discovery' prints"),
    );
    let jwks_uri = text(&document.jwks_uri);
    checks.push(
        Check::new(
            "discovery jwks_uri",
            &page.url,
            jwks_uri.starts_with("https://"),
            "an https URL",
            jwks_uri,
        )
        .hint("publish what 'irsactl discovery' prints"),
    );
    let lacks: Vec<&str> = [
        (
            "response_types_supported",
            &document.response_types_supported,
            "id_token",
        ),
        (
            "subject_types_supported",
            &document.subject_types_supported,
            "public",
        ),
        (
            "id_token_signing_alg_values_supported",
            &document.id_token_signing_alg_values_supported,
            "RS256",
        ),
    ]
    .into_iter()
    .filter(|(_, list, value)| {
        !list
            .as_array()
            .is_some_and(|list| list.iter().any(|one| one == value))
    })
    .map(|(name, ..)| name)
    .collect();
    let actual = if lacks.is_empty() {
        "all there".to_owned()
    } else {
        format!("not as needed: {}", lacks.join(", "))
    };
    checks.push(
        Check::new(
            "discovery members",
            &page.url,
            lacks.is_empty(),
            "id_token, public and RS256",
            actual,
        )
        .hint("publish what 'irsactl discovery' prints"),
    );
    checks
}

/// Where it says that the JWK Set is.
pub fn jwks_uri(page: &Page) -> Option<String> {
    let (_, jwks_uri) = names(page.body()?)?;
    jwks_uri
}

/// The issuer and the `jwks_uri` that a document names; none when it is no JSON object with each member once. An URL
/// that readers may take differently, since it is not in the form that it has when it is written, is none.
pub fn names(body: &[u8]) -> Option<(Option<String>, Option<String>)> {
    let document: Document = serde_json::from_slice(body).ok()?;
    let jwks_uri = document.jwks_uri.as_str();
    let jwks_uri = jwks_uri.filter(|text| Url::parse(text).is_ok_and(|url| url.as_str() == *text));
    let issuer = document.issuer.as_str().map(str::to_owned);
    Some((issuer, jwks_uri.map(str::to_owned)))
}
