//! Issuers that other tools made, and keys of the clusters' own.

use serde_json::{Value, json};

use crate::rotate::{NAMES, install, serves};
use crate::support::tenant::{Tenant, http};

#[test]
fn what_others_have_published_is_found_and_kept() {
    let tenant = Tenant::new();
    let bucket = format!("theirs-{}", tenant.account);
    tenant.irsactl("keygen").ok();
    tenant
        .irsactl(&format!("bootstrap --cluster x --bucket {bucket} --yes"))
        .ok();
    let own: Value = tenant.irsactl("jwks").json();
    // The upstream guide's form: path-style issuer, every key twice, the second without a kid.
    let mut twice = own["keys"][0].clone();
    twice["kid"] = json!("");
    let keys = json!({ "keys": [own["keys"][0], twice] }).to_string();
    let issuer = format!("https://s3.us-west-2.amazonaws.com/{bucket}");
    let discovery =
        json!({ "issuer": format!("{issuer}/"), "jwks_uri": format!("{issuer}/openid/v1/jwks") });
    let put = |key: &str, body: &str| {
        tenant.call(
            "s3",
            "PUT",
            &format!("/{bucket}/{key}"),
            "Content-Type: application/json\r\n",
            body,
        )
    };
    put("openid/v1/jwks", &keys);
    put(".well-known/openid-configuration", &discovery.to_string());
    let open = json!({ "Version": "2012-10-17", "Statement": [
        { "Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": format!("arn:aws:s3:::{bucket}/*") },
    ]});
    tenant.call(
        "s3",
        "PUT",
        &format!("/{bucket}?policy"),
        "",
        &open.to_string(),
    );
    let prepare = format!("rotate prepare --issuer {issuer} --yes");
    tenant
        .irsactl(&prepare)
        .fails(4, &["cannot rotate the keys", "kid"]);
    tenant.irsactl(&format!("{prepare} --adopt")).ok();
    let (_, body) = http("GET", &format!("/{bucket}/openid/v1/jwks"), "", "");
    let set: Value = serde_json::from_str(&body).unwrap();
    let kids: Vec<&Value> = set["keys"]
        .as_array()
        .unwrap()
        .iter()
        .map(|key| &key["kid"])
        .collect();
    assert_eq!(kids.len(), 2, "{body}");
    assert!(kids.contains(&&own["keys"][0]["kid"]));
    // A key that is not known here is never dropped, and one that cannot be read is refused.
    put(
        "openid/v1/jwks",
        r#"{"keys":[{"kty":"EC","kid":"x","crv":"P-256","x":"","y":""}]}"#,
    );
    tenant
        .irsactl(&format!("{prepare} --adopt"))
        .fails(4, &["openid/v1/jwks", "RSA"]);
}

/// What the API server is told when its key was its own until now, and whose file it is on k0s.
#[test]
fn the_way_in_for_a_key_of_the_clusters_own_and_for_distributions() {
    let tenant = Tenant::new();
    tenant.irsactl("keygen --dir cluster").ok();
    let adopt = "bootstrap --cluster demo --adopt-key cluster/sa-signer.pub --existing-issuer https://a.example --yes";
    tenant.irsactl(adopt).ok();
    let rotate = |step: &str| tenant.irsactl(&format!("rotate {step} {NAMES} -o json"));
    rotate("prepare --yes").ok();
    let accept = rotate("activate").json();
    assert_eq!(
        accept["flags"],
        json!(["--service-account-key-file=/etc/kubernetes/pki/irsa/sa-signer.pub"])
    );
    install(&tenant, &accept);
    serves(&tenant, "a.json", "node/sa-signer.pub");
    let sign = rotate("activate --cluster-jwks a.json --format k0s").json();
    assert_eq!(
        sign["flags"],
        json!(["--service-account-signing-key-file=/etc/kubernetes/pki/irsa/sa-signer.key"])
    );
    assert_eq!(sign["files"][0]["owner"], "kube-apiserver");
    rotate("activate --format talos").fails(
        4,
        &["how talos takes another signing key", "flags --format"],
    );
}

/// Who writes one issuer's documents chooses no other issuer's JWK Set to be written to.
#[test]
fn no_document_leads_a_rotation_to_anothers_keys() {
    let tenant = Tenant::with_key();
    let bucket = format!("ours-{}", tenant.account);
    let host = format!("https://{bucket}.s3.us-west-2.amazonaws.com");
    tenant.shell("cp -rp issuer victim; rm -rf issuer; mkdir issuer");
    tenant.irsactl("keygen --dir own").ok();
    let names = [
        format!("--bucket {bucket}"),
        format!("--bucket {bucket} --prefix victim"),
    ];
    tenant
        .irsactl(&format!("publish {} --dir own --yes", names[0]))
        .ok();
    tenant
        .irsactl(&format!("publish {} --dir victim --yes", names[1]))
        .ok();
    let theirs = http("GET", &format!("/{bucket}/victim/keys.json"), "", "").1;
    let changes = tenant.changes().len();
    let target = format!("/{bucket}/.well-known/openid-configuration");
    let name = |issuer: &str, jwks_uri: &str| {
        let document = json!({ "issuer": issuer, "jwks_uri": jwks_uri }).to_string();
        tenant.call(
            "s3",
            "PUT",
            &target,
            "Content-Type: application/json\r\n",
            &document,
        );
    };
    let prepare = format!("rotate prepare --issuer {host} --dir empty --yes");
    // Below the issuer, and another's all the same.
    name(&host, &format!("{host}/victim/keys.json"));
    for adopt in ["", " --adopt"] {
        tenant
            .irsactl(&format!("{prepare}{adopt}"))
            .fails(4, &["those of another issuer", &format!("{host}/victim")]);
    }
    // Elsewhere; naming it is not enough.
    let path_style = format!("https://s3.us-west-2.amazonaws.com/{bucket}/victim/keys.json");
    name(&host, &path_style);
    tenant.irsactl(&prepare).fails(
        4,
        &["not below the issuer", &format!("--jwks-uri {path_style}")],
    );
    tenant
        .irsactl(&format!("{prepare} --jwks-uri {path_style}"))
        .fails(4, &["those of another issuer"]);
    for other in [
        host.replace("https", "http") + "/keys.json",
        format!("{host}/keys.json?versionId=1"),
        format!("https://user@{bucket}.s3.us-west-2.amazonaws.com/keys.json"),
        format!("{host}:8443/keys.json"),
    ] {
        name(&host, &other);
        let run = tenant.irsactl(&prepare);
        assert_eq!(run.code, 4, "{other}: {run:#?}");
    }
    name("https://other.example", &format!("{host}/keys.json"));
    tenant
        .irsactl(&prepare)
        .fails(4, &["says that the issuer is \"https://other.example\""]);
    assert_eq!(
        http("GET", &format!("/{bucket}/victim/keys.json"), "", "").1,
        theirs
    );
    assert_eq!(tenant.changes().len(), changes + 7);
    assert!(!tenant.path("empty").exists());
}

/// Two public keys without a private one, as in the middle of a rotation of the cluster's own key.
#[test]
fn a_rotation_of_the_clusters_own_key_can_be_looked_at() {
    let tenant = Tenant::new();
    tenant.irsactl("keygen --dir cluster").ok();
    let adopt = "bootstrap --cluster demo --adopt-key cluster/sa-signer.pub --yes";
    tenant.irsactl(adopt).ok();
    for step in ["prepare --yes", "activate"] {
        tenant.irsactl(&format!("rotate {step} {NAMES}")).ok();
        let status = tenant
            .irsactl(&format!("rotate status {NAMES} -o json"))
            .json();
        assert_eq!(status.as_array().unwrap().len(), 2, "{status}");
        tenant.irsactl("destroy --cluster demo --dry-run").ok();
    }
}
