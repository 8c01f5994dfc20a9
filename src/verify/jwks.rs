//! Checks of a published JWK Set, as STS reads it.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::oidc::jwks::{JwkSet, JwksError};
use crate::oidc::key::Kid;
use crate::verify::page::{self, Page};
use crate::verify::report::Check;

/// All of them. `local` is the kid of the signing key at hand, none, or why it cannot be read.
pub fn check(page: &Page, local: Result<Option<&Kid>, &str>) -> Vec<Check> {
    let mut checks = vec![page::public("JWK Set", page)];
    let Some(body) = page.body() else {
        return checks;
    };
    checks.push(page::content_type("JWK Set content type", page));
    let parsed = JwkSet::parse(body);
    let (passed, actual) = match &parsed {
        Ok(set) if set.kids().next().is_none() => (false, "it holds no key".to_owned()),
        Ok(set) => (true, kids(set)),
        Err(JwksError::Private(member)) => (
            false,
            format!("KEY COMPROMISED: it holds the private member {member:?}"),
        ),
        Err(_) => (false, problems(body)),
    };
    let hint = match parsed {
        Err(JwksError::Private(_)) => {
            "make a new signing key now: whoever has read this document can sign tokens"
        }
        _ => "'irsactl jwks' prints what STS needs; look at the object and publish again",
    };
    let expected = "RSA keys with kty, kid, use=sig, alg=RS256, n, e and nothing else; the kid is SHA-256 of the key";
    checks.push(Check::new("JWK Set keys", &page.url, passed, expected, actual).hint(hint));
    const LOCAL: &str = "signing key published";
    match (&parsed, local) {
        (Ok(set), Ok(Some(local))) => {
            let there = set.kids().any(|kid| kid == local);
            checks.push(
                Check::new(LOCAL, &page.url, there, local.as_str(), kids(set))
                    .hint("tokens of this key are refused until it is published: 'irsactl publish --add-key'"),
            );
        }
        (_, Err(cause)) => checks.push(Check::new(
            LOCAL,
            &page.url,
            false,
            "a key pair that fits",
            cause,
        )),
        (_, Ok(None)) => checks.push(
            Check::skipped(
                LOCAL,
                &page.url,
                "there is no key in the issuer directory to compare with",
            )
            .hint("name it with --dir: somebody else's keys look just as good"),
        ),
        (Err(_), _) => {}
    }
    checks
}

/// Keys that are published and that nobody here knows: whoever can write the document can add one of their
/// own, and sign tokens for every role that trusts the issuer. `own` are all kids that are known, or why they
/// cannot be told.
pub fn unknown(url: &str, published: &JwkSet, own: Result<&BTreeSet<String>, &str>) -> Check {
    const NAME: &str = "unknown keys";
    let own = match own {
        Ok(own) => own,
        Err(cause) => return Check::skipped(NAME, url, cause),
    };
    if own.is_empty() {
        return Check::skipped(NAME, url, "there are no keys of one's own to compare with")
            .hint("name the issuer directory with --dir, or show the API server's keys with --cluster-jwks");
    }
    let kids = published.kids().map(Kid::as_str);
    let strange: Vec<&str> = kids.filter(|kid| !own.contains(*kid)).collect();
    let actual = match strange.as_slice() {
        [] => "none".to_owned(),
        strange => strange.join(", "),
    };
    Check::new(NAME, url, strange.is_empty(), "none", actual)
        .hint("whoever has such a key can sign tokens that AWS accepts: where it is nobody's that you know, take it out of the published document at once and find out who can write there; where it is yours, add its public key to sa-signer.pub of --dir, or show the API server's keys with --cluster-jwks")
}

fn kids(set: &JwkSet) -> String {
    set.kids().map(Kid::as_str).collect::<Vec<_>>().join(", ")
}

/// What is wrong with each key, in the words of STS's rules.
fn problems(body: &[u8]) -> String {
    let keys = serde_json::from_slice::<Value>(body)
        .ok()
        .and_then(|set| set["keys"].as_array().cloned());
    let Some(keys) = keys else {
        return "it is not a JSON object with keys".to_owned();
    };
    let mut found = Vec::new();
    for (index, key) in keys.iter().enumerate() {
        let name = key["kid"]
            .as_str()
            .map_or_else(|| format!("key {index}"), |kid| format!("key {kid:?}"));
        let mut tell = |wrong: bool, what: &str| {
            if wrong {
                found.push(format!("{name} {what}"));
            }
        };
        tell(key["kid"].as_str().is_none_or(str::is_empty), "has no kid");
        tell(key["kty"] != "RSA", "is not an RSA key");
        tell(key["alg"] != "RS256", "has not alg RS256");
        tell(key["use"] != "sig", "has not use sig");
        tell(
            key.get("key_ops").is_some(),
            "has key_ops, which STS refuses",
        );
    }
    if found.is_empty() {
        match JwkSet::parse(body) {
            Err(cause) => cause.to_string(),
            Ok(_) => String::new(),
        }
    } else {
        found.join("; ")
    }
}
