//! What the cluster's own API server says of itself, beside what is published.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::oidc::issuer::Issuer;
use crate::verify::report::Check;

/// Where it was read: a file, or kubectl; what was read, or why nothing was.
#[derive(Clone, Debug)]
pub struct Source {
    /// For people.
    pub place: String,
    /// The document.
    pub body: Result<Vec<u8>, String>,
}

impl Source {
    pub(super) fn document(&self) -> Result<Value, String> {
        let body = self.body.as_ref().map_err(Clone::clone)?;
        serde_json::from_slice(body).map_err(|cause| format!("it is not JSON: {cause}"))
    }

    /// The kids in it, where it is a JWK Set.
    pub fn kids(&self) -> BTreeSet<String> {
        let document = self.document().unwrap_or_default();
        let keys = document["keys"].as_array().into_iter().flatten();
        let kids = keys.filter_map(|key| key["kid"].as_str());
        kids.map(str::to_owned).collect()
    }
}

/// The keys that the API server verifies tokens with (`kubectl get --raw /openid/v1/jwks`), one of which
/// it signs with, against the published ones.
pub fn keys(source: &Source, published: &[String]) -> Vec<Check> {
    const NAME: &str = "cluster keys";
    let expected = "the keys of the API server are published";
    let document = match source.document() {
        Ok(document) => document,
        Err(cause) => return vec![Check::new(NAME, &source.place, false, expected, cause)],
    };
    if !document["keys"].is_array() {
        return vec![Check::new(
            NAME,
            &source.place,
            false,
            expected,
            "it has no keys",
        )];
    }
    let live = source.kids();
    let published: BTreeSet<String> = published.iter().cloned().collect();
    let text = |set: &mut dyn Iterator<Item = &String>| {
        let names: Vec<&str> = set.map(String::as_str).collect();
        names.join(", ")
    };
    let missing = text(&mut live.difference(&published));
    let check = |passed, actual| Check::new(NAME, &source.place, passed, expected, actual);
    let mut checks = Vec::new();
    if live.is_disjoint(&published) {
        checks.push(check(false, format!("none of them is published: {missing}")).hint(
            "the API server signs with another key: publish its public key ('irsactl publish --add-key'), or give it ours ('irsactl flags')",
        ));
    } else if !missing.is_empty() {
        checks.push(check(false, format!("not published: {missing}")).or_warn().hint(
            "if the API server signs with it, STS answers \"Couldn't retrieve verification key\": compare with a pod's token ('irsactl token decode')",
        ));
    } else {
        checks.push(check(true, text(&mut live.iter())));
    }
    let unknown = text(&mut published.difference(&live));
    let check = Check::new(
        "published keys",
        &source.place,
        unknown.is_empty(),
        "each is a key of the API server",
        match unknown.as_str() {
            "" => "all are".to_owned(),
            unknown => format!("the API server does not know {unknown}"),
        },
    );
    checks.push(check.or_warn().hint(
        "whoever holds such a key can sign tokens; right only while a key is being rotated, or for a key that is yet to be used",
    ));
    checks
}

/// The issuer that the API server signs for (`kubectl get --raw /.well-known/openid-configuration`): the
/// first of its `--service-account-issuer`.
pub fn discovery(source: &Source, issuer: &Issuer) -> Vec<Check> {
    const NAME: &str = "cluster issuer";
    let document = match source.document() {
        Ok(document) => document,
        Err(cause) => {
            return vec![Check::new(
                NAME,
                &source.place,
                false,
                issuer.as_str(),
                cause,
            )];
        }
    };
    let text = |name: &str| document[name].as_str().unwrap_or("absent").to_owned();
    let jwks_uri = text("jwks_uri");
    vec![
        Check::new(NAME, &source.place, document["issuer"] == issuer.as_str(), issuer.as_str(), text("issuer"))
            .hint("set it as the first --service-account-issuer of every API server: 'irsactl flags' prints it, with the old one kept"),
        // AWS never sees this one: it reads the published document.
        Check::new("cluster jwks_uri", &source.place, jwks_uri == issuer.jwks_uri(), issuer.jwks_uri(), jwks_uri.clone())
            .or_warn()
            .hint("--service-account-jwks-uri makes the API server's own document say where the keys are published"),
    ]
}
