//! Checks of a token, as STS makes them (AssumeRoleWithWebIdentity).

use std::time::Duration;

use pkcs8::der::DateTime;
use serde_json::Value;

use crate::oidc::issuer::Issuer;
use crate::oidc::jwks::JwkSet;
use crate::oidc::token::Token;
use crate::verify::report::{Check, Outcome};

/// How far STS lets clocks differ, in seconds.
const LEEWAY: u64 = 300;

/// The signature, with the key that the token names.
pub fn signature(token: &Token, keys: &JwkSet) -> Check {
    let result = token.verify(keys);
    let actual = match &result {
        Ok(kid) => format!("signed by {kid}"),
        Err(cause) => cause.to_string(),
    };
    let expected = "RS256, by a key of the JWK Set";
    Check::new("signature", "the token", result.is_ok(), expected, actual).hint(
        "compare the kid with those of 'irsactl jwks' and of the published keys.json; the API server may sign with another key",
    )
}

/// Without keys to check it with.
pub fn signature_skipped() -> Check {
    let reason = "not checked: nothing vouches for what the token says";
    Check::skipped("signature", "the token", reason).hint("give --issuer or --public-key")
}

/// The `iss` claim, byte by byte.
pub fn issuer(token: &Token, issuer: &Issuer) -> Check {
    let iss = &token.claims["iss"];
    Check::new(
        "issuer",
        "claim iss",
        iss == issuer.as_str(),
        issuer.as_str(),
        text(iss),
    )
    .hint("the first --service-account-issuer of the API server is the one in its tokens")
}

/// The audience as STS takes it: `aud`, a string or an array of one (RFC 7519 §4.1.3); with `azp`, that
/// one counts instead. It must be one of `accepted`.
pub fn audience(token: &Token, accepted: &[String]) -> Check {
    let (aud, azp) = (&token.claims["aud"], &token.claims["azp"]);
    let claimed: Vec<&Value> = match (azp, aud) {
        (Value::Null, Value::Array(list)) => list.iter().collect(),
        (Value::Null, one) => vec![one],
        (azp, _) => vec![azp],
    };
    let actual = match azp {
        Value::Null => text(aud),
        azp => format!("{} (azp)", text(azp)),
    };
    let passed =
        matches!(claimed.as_slice(), [one] if accepted.iter().any(|audience| *one == audience));
    Check::new("audience", "claims aud, azp", passed, accepted.join(" or "), actual).hint(
        "STS wants one audience, that of the projected volume (serviceAccountToken.audience), not of --api-audiences",
    )
}

/// Whose token it is: what a trust policy's `:sub` is compared with.
pub fn subject(token: &Token) -> Check {
    let sub = &token.claims["sub"];
    let service_account = sub
        .as_str()
        .is_some_and(|sub| sub.starts_with("system:serviceaccount:"));
    let expected = "system:serviceaccount:NAMESPACE:NAME";
    Check::new("subject", "claim sub", service_account, expected, text(sub))
        .hint("is it a service account token?")
}

/// The claims without which STS answers "Missing a required claim".
pub fn required_claims(token: &Token) -> Check {
    let missing: Vec<&str> = ["iss", "sub", "aud", "iat", "exp"]
        .into_iter()
        .filter(|name| token.claims.get(name).is_none_or(Value::is_null))
        .collect();
    let actual = match missing.as_slice() {
        [] => "all there".to_owned(),
        missing => format!("no {}", missing.join(", ")),
    };
    let expected = "iss, sub, aud, iat and exp";
    Check::new("claims", "the token", missing.is_empty(), expected, actual)
        .hint("is it a service account token?")
}

/// `exp`, `nbf` and `iat` at `now`, seconds since 1970, with the five minutes of leeway that STS gives.
/// STS takes whole numbers, also as text, and no fractions.
pub fn times(token: &Token, now: u64) -> Check {
    let claim = |name: &str| match &token.claims[name] {
        Value::Null => Ok(None),
        Value::String(text) => text.parse().map(Some).map_err(|_| name.to_owned()),
        value => value.as_u64().map(Some).ok_or_else(|| name.to_owned()),
    };
    let (expected, place) = (
        format!("valid at {}", time_text(now)),
        "claims exp, nbf, iat",
    );
    let (exp, nbf, iat) = match (claim("exp"), claim("nbf"), claim("iat")) {
        (Ok(exp), Ok(nbf), Ok(iat)) => (exp, nbf, iat),
        (Err(name), _, _) | (_, Err(name), _) | (_, _, Err(name)) => {
            return Check::new(
                "times",
                place,
                false,
                expected,
                format!("{name} is not a whole number of seconds"),
            )
            .hint("the API server writes whole numbers: is it one of its tokens?");
        }
    };
    let expired = exp.is_some_and(|exp| exp.saturating_add(LEEWAY) <= now);
    let early = [nbf, iat]
        .into_iter()
        .flatten()
        .any(|begin| begin > now.saturating_add(LEEWAY));
    let at = |time: Option<u64>| time.map_or_else(|| "no time".to_owned(), time_text);
    let actual = format!("from {} to {}", at(nbf.or(iat)), at(exp));
    let mut check = Check::new(
        "times",
        place,
        exp.is_some() && !expired && !early,
        expected,
        actual,
    )
    .hint("take a fresh token; a wrong clock of this machine or of the API server shows here too");
    if check.outcome == Outcome::Pass && exp.is_some_and(|exp| exp <= now) {
        check.outcome = Outcome::Warn;
        check = check.hint("it has expired, and STS takes it for five minutes more only");
    }
    check
}

/// Seconds since 1970 as RFC 3339, UTC.
pub fn time_text(seconds: u64) -> String {
    match DateTime::from_unix_duration(Duration::from_secs(seconds)) {
        Ok(time) => time.to_string(),
        Err(_) => format!("{seconds} s after 1970"),
    }
}

fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => "absent".to_owned(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use base64::Engine as _;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;

    fn token(claims: &str) -> Token {
        let encode = |text: &str| URL_SAFE_NO_PAD.encode(text);
        Token::parse(&format!("{}.{}.", encode("{}"), encode(claims))).unwrap()
    }

    #[test]
    fn times_are_as_sts_has_them() {
        for (claims, outcome) in [
            (r#"{"exp":1000,"iat":900}"#, Outcome::Pass),
            (r#"{"exp":950,"iat":900}"#, Outcome::Warn),
            (r#"{"exp":650,"iat":100}"#, Outcome::Fail),
            (r#"{"exp":2000,"iat":1251}"#, Outcome::Fail),
            (r#"{"exp":2000,"nbf":1250}"#, Outcome::Pass),
            (r#"{"exp":18446744073709551615,"nbf":1251}"#, Outcome::Fail),
            (r#"{"exp":"soon"}"#, Outcome::Fail),
            (r#"{"exp":"1000","iat":"900"}"#, Outcome::Pass),
            (r#"{"exp":1000,"iat":900.5}"#, Outcome::Fail),
        ] {
            assert_eq!(times(&token(claims), 950).outcome, outcome, "{claims}");
        }
        assert_eq!(time_text(0), "1970-01-01T00:00:00Z");
    }

    #[test]
    fn claims_are_compared_as_they_are() {
        let own = token(r#"{"iss":"https://a.example/","aud":["x","y"]}"#);
        let expected = Issuer::parse("https://a.example").unwrap();
        assert_eq!(issuer(&own, &expected).outcome, Outcome::Fail);
        for (claims, outcome) in [
            (r#"{"aud":"y"}"#, Outcome::Pass),
            (r#"{"aud":["y"]}"#, Outcome::Pass),
            (r#"{"aud":["x","y"]}"#, Outcome::Fail),
            (r#"{"aud":["x","y"],"azp":"y"}"#, Outcome::Pass),
            (r#"{"aud":"y","azp":"x"}"#, Outcome::Fail),
            (r#"{"aud":[]}"#, Outcome::Fail),
        ] {
            assert_eq!(
                audience(&token(claims), &["y".to_owned()]).outcome,
                outcome,
                "{claims}"
            );
        }
        let token = own;
        assert_eq!(required_claims(&token).actual, "no sub, iat, exp");
    }
}
