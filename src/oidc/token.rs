//! Service account tokens: signed as kube-apiserver does, and taken apart.
//!
//! RS256 and nothing else (RFC 8725 §3.1): a token's own word on its algorithm is compared, never
//! followed.

use aws_lc_rs::rsa::PublicKeyComponents;
use aws_lc_rs::signature::RSA_PKCS1_2048_8192_SHA256;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Serialize;
use serde_json::Value;

use crate::oidc::issuer::Issuer;
use crate::oidc::jwks::JwkSet;
use crate::oidc::key::Kid;
use crate::oidc::key_error::KeyError;
use crate::oidc::signing_key::SigningKey;
use crate::oidc::subject::Subject;

/// STS takes tokens of at most this many characters (AssumeRoleWithWebIdentity, `WebIdentityToken`).
pub const MAX_LEN: usize = 20_000;

/// The claims that STS needs. Times are seconds since 1970 (RFC 7519 §2, NumericDate).
#[derive(Clone, Debug, Serialize)]
pub struct Claims {
    /// The audiences; an array, as kube-apiserver writes it.
    pub aud: Vec<String>,
    /// When it ends.
    pub exp: u64,
    /// When it was made.
    pub iat: u64,
    /// The issuer.
    pub iss: Issuer,
    /// When it begins.
    pub nbf: u64,
    /// Whose it is.
    pub sub: Subject,
}

/// How long before now a new token begins, in seconds: clocks differ.
const EARLIER: u64 = 10;

impl Claims {
    /// The claims of a token that is made `now` and good until `end`.
    pub fn between(issuer: &Issuer, subject: &Subject, audience: &str, now: u64, end: u64) -> Self {
        let begin = now.saturating_sub(EARLIER);
        Self {
            aud: vec![audience.to_owned()],
            exp: end,
            iat: begin,
            iss: issuer.clone(),
            nbf: begin,
            sub: subject.clone(),
        }
    }
}

/// A token with these claims, signed. Its header has `alg` and `kid` only, as kube-apiserver's.
pub fn mint(key: &SigningKey, claims: &Claims) -> Result<String, KeyError> {
    #[derive(Serialize)]
    struct Header<'a> {
        alg: &'a str,
        kid: &'a Kid,
    }
    let kid = key.public()?.kid()?;
    let header = Header {
        alg: "RS256",
        kid: &kid,
    };
    let encode = |json: serde_json::Result<Vec<u8>>| json.map(|json| URL_SAFE_NO_PAD.encode(json));
    let header = encode(serde_json::to_vec(&header)).map_err(|_| KeyError::Invalid)?;
    let claims = encode(serde_json::to_vec(claims)).map_err(|_| KeyError::Invalid)?;
    let signed = format!("{header}.{claims}");
    let signature = key.sign_rs256(signed.as_bytes())?;
    Ok(format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature)))
}

/// Why a text is not a token, or not one of a JWK Set.
#[derive(Debug, thiserror::Error)]
pub enum TokenError {
    /// Not three parts of base64url with two JSON objects.
    #[error("it is not a JSON Web Token: {0}")]
    Form(&'static str),
    /// An algorithm other than RS256.
    #[error("its algorithm is {0}; only RS256 is accepted")]
    Algorithm(Value),
    /// No kid in the header.
    #[error("its header has no kid")]
    NoKid,
    /// A kid that the set does not have.
    #[error("its kid {0:?} is not in the JWK Set")]
    UnknownKid(String),
    /// A signature of another key, or of other bytes.
    #[error("its signature is not of the key {0}")]
    Signature(Kid),
}

/// A token taken apart; nothing in it is trusted yet.
#[derive(Debug)]
pub struct Token {
    /// Its header.
    pub header: Value,
    /// Its claims.
    pub claims: Value,
    signature: Vec<u8>,
    signed: String,
}

impl Token {
    /// Takes a token apart.
    pub fn parse(text: &str) -> Result<Self, TokenError> {
        let text = text.trim();
        if text.len() > MAX_LEN {
            return Err(TokenError::Form("it is longer than STS takes"));
        }
        let mut parts = text.rsplitn(2, '.');
        let (Some(signature), Some(signed)) = (parts.next(), parts.next()) else {
            return Err(TokenError::Form("it has no dots"));
        };
        let (header, claims) = match signed.split_once('.') {
            Some((header, claims)) if !claims.contains('.') => (header, claims),
            _ => return Err(TokenError::Form("it has not three parts")),
        };
        let bytes = |part: &str| {
            URL_SAFE_NO_PAD
                .decode(part)
                .map_err(|_| TokenError::Form("a part is not base64url"))
        };
        let object = |part: &str| match serde_json::from_slice(&bytes(part)?) {
            Ok(value @ Value::Object(_)) => Ok(value),
            _ => Err(TokenError::Form("a part is not a JSON object")),
        };
        Ok(Self {
            header: object(header)?,
            claims: object(claims)?,
            signature: bytes(signature)?,
            signed: signed.to_owned(),
        })
    }

    /// The signature as it stands in the token.
    pub fn signature_text(&self) -> String {
        URL_SAFE_NO_PAD.encode(&self.signature)
    }

    /// Checks the signature with the key that the header names.
    pub fn verify(&self, keys: &JwkSet) -> Result<Kid, TokenError> {
        if self.header["alg"] != "RS256" {
            return Err(TokenError::Algorithm(self.header["alg"].clone()));
        }
        let kid = self.header["kid"].as_str().ok_or(TokenError::NoKid)?;
        let (kid, n, e) = keys
            .numbers(kid)
            .ok_or_else(|| TokenError::UnknownKid(kid.to_owned()))?;
        let key = PublicKeyComponents { n, e };
        match key.verify(
            &RSA_PKCS1_2048_8192_SHA256,
            self.signed.as_bytes(),
            &self.signature,
        ) {
            Ok(()) => Ok(kid),
            Err(_) => Err(TokenError::Signature(kid)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn minted() -> (String, JwkSet) {
        let key = SigningKey::generate(2048).unwrap();
        let claims = Claims {
            aud: vec!["sts.amazonaws.com".to_owned()],
            exp: 2,
            iat: 1,
            iss: Issuer::parse("https://example.com").unwrap(),
            nbf: 1,
            sub: "a/b".parse().unwrap(),
        };
        let keys = JwkSet::of(&[key.public().unwrap()]).unwrap();
        (mint(&key, &claims).unwrap(), keys)
    }

    #[test]
    fn a_token_verifies_with_its_own_key_and_bytes_only() {
        let (token, keys) = minted();
        let parsed = Token::parse(&token).unwrap();
        assert_eq!(parsed.claims["sub"], "system:serviceaccount:a:b");
        assert!(parsed.verify(&keys).is_ok());
        let (_, other) = minted();
        assert!(matches!(
            parsed.verify(&other),
            Err(TokenError::UnknownKid(_))
        ));

        let [header, claims, signature]: [&str; 3] =
            token.split('.').collect::<Vec<_>>().try_into().unwrap();
        let forged = URL_SAFE_NO_PAD.encode(r#"{"sub":"system:serviceaccount:a:c"}"#);
        let forged = Token::parse(&format!("{header}.{forged}.{signature}")).unwrap();
        assert!(matches!(
            forged.verify(&keys),
            Err(TokenError::Signature(_))
        ));
        let none = URL_SAFE_NO_PAD.encode(r#"{"alg":"none"}"#);
        let none = Token::parse(&format!("{none}.{claims}.")).unwrap();
        assert!(matches!(none.verify(&keys), Err(TokenError::Algorithm(_))));
        for text in [
            "",
            "a.b",
            "a.b.c.d",
            "!.!.!",
            "e30.W10.",
            &"a".repeat(MAX_LEN + 1),
        ] {
            assert!(Token::parse(text).is_err(), "{text}");
        }
    }
}
