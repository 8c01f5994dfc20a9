//! A signing key takes the place of another: at every point STS accepts the tokens that must be accepted,
//! and no other.

pub(crate) mod foreign;
pub(crate) mod resume;

use std::fs;

use serde_json::{Value, json};

use crate::support::tenant::{Tenant, http};

pub(crate) const NAMES: &str = "--cluster demo";

/// An issuer with a role for default/app.
fn with_role() -> (Tenant, String) {
    let (tenant, _) = Tenant::bootstrapped();
    let role = "role --cluster demo --service-account default/app --yes -o json";
    let role = tenant.irsactl(role).json();
    let arn = role["role_arns"][0].as_str().unwrap().to_owned();
    (tenant, arn)
}

/// Whether STS takes a token that the key in a file signs.
fn accepted(tenant: &Tenant, role_arn: &str, key: &str) -> bool {
    tenant.shell(&format!(
        "rm -rf signs; mkdir -m 700 signs; cp -p {key} signs/sa-signer.key"
    ));
    let issuer = format!(
        "https://{}.s3.{}.amazonaws.com",
        tenant.bucket(),
        tenant.region
    );
    let mint = format!("token mint --dir signs --issuer {issuer} --subject default/app --stdout");
    let token = tenant.irsactl(&mint).ok();
    let query = format!(
        "Action=AssumeRoleWithWebIdentity&Version=2011-06-15&RoleSessionName=test&RoleArn={role_arn}&WebIdentityToken={}",
        token.trim()
    );
    let form = "Content-Type: application/x-www-form-urlencoded";
    let (status, body) = http("POST", "/", form, &query);
    assert!(
        status == 200 || body.contains("InvalidIdentityToken"),
        "{body}"
    );
    status == 200
}

pub(crate) fn kids(tenant: &Tenant) -> Vec<String> {
    let issuer = format!("/{}/keys.json", tenant.bucket());
    let (status, body) = http("GET", &issuer, "", "");
    assert_eq!(status, 200, "{body}");
    let set: Value = serde_json::from_str(&body).unwrap();
    let keys = set["keys"].as_array().unwrap().iter();
    keys.map(|key| key["kid"].as_str().unwrap().to_owned())
        .collect()
}

/// The API servers of a cluster: they serve the keys of the file that was put on their nodes.
pub(crate) fn serves(tenant: &Tenant, name: &str, public_keys: &str) {
    tenant.write(
        name,
        tenant
            .irsactl(&format!("jwks --public-key {public_keys}"))
            .ok(),
    );
}

/// Does on a node what an answer says, and nothing else.
pub(crate) fn install(tenant: &Tenant, answer: &Value) {
    for file in answer["files"].as_array().unwrap() {
        let (from, to) = (file["from"].as_str().unwrap(), file["to"].as_str().unwrap());
        tenant.shell(&format!(
            "mkdir -p -m 700 node; cp -p {from} node/{}",
            to.rsplit('/').next().unwrap()
        ));
    }
}

fn shift_activation(tenant: &Tenant, seconds: u64) {
    let path = tenant.path("issuer/rotation.json");
    let mut state: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
    let activated = state["activated"].as_u64().unwrap();
    state["activated"] = json!(activated - seconds);
    fs::write(path, state.to_string()).unwrap();
}

#[test]
fn no_token_is_refused_on_the_way() {
    let (tenant, role) = with_role();
    let old_key = "old.key";
    tenant.shell("cp -p issuer/sa-signer.key old.key; cp issuer/sa-signer.pub old.pub; mkdir -m 700 node; cp -p issuer/* node");
    let rotate = |step: &str| tenant.irsactl(&format!("rotate {step} {NAMES} -o json"));
    let token = |name: &str| {
        let mint = format!("token mint --dir node --cluster demo --out {name}");
        tenant.irsactl(&mint).ok();
    };
    let prepared = rotate("prepare --yes").json();
    let (old, new) = (prepared["old"].clone(), prepared["new"].clone());
    let new_key = format!("issuer/sa-signer-{}.key", new.as_str().unwrap());
    assert_eq!(prepared["stage"], "prepared");
    assert_eq!(prepared["next"], "irsactl rotate activate --cluster demo");
    assert!(accepted(&tenant, &role, old_key) && accepted(&tenant, &role, &new_key));
    assert_eq!(kids(&tenant).len(), 2);
    // Again: the same key, and nothing to change.
    let again = rotate("prepare --yes");
    assert!(again.stderr.contains("no changes"), "{again:#?}");
    assert_eq!(again.json()["new"], new);

    // Every API server must accept it before one signs with it.
    let accept = rotate("activate").json();
    assert_eq!(accept["stage"], "accept");
    install(&tenant, &accept);
    serves(&tenant, "a.json", "node/sa-signer.pub");
    serves(&tenant, "b.json", "old.pub");
    let two = "activate --cluster-jwks a.json --cluster-jwks b.json";
    assert_eq!(rotate(two).json()["stage"], "accept");
    assert_eq!(
        rotate("activate --single-node").json()["stage"],
        "accept-and-sign"
    );
    token("live-old.jwt");
    rotate("retire --yes --token live-old.jwt").fails(3, &["not signed by the new key"]);
    let sign = rotate("activate --cluster-jwks a.json --token live-old.jwt").json();
    assert_eq!(
        (&sign["stage"], &sign["api_servers_seen"]),
        (&json!("sign"), &json!(1))
    );
    assert!(sign["not_before"].as_str().unwrap().ends_with('Z'));
    install(&tenant, &sign);
    token("live-new.jwt");
    rotate(&format!("{two} --token live-new.jwt")).fails(3, &["an API server does not know it"]);
    let active = rotate("activate --cluster-jwks a.json --token live-new.jwt").json();
    assert_eq!(active["stage"], "active");
    assert!(active["not_before"].as_str().unwrap().ends_with('Z'));
    assert_eq!(
        tenant.irsactl("keygen").ok().trim(),
        new,
        "the new key has the current name"
    );
    assert!(accepted(&tenant, &role, old_key) && accepted(&tenant, &role, "issuer/sa-signer.key"));
    rotate("prepare --yes").fails(4, &["is still published", "rotate retire"]);

    let retire = "retire --yes --token live-new.jwt";
    rotate(retire).fails(4, &["may be in use until"]);
    shift_activation(&tenant, 86_000);
    rotate(retire).fails(4, &["may be in use until"]);
    assert_eq!(kids(&tenant).len(), 2);
    shift_activation(&tenant, 1000);
    rotate("retire --yes").fails(4, &["nothing shows that", "--token"]);
    rotate(&format!("{retire} --cluster-jwks b.json")).fails(3, &["does not know the new key"]);
    let retired = rotate(&format!("{retire} --cluster-jwks a.json")).json();
    assert_eq!(
        (&retired["stage"], &retired["changes"]),
        (&json!("retired"), &json!(1))
    );
    assert!(!accepted(&tenant, &role, old_key));
    assert!(accepted(&tenant, &role, "issuer/sa-signer.key"));
    assert_eq!(kids(&tenant), [new.as_str().unwrap()]);
    tenant.irsactl(&format!("verify {NAMES}")).ok();
    rotate(retire).fails(4, &["none is under way"]);
    let status = rotate("status").json();
    let roles: Vec<(&Value, &Value)> = status
        .as_array()
        .unwrap()
        .iter()
        .map(|key| (&key["kid"], &key["role"]))
        .collect();
    assert_eq!(
        roles,
        [(&new, &json!("signing")), (&old, &json!("retired"))]
    );

    // And once more, from the new key on: the API servers accept all three, since a token for them can
    // live for a year.
    let next = rotate("prepare --yes").json();
    assert_eq!(next["old"], new);
    assert_eq!(kids(&tenant).len(), 2);
    install(&tenant, &rotate("activate").json());
    let served = tenant
        .irsactl("jwks --public-key node/sa-signer.pub -o json")
        .json();
    assert_eq!(served["keys"].as_array().unwrap().len(), 3);
}

#[test]
fn a_compromised_key_leaves_at_once() {
    let (tenant, role) = with_role();
    tenant.shell("cp -p issuer/sa-signer.key old.key");
    tenant
        .irsactl(&format!("rotate prepare {NAMES} --yes"))
        .ok();
    let retire = tenant.irsactl(&format!("rotate retire {NAMES} --compromised --yes"));
    assert!(
        retire.stderr.contains("AWS refuses every token"),
        "{retire:#?}"
    );
    assert!(
        retire
            .ok()
            .contains("issuer/sa-signer.key -> /etc/kubernetes/pki/irsa/sa-signer.key")
    );
    assert!(!accepted(&tenant, &role, "old.key"));
    // The new key is the only one, whether or not the API servers sign with it already.
    assert!(accepted(&tenant, &role, "issuer/sa-signer.key"));
    let listed = tenant
        .irsactl("jwks --public-key issuer/sa-signer.pub -o json")
        .json();
    assert_eq!(listed["keys"].as_array().unwrap().len(), 1);
}

#[test]
fn what_does_not_fit_is_refused() {
    let (tenant, _) = Tenant::bootstrapped();
    let rotate = |step: &str| tenant.irsactl(&format!("rotate {step} {NAMES}"));
    rotate("activate").fails(4, &["none is under way", "rotate prepare"]);
    rotate("prepare --dry-run").fails(4, &["before the new key is there", "--key-only"]);
    rotate("prepare --key-only").ok();
    let plan = tenant
        .irsactl(&format!("rotate prepare {NAMES} --dry-run -o json"))
        .json();
    assert_eq!(plan["changes"].as_array().unwrap().len(), 1);
    assert_eq!(kids(&tenant).len(), 1);
    rotate("activate").fails(4, &["is not in https://"]);
    rotate("retire --compromised --yes").fails(4, &["is not in https://"]);
    rotate("prepare --yes").ok();
    tenant.write("bad.jwt", "eyJhbGciOiJSUzI1NiIsImtpZCI6IngifQ.e30.AA");
    rotate("activate --token bad.jwt").fails(3, &["cannot use the token"]);
    tenant.write("bad.json", "[]");
    rotate("activate --cluster-jwks bad.json").fails(1, &["bad.json", "no keys"]);
    tenant.irsactl("keygen --dir third").ok();
    rotate("prepare --yes --dir third").fails(4, &["is not published", "--add-key"]);
    rotate("prepare --yes --dir third --replace other").fails(4, &["--replace names other"]);
    let state = tenant.shell("cat issuer/rotation.json");
    tenant.write(
        "issuer/rotation.json",
        state.replace("https://demo", "https://other"),
    );
    rotate("status").fails(4, &["it is about issuer https://other"]);
    tenant.write("issuer/rotation.json", "nonsense");
    rotate("status").fails(4, &["cannot use issuer/rotation.json"]);
    for output in ["prepare --yes -vvv", "status -vvv", "activate -vvv"] {
        tenant.write("issuer/rotation.json", &state);
        let run = rotate(output);
        assert!(!run.stderr.contains("PRIVATE") && !run.stdout.contains("PRIVATE"));
    }
}
