//! `--adopt-key`: the cluster's own key is published, from every form of its public half, and nothing
//! private is read.

use std::fs;

use serde_json::{Value, json};

use crate::promises::judges::token;
use crate::support::tenant::{Offline, Tenant, http};

const OLD: &str = "https://kubernetes.default.svc.cluster.local";

/// A control-plane node: its key pair, a certificate of it, and what the API server says of it.
fn node(work: &Offline) -> String {
    work.shell(
        "mkdir node && openssl genrsa -traditional -out node/sa-signer.key 2048 2> /dev/null
         openssl pkey -in node/sa-signer.key -pubout -out node/sa.pub
         openssl req -x509 -new -key node/sa-signer.key -subj /CN=sa -out node/sa.crt
         openssl ecparam -name prime256v1 -genkey -noout -out node/ec.key
         openssl pkey -in node/ec.key -pubout -out node/ec.pub",
    );
    let keys = work.irsactl("jwks --public-key node/sa.pub").ok();
    work.write("node/jwks.json", in_order_of_kubernetes(&keys));
    // Nobody may so much as look at it.
    work.shell(
        "mkdir issuer && echo garbage > issuer/sa-signer.key && chmod 644 issuer/sa-signer.key",
    );
    keys
}

/// The set as kube-apiserver writes it: one line, members in another order, an EC key in front.
fn in_order_of_kubernetes(keys: &str) -> String {
    let set: Value = serde_json::from_str(keys).unwrap();
    let key = &set["keys"][0];
    format!(
        r#"{{"keys":[{{"use":"sig","kty":"EC","kid":"an-ec-kid","crv":"P-256","alg":"ES256","x":"AA","y":"AA"}},{{"use":"sig","kty":"RSA","kid":{},"alg":"RS256","n":{},"e":{}}}]}}"#,
        key["kid"], key["n"], key["e"]
    )
}

#[test]
fn every_form_of_the_public_key_gives_the_same_keys_json_and_sts_takes_the_clusters_tokens() {
    for source in ["sa.pub", "sa.crt", "jwks.json", "-"] {
        let tenant = Tenant::new();
        let keys = node(&tenant);
        let adopt = match source {
            "-" => "--adopt-key - < node/jwks.json".to_owned(),
            file => format!("--adopt-key node/{file}"),
        };
        let irsactl = env!("CARGO_BIN_EXE_irsactl");
        let dry = tenant.shell(&format!(
            "{irsactl} bootstrap --cluster demo --dry-run --documents docs --existing-issuer {OLD} -vvv {adopt} 2>&1"
        ));
        let answer = tenant.shell(&format!(
            "{irsactl} bootstrap --cluster demo --yes -o json --existing-issuer {OLD} {adopt}"
        ));
        let answer: Value = serde_json::from_str(&answer).unwrap();
        let printed = tenant.shell(&format!("{irsactl} jwks {adopt} 2> said"));
        assert_eq!(printed, keys, "{source}");
        let said = fs::read_to_string(tenant.path("said")).unwrap();
        let warns = said.contains("warning: left out the key an-ec-kid (EC, ES256)");
        assert_eq!(warns, ["jwks.json", "-"].contains(&source), "{said}");
        let issuer = answer["issuer"].as_str().unwrap();
        let published = tenant.call(
            "s3",
            "GET",
            &format!("/{}/keys.json", tenant.bucket()),
            "",
            "",
        );
        assert_eq!(published, keys, "{source}");
        assert_eq!(
            fs::read_to_string(tenant.path("docs/keys.json")).unwrap(),
            keys
        );
        assert_eq!(answer["kid"], tenant.kid("node/sa.pub"));
        assert_eq!(answer["kids"], json!([answer["kid"]]));

        // Issuers, where the keys are published, audiences: nothing that names a key.
        let flags: Vec<String> = answer["flags"]
            .as_array()
            .unwrap()
            .iter()
            .map(|flag| {
                format!(
                    "--{}={}",
                    flag["name"].as_str().unwrap(),
                    flag["value"].as_str().unwrap()
                )
            })
            .collect();
        let expected = [
            format!("--service-account-issuer={issuer}"),
            format!("--service-account-issuer={OLD}"),
            format!("--service-account-jwks-uri={issuer}/keys.json"),
            format!("--api-audiences={OLD},{issuer}"),
        ];
        assert_eq!(flags, expected);
        let reviewed = fs::read_to_string(tenant.path("docs/flags.txt")).unwrap();
        assert_eq!(reviewed.lines().collect::<Vec<_>>(), expected);

        let again = tenant.shell(&format!(
            "{irsactl} publish --cluster demo --dry-run --detailed-exitcode {adopt}"
        ));
        assert!(again.contains("no changes"), "{again}");
        assert_eq!(fs::read_dir(tenant.path("issuer")).unwrap().count(), 1);
        let private = fs::read_to_string(tenant.path("node/sa-signer.key")).unwrap();
        for line in private.lines().filter(|line| line.len() == 64) {
            assert!(!dry.contains(line) && !answer.to_string().contains(line));
        }
        if source == "sa.pub" {
            sts_takes_a_token(&tenant, &answer);
        }
    }
}

/// Signed by the cluster's own key, as the API server does it.
fn sts_takes_a_token(tenant: &Tenant, answer: &Value) {
    let (issuer, kid) = (
        answer["issuer"].as_str().unwrap(),
        answer["kid"].as_str().unwrap(),
    );
    tenant
        .irsactl("role --cluster demo --service-account default/app --yes")
        .ok();
    let query = format!(
        "Action=AssumeRoleWithWebIdentity&Version=2011-06-15&RoleSessionName=test&RoleArn=arn:aws:iam::{}:role/demo-default-app&WebIdentityToken={}",
        tenant.account,
        token(tenant, issuer, "node", kid)
    );
    let form = "Content-Type: application/x-www-form-urlencoded";
    let (status, body) = http("POST", "/", form, &query);
    assert_eq!(status, 200, "{body}");
    // Nothing to compare with, but nothing wrong either.
    let report =
        tenant.irsactl("verify --cluster demo --dir empty --cluster-jwks node/jwks.json -o json");
    let checks = report.json()["checks"].clone();
    let outcome = |name: &str| {
        let mut checks = checks.as_array().unwrap().iter();
        checks.find(|check| check["name"] == name).unwrap()["outcome"].clone()
    };
    assert_eq!(outcome("signing key published"), "skipped");
    // The API server may also hold an EC key, which cannot be published.
    assert_eq!(outcome("cluster keys"), "warn");
}

#[test]
fn a_private_key_is_refused_before_anything_is_done_with_it() {
    let tenant = Tenant::new();
    node(&tenant);
    tenant.shell(
        "openssl pkey -in node/sa-signer.key -out node/pkcs8.key
         cat node/sa.pub node/sa-signer.key > node/both.pem
         openssl pkey -in node/pkcs8.key -aes256 -passout pass:x -out node/encrypted.key
         sed 's/\"n\"/\"d\":\"AQAB\",\"n\"/' node/jwks.json > node/private.json",
    );
    for name in [
        "sa-signer.key",
        "pkcs8.key",
        "both.pem",
        "encrypted.key",
        "ec.key",
        "private.json",
    ] {
        for command in [
            "bootstrap --cluster demo --yes",
            "publish --cluster demo --yes",
            "jwks",
        ] {
            let run = tenant.irsactl(&format!("{command} -vvv --adopt-key node/{name}"));
            let pem = fs::read_to_string(tenant.path(&format!("node/{name}"))).unwrap();
            for line in pem.lines().filter(|line| line.len() == 64) {
                assert!(!run.stderr.contains(line), "{name}");
            }
            let hint = format!("openssl pkey -in node/{name} -pubout");
            run.fails(4, &["holds a private key", &hint]);
        }
    }
    assert_eq!(tenant.changes(), [""; 0]);
    assert_eq!(fs::read_dir(tenant.path("issuer")).unwrap().count(), 1);
}

#[test]
fn what_cannot_be_published_is_refused() {
    let work = Offline::new();
    let keys = node(&work);
    let jwks = in_order_of_kubernetes(&keys);
    for (text, code, words) in [
        (
            fs::read_to_string(work.path("node/ec.pub")).unwrap(),
            4,
            "it is an EC key",
        ),
        (jwks.replace("RS256", "PS256"), 4, "an-ec-kid (EC, ES256), "),
        (jwks.replace("AQAB", "Aw"), 4, "exponent is not 65537"),
        (
            jwks.replace("\"kid\":\"", "\"kid\":\"other-"),
            4,
            "the kid of this key is",
        ),
        (
            "{\"keys\":[]}".to_owned(),
            4,
            "none of its keys can be published",
        ),
        (
            "{\"kind\":\"Status\",\"code\":403}".to_owned(),
            4,
            "kubectl get --raw /openid/v1/jwks",
        ),
        (
            "Error from server (Forbidden)".to_owned(),
            4,
            "no PEM block",
        ),
        (String::new(), 4, "no PEM block"),
    ] {
        work.write("file", &text);
        work.irsactl("jwks --adopt-key file").fails(code, &[words]);
    }
    work.irsactl("jwks --adopt-key none")
        .fails(1, &["cannot read none"]);
    work.irsactl("jwks --adopt-key - --adopt-key -")
        .fails(64, &["two things from standard input"]);
    work.irsactl("jwks --adopt-key a --public-key b")
        .fails(64, &["cannot be used with"]);
    work.irsactl("bootstrap --cluster demo --adopt-key a --node-dir /b")
        .fails(64, &["cannot be used with"]);
}

#[test]
fn several_keys_are_published_together_and_a_new_one_beside_others_only_if_asked() {
    let tenant = Tenant::new();
    node(&tenant);
    tenant.irsactl("keygen --dir second").ok();
    let first = "--cluster demo --adopt-key node/sa.pub";
    let both = format!("{first} --adopt-key second/sa-signer.pub");
    let run = tenant.irsactl(&format!("bootstrap {first} --yes"));
    assert!(
        run.stderr.contains("warning: without --existing-issuer"),
        "{run:#?}"
    );
    run.ok();
    let refused = tenant.irsactl(&format!("publish {both} --yes"));
    refused.fails(4, &["cannot publish another key", "--add-key"]);
    let answer = tenant
        .irsactl(&format!("bootstrap {both} --add-key --yes -o json"))
        .json();
    let mut kids = vec![
        tenant.kid("node/sa.pub"),
        tenant.kid("second/sa-signer.pub"),
    ];
    kids.sort();
    assert_eq!(answer["kids"], json!(kids));
    assert_eq!(answer.get("kid"), None);
}
