//! A good issuer passes; then one thing is broken at a time, and verify names exactly that.

pub(crate) mod account;
pub(crate) mod bucket;
pub(crate) mod explain;
pub(crate) mod host;
pub(crate) mod proof;
pub(crate) mod report;
pub(crate) mod tls;
pub(crate) mod token;

use serde_json::{Value, json};

use crate::support::tenant::Tenant;

pub(crate) const VERIFY: &str = "verify --cluster demo -o json";

/// The names of the checks that failed, each once, and the whole report.
pub(crate) fn failed(tenant: &Tenant, arguments: &str) -> (Vec<String>, Value) {
    let run = tenant.irsactl(arguments);
    let report: Value = serde_json::from_str(&run.stdout).unwrap_or_else(|_| panic!("{run:#?}"));
    let checks = report["checks"].as_array().unwrap().iter();
    let mut names: Vec<String> = checks
        .filter(|check| check["outcome"] == "fail")
        .map(|check| check["name"].as_str().unwrap().to_owned())
        .collect();
    names.dedup();
    assert_eq!(run.code, if names.is_empty() { 0 } else { 3 }, "{run:#?}");
    assert_eq!(report["passed"], names.is_empty());
    (names, report)
}

/// What is broken, how, and the checks that must fail.
type Case<'a> = (&'a str, &'a dyn Fn(), &'a [&'a str]);

pub(crate) fn check<'a>(report: &'a Value, name: &str) -> &'a Value {
    report["checks"]
        .as_array()
        .unwrap()
        .iter()
        .find(|check| check["name"] == name)
        .unwrap()
}

pub(crate) fn put(tenant: &Tenant, key: &str, content_type: &str, body: &str) {
    let target = format!("/{}/{key}", tenant.bucket());
    tenant.call(
        "s3",
        "PUT",
        &target,
        &format!("Content-Type: {content_type}\r\n"),
        body,
    );
}

#[test]
fn a_good_issuer_passes_with_and_without_credentials() {
    let (mut tenant, _) = Tenant::bootstrapped();
    let (names, report) = failed(&tenant, VERIFY);
    assert_eq!(names, Vec::<String>::new());
    let outcomes: Vec<&Value> = report["checks"]
        .as_array()
        .unwrap()
        .iter()
        .map(|check| &check["outcome"])
        .collect();
    // Only STS was not asked.
    let (proof, others) = outcomes.split_last().unwrap();
    assert_eq!(*proof, "skipped");
    assert!(
        others.iter().all(|outcome| **outcome == "pass"),
        "{report:#}"
    );
    assert!(others.len() >= 18, "{report:#}");
    assert_eq!(tenant.changes().len(), 6);

    tenant.offline.environment.remove("AWS_ACCESS_KEY_ID");
    let account = tenant.account.clone();
    let (names, report) = failed(&tenant, &format!("{VERIFY} --account-id {account}"));
    assert_eq!(names, Vec::<String>::new());
    assert_eq!(check(&report, "AWS resources")["outcome"], "skipped");
    assert_eq!(check(&report, "JWK Set keys")["outcome"], "pass");
}

#[test]
fn each_broken_thing_is_named() {
    let (tenant, answer) = Tenant::bootstrapped();
    let issuer = answer["issuer"].as_str().unwrap();
    let bucket = tenant.bucket();
    let discovery = tenant.irsactl("discovery --cluster demo").ok();
    let keys: Value = tenant.irsactl("jwks").json();
    tenant.irsactl("keygen --dir other").ok();
    let other = tenant.irsactl("jwks --dir other").ok();
    let changed = |change: &dyn Fn(&mut Value)| {
        let mut keys = keys.clone();
        change(&mut keys["keys"][0]);
        keys.to_string()
    };
    let put_keys = |body: String| put(&tenant, "keys.json", "application/json", &body);
    let put_discovery = |body: &str| {
        put(
            &tenant,
            ".well-known/openid-configuration",
            "application/json",
            body,
        )
    };
    let arn = answer["provider_arn"].as_str().unwrap();
    let listing = json!({ "Version": "2012-10-17", "Statement": [
        { "Sid": "Theirs", "Effect": "Allow", "Principal": "*", "Action": "s3:ListBucket", "Resource": format!("arn:aws:s3:::{bucket}") },
    ]});
    let keys_and_resources = ["JWK Set keys", "AWS resources"];
    let cases: [Case<'_>; 11] = [
        (
            "private documents",
            &|| drop(tenant.call("s3", "DELETE", &format!("/{bucket}?policy"), "", "")),
            &["discovery document", "JWK Set", "bucket policy"],
        ),
        (
            "a slash at the issuer's end",
            &|| put_discovery(&discovery.replace(&format!("{issuer}\""), &format!("{issuer}/\""))),
            &["discovery issuer", "discovery object"],
        ),
        (
            "HTML with 200",
            &|| put_discovery("<html>"),
            &["discovery members", "discovery object"],
        ),
        (
            "no kid",
            &|| {
                put_keys(changed(&|key| {
                    drop(key.as_object_mut().unwrap().remove("kid"))
                }))
            },
            &keys_and_resources,
        ),
        (
            "key_ops",
            &|| put_keys(changed(&|key| key["key_ops"] = json!(["verify"]))),
            &keys_and_resources,
        ),
        (
            "a foreign kid",
            &|| put_keys(changed(&|key| key["kid"] = json!("evil"))),
            &keys_and_resources,
        ),
        (
            "a private member",
            &|| put_keys(changed(&|key| key["d"] = json!("AQAB"))),
            &keys_and_resources,
        ),
        (
            "no key at all",
            &|| put_keys(r#"{"keys":[]}"#.to_owned()),
            &["JWK Set keys", "signing key published", "JWK Set object"],
        ),
        (
            "another key",
            &|| put_keys(other.clone()),
            &["signing key published", "JWK Set object", "unknown keys"],
        ),
        (
            "a public listing",
            &|| {
                drop(tenant.call(
                    "s3",
                    "PUT",
                    &format!("/{bucket}?policy"),
                    "",
                    &listing.to_string(),
                ))
            },
            &[
                "discovery document",
                "JWK Set",
                "bucket listing",
                "bucket policy",
                "wider bucket policy statements",
            ],
        ),
        (
            "no provider",
            &|| {
                let arn = arn.replace('/', "%2F").replace(':', "%3A");
                tenant.iam(&format!(
                    "Action=DeleteOpenIDConnectProvider&OpenIDConnectProviderArn={arn}"
                ));
            },
            &["provider"],
        ),
    ];
    for (what, cause, expected) in cases {
        cause();
        let (names, report) = failed(&tenant, VERIFY);
        assert_eq!(names, expected, "{what}: {report:#}");
        if what == "a private member" {
            let actual = check(&report, "JWK Set keys")["actual"].as_str().unwrap();
            assert!(actual.starts_with("KEY COMPROMISED"), "{actual}");
        }
        // Put back by hand what bootstrap keeps: others' statements and keys.
        tenant.call("s3", "DELETE", &format!("/{bucket}?policy"), "", "");
        put_keys(format!("{keys:#}\n"));
        tenant.irsactl("bootstrap --cluster demo --yes").ok();
        assert_eq!(
            failed(&tenant, VERIFY).0,
            Vec::<String>::new(),
            "after {what}"
        );
    }
}

/// A key of one's own is one that the directory, or the API server, knows.
#[test]
fn published_keys_that_nobody_here_knows_are_named() {
    let (tenant, _) = Tenant::bootstrapped();
    tenant.irsactl("keygen --dir other").ok();
    let add = "publish --cluster demo --dir other --add-key --yes";
    tenant.irsactl(add).ok();
    let (names, report) = failed(&tenant, VERIFY);
    assert_eq!(names, ["unknown keys"], "{report:#}");
    let other = tenant.kid("other/sa-signer.pub");
    assert_eq!(check(&report, "unknown keys")["actual"], other);

    let both = "cat issuer/sa-signer.pub other/sa-signer.pub > both.pub";
    tenant.shell(both);
    tenant.write("live.json", tenant.irsactl("jwks --dir other").ok());
    let shown = failed(&tenant, &format!("{VERIFY} --cluster-jwks live.json"));
    assert_eq!(shown.0, Vec::<String>::new());
    let alone = format!("{VERIFY} --dir empty --cluster-jwks live.json");
    assert_eq!(failed(&tenant, &alone).0, ["unknown keys"]);
    let (names, report) = failed(&tenant, &format!("{VERIFY} --dir empty"));
    assert_eq!(names, Vec::<String>::new());
    assert_eq!(check(&report, "unknown keys")["outcome"], "skipped");

    tenant.shell("cp both.pub issuer/sa-signer.pub");
    assert_eq!(failed(&tenant, VERIFY).0, Vec::<String>::new());
}

/// A key store that cannot be read may hold the key: nobody is accused.
#[test]
fn keys_of_an_unreadable_key_store_are_not_judged() {
    let tenant = Tenant::new().named();
    let store = "--cluster demo --key-store ssm";
    tenant.irsactl(&format!("bootstrap {store} --yes")).ok();
    tenant.irsactl("keygen --dir other").ok();
    tenant.fail_next("GetParameter", 1, 400, "AccessDeniedException", "no");
    let verify = format!("verify {store} --dir other -o json");
    let report = failed(&tenant, &verify).1;
    let unknown = check(&report, "unknown keys");
    assert_eq!(unknown["outcome"], "skipped", "{report:#}");
    assert!(unknown["actual"].as_str().unwrap().contains("AccessDenied"));
}

/// No state of a rotation is a stranger's doing.
#[test]
fn a_rotation_leaves_no_unknown_key() {
    let (tenant, _) = Tenant::bootstrapped();
    let before = tenant.irsactl("jwks").ok();
    for stage in [
        "prepare --yes",
        "activate --single-node",
        "retire --compromised --yes",
    ] {
        let rotate = format!("rotate {stage} --cluster demo");
        tenant.irsactl(&rotate).ok();
        let report = failed(&tenant, VERIFY).1;
        assert_eq!(check(&report, "unknown keys")["outcome"], "pass", "{stage}");
    }
    // A name alone makes no key one's own.
    let published: Value = serde_json::from_str(&before).unwrap();
    for key in published["keys"].as_array().unwrap() {
        let name = format!("issuer/sa-signer-{}.key", key["kid"].as_str().unwrap());
        if !tenant.path(&name).exists() {
            tenant.write(&name, "");
        }
    }
    // A key that was taken away as compromised is a stranger's.
    put(&tenant, "keys.json", "application/json", &before);
    let (names, _) = failed(&tenant, VERIFY);
    assert!(names.contains(&"unknown keys".to_owned()), "{names:?}");
}

#[test]
fn a_provider_whose_bucket_is_gone_is_a_takeover() {
    let tenant = Tenant::with_key();
    // A name that anybody can take, and one that nobody else can.
    let global = format!("free-{}", tenant.account);
    let delete = |bucket: &str| {
        for target in ["/keys.json", "/.well-known/openid-configuration", ""] {
            tenant.call("s3", "DELETE", &format!("/{bucket}{target}"), "", "");
        }
    };
    tenant.irsactl("bootstrap --cluster demo --yes").ok();
    delete(&tenant.bucket());
    let (names, report) = failed(&tenant, VERIFY);
    assert!(!names.contains(&"takeover".to_owned()), "{names:?}");
    let own = check(&report, "takeover");
    assert_eq!(own["outcome"], "warn");
    assert!(
        own["actual"]
            .as_str()
            .unwrap()
            .contains("only this account can create it"),
        "{own}"
    );
    tenant
        .irsactl(&format!("bootstrap --cluster free --bucket {global} --yes"))
        .ok();
    delete(&global);
    let (names, report) = failed(
        &tenant,
        &format!("verify --cluster free --bucket {global} -o json"),
    );
    assert_eq!(
        names,
        [
            "discovery document",
            "JWK Set",
            "bucket",
            "public access block",
            "bucket policy",
            "JWK Set object",
            "discovery object",
            "takeover"
        ]
    );
    let takeover = check(&report, "takeover");
    assert!(
        takeover["actual"].as_str().unwrap().starts_with("CRITICAL"),
        "{takeover}"
    );
}
