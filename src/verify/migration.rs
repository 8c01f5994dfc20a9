//! Whether a stage of a migration took effect, as the API server shows it.

use serde_json::Value;

use crate::oidc::token::Token;
use crate::verify::cluster::Source;
use crate::verify::report::Check;

const BACK: &str = "another API server may answer than the one that was changed; 'irsactl migrate back' prints the settings before";

/// The issuer that signs (`kubectl get --raw /.well-known/openid-configuration`) is still an existing one.
pub fn existing_signs(source: &Source, existing: &[&str]) -> Check {
    let actual = source
        .document()
        .map(|document| text(&document["issuer"]).to_owned());
    let passed = actual
        .as_ref()
        .is_ok_and(|issuer| existing.contains(&issuer.as_str()));
    let actual = actual.unwrap_or_else(|cause| cause);
    let expected = existing.join(" or ");
    Check::new("cluster issuer", &source.place, passed, expected, actual).hint(BACK)
}

/// The new key is among those that the API server verifies tokens with (`kubectl get --raw
/// /openid/v1/jwks`).
pub fn accepts_key(source: &Source, kid: &str) -> Check {
    let kids = source.document().map(|document| {
        let keys = document["keys"].as_array().into_iter().flatten();
        let kids = keys.map(|key| text(&key["kid"]).to_owned());
        kids.collect::<Vec<_>>()
    });
    let passed = kids
        .as_ref()
        .is_ok_and(|kids| kids.iter().any(|own| own == kid));
    let actual = match (passed, kids) {
        (true, _) => kid.to_owned(),
        (false, Ok(kids)) => kids.join(", "),
        (false, Err(cause)) => cause,
    };
    Check::new("cluster keys", &source.place, passed, kid, actual)
        .hint("roll this stage out to every API server first: --service-account-key-file names sa-signer.pub")
}

/// The token's issuer is still an existing one.
pub fn token_of_existing(token: &Token, existing: &[&str]) -> Check {
    let iss = text(&token.claims["iss"]);
    let expected = existing.join(" or ");
    Check::new(
        "issuer",
        "claim iss",
        existing.contains(&iss),
        expected,
        iss,
    )
    .hint(BACK)
}

/// A token that names no audience has all of `--api-audiences`, which by default are all issuers. Where
/// they are set otherwise this says nothing.
pub fn token_for_new(token: &Token, issuer: &str) -> Check {
    let aud = match &token.claims["aud"] {
        Value::Array(list) => list.iter().map(text).collect(),
        one => vec![text(one)],
    };
    let check = Check::new(
        "audience",
        "claim aud",
        aud.contains(&issuer),
        issuer,
        aud.join(", "),
    );
    check.or_warn().hint(
        "a token without audiences of its own shows whether the issuer is accepted, unless --api-audiences is set: kubectl create token default",
    )
}

/// The token was signed with the new key.
pub fn token_key(token: &Token, kid: &str) -> Check {
    let actual = text(&token.header["kid"]);
    Check::new("token key", "header kid", actual == kid, kid, actual)
        .hint("--service-account-signing-key-file names sa-signer.key, on every API server")
}

fn text(value: &Value) -> &str {
    match value {
        Value::Null => "absent",
        other => other.as_str().unwrap_or("not a text"),
    }
}
