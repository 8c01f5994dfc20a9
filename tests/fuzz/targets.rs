//! What must hold for any bytes: no panic, and a promise each. For cargo-fuzz (fuzz/) and for the replay
//! and the mutations of `cargo test` (tests/it/promises/fuzz.rs).

use std::path::Path;

use irsactl::config::file::ClusterFile;
use irsactl::iam::{policy, public, role};
use irsactl::oidc::issuer::Issuer;
use irsactl::oidc::jwks::JwkSet;
use irsactl::oidc::key::PublicKey;
use irsactl::oidc::signing_key::SigningKey;
use irsactl::oidc::token::Token;
use irsactl::probe::chain::Chain;
use irsactl::verify::page::{Answer, Page};
use irsactl::verify::{discovery, jwks, webhook};
use rustls::pki_types::CertificateDer;
use serde_json::Value;

/// A target by its name, which is that of its folder of seeds too.
pub(crate) type Target = (&'static str, fn(&[u8]));

/// All of them.
pub(crate) const TARGETS: [Target; 7] = [
    ("key", key),
    ("jwk_set", jwk_set),
    ("discovery", discovery_document),
    ("bucket_policy", bucket_policy),
    ("certificate", certificate),
    ("cluster_file", cluster_file),
    ("token", token),
];

/// Key input, PEM or not: what is taken is published without a private member, under one kid.
pub(crate) fn key(data: &[u8]) {
    let _ = SigningKey::from_pem(data).map(|key| key.public());
    let Ok(keys) = PublicKey::all_from_pem(data) else {
        return;
    };
    let set = JwkSet::of(&keys).unwrap();
    let text = serde_json::to_string(&set).unwrap();
    assert_eq!(JwkSet::parse(text.as_bytes()).unwrap(), set);
    assert!(!text.contains("\"d\""));
    for key in keys {
        let again = PublicKey::all_from_pem(key.to_pem().unwrap().as_bytes()).unwrap();
        assert_eq!(again, [key]);
    }
}

/// A published JWK Set: what is taken is written back with every key, and never with a private member.
pub(crate) fn jwk_set(data: &[u8]) {
    jwks::check(&page(data), Ok(None));
    let foreign = JwkSet::parse_foreign(data);
    if let Ok(set) = JwkSet::parse(data) {
        assert_eq!(foreign.unwrap(), set);
        let text = serde_json::to_vec(&set).unwrap();
        assert_eq!(JwkSet::parse(&text).unwrap(), set);
    }
}

/// A published discovery document.
pub(crate) fn discovery_document(data: &[u8]) {
    let Ok(issuer) = Issuer::parse("https://oidc.example.com/a") else {
        return;
    };
    let page = page(data);
    discovery::jwks_uri(&page);
    assert!(!discovery::check(&issuer, &page).is_empty());
}

/// A bucket policy or a trust policy: merging ours into it keeps every statement, and is settled at once.
pub(crate) fn bucket_policy(data: &[u8]) {
    let Ok(existing) = serde_json::from_slice::<Value>(data) else {
        return;
    };
    public::wider(&existing);
    role::trusts(&existing, "arn:aws:iam::111122223333:oidc-provider/a");
    let arns = ["arn:aws:s3:::b/keys.json".to_owned()];
    let Ok(merged) = policy::merged(Some(&existing), "Ours", &arns) else {
        return;
    };
    let statements = |policy: &Value| match &policy["Statement"] {
        Value::Array(list) => list.clone(),
        one => vec![one.clone()],
    };
    let after = statements(&merged);
    for statement in statements(&existing) {
        assert!(statement["Sid"] == "Ours" || after.contains(&statement));
    }
    assert_eq!(
        policy::merged(Some(&merged), "Ours", &arns).unwrap(),
        merged
    );
}

/// A presented certificate, DER, and a webhook's, PEM.
pub(crate) fn certificate(data: &[u8]) {
    let der = CertificateDer::from(data.to_vec());
    if let Ok(chain) = Chain::of(&[der.clone(), der]) {
        let last = chain.last("host").unwrap();
        assert_eq!(last.sha1.as_str().len(), 40);
    }
    webhook::ends(data);
    let _ = webhook::verify_serving(data, data, "a.b.svc", 1_800_000_000);
}

/// A cluster file: what is taken has a value for every setting.
pub(crate) fn cluster_file(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    if let Ok(file) = ClusterFile::parse(text, Path::new("irsactl.yaml")) {
        assert!(
            file.settings()
                .iter()
                .all(|setting| !setting.values.is_empty())
        );
    }
}

/// A token: no key that is not in the set has signed it.
pub(crate) fn token(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    if let Ok(token) = Token::parse(text) {
        assert!(token.verify(&JwkSet::default()).is_err());
        irsactl::verify::token::times(&token, 1_800_000_000);
        irsactl::verify::token::required_claims(&token);
        irsactl::verify::token::audience(&token, &["sts.amazonaws.com".to_owned()]);
    }
}

fn page(body: &[u8]) -> Page {
    Page {
        url: "https://oidc.example.com/keys.json".to_owned(),
        answer: Ok(Answer {
            status: 200,
            content_type: None,
            body: body.to_vec(),
        }),
    }
}
