//! What `verify` finds in the bucket: strangers, a stranger's bucket, and what cannot be seen.

use serde_json::json;

use crate::support::http::encoded;
use crate::support::tenant::Tenant;
use crate::verify::{VERIFY, check, failed, put};

#[test]
fn a_private_key_in_the_bucket_and_a_public_stranger_are_named() {
    let (tenant, _) = Tenant::bootstrapped();
    let bucket = tenant.bucket();
    put(
        &tenant,
        "backup/sa-signer.key",
        "text/plain",
        "not even a key",
    );
    put(&tenant, "other/keys.json", "application/json", "{}");
    put(&tenant, "odd%252Fname", "text/plain", "odd");
    let (names, report) = failed(&tenant, VERIFY);
    assert_eq!(names, ["private keys in the bucket"], "{report:#}");

    put(
        &tenant,
        "notes.txt",
        "text/plain",
        &std::fs::read_to_string(tenant.path("issuer/sa-signer.key")).unwrap(),
    );
    let open = json!({ "Version": "2012-10-17", "Statement": [
        { "Sid": "Open", "Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": format!("arn:aws:s3:::{bucket}/*") },
    ]});
    tenant.call(
        "s3",
        "PUT",
        &format!("/{bucket}?policy"),
        "",
        &open.to_string(),
    );
    tenant.irsactl("bootstrap --cluster demo --yes").ok();
    let (names, report) = failed(&tenant, VERIFY);
    assert_eq!(
        names,
        [
            "wider bucket policy statements",
            "private keys in the bucket",
            "other public objects"
        ],
        "{report:#}"
    );
    let strangers = check(&report, "other public objects")["actual"]
        .as_str()
        .unwrap();
    assert!(strangers.contains("odd%252Fname"), "{strangers}");
    assert!(!strangers.contains("keys"), "{strangers}");
    let actual = check(&report, "private keys in the bucket")["actual"]
        .as_str()
        .unwrap();
    assert!(
        actual.starts_with("KEY COMPROMISED") && actual.ends_with("/notes%2Etxt"),
        "{actual}"
    );
    // Also where a document of another issuer should be.
    let key = std::fs::read_to_string(tenant.path("issuer/sa-signer.key")).unwrap();
    put(&tenant, "notes.txt", "text/plain", "");
    put(&tenant, "other/keys.json", "application/json", &key);
    let report = failed(&tenant, VERIFY).1;
    let actual = check(&report, "private keys in the bucket")["actual"]
        .as_str()
        .unwrap();
    assert!(actual.starts_with("KEY COMPROMISED"), "{actual}");
}

/// The hint of a loose statement works, whatever actions the statement names.
#[test]
fn a_loose_statement_is_written_anew_as_the_hint_says() {
    let (tenant, answer) = Tenant::bootstrapped();
    let arn = answer["provider_arn"].as_str().unwrap();
    let (_, host) = arn.split_once(":oidc-provider/").unwrap();
    for (name, action, condition) in [
        (
            "any-audience",
            json!("sts:AssumeRoleWithWebIdentity"),
            json!({ "StringEquals": { format!("{host}:sub"): "system:serviceaccount:default:app" }, "StringLike": { format!("{host}:aud"): "*" } }),
        ),
        ("any-action", json!("sts:*"), json!({})),
        (
            "tags",
            json!(["sts:TagSession", "sts:assumeRoleWithWebIdentity"]),
            json!({}),
        ),
    ] {
        let trust = json!({ "Version": "2012-10-17", "Statement": [{
            "Effect": "Allow", "Principal": { "Federated": [arn] },
            "Action": action, "Condition": condition,
        }]});
        tenant.iam(&format!(
            "Action=CreateRole&RoleName={name}&AssumeRolePolicyDocument={}",
            encoded(&trust.to_string())
        ));
        let report = failed(&tenant, VERIFY).1;
        let found = check(&report, "role trust");
        assert_ne!(found["outcome"], "pass", "{name}");
        assert!(found["hint"].as_str().unwrap().contains("irsactl role"));
        let role = "role --cluster demo --service-account default/app --adopt --yes";
        tenant.irsactl(&format!("{role} --name {name}")).ok();
        let report = failed(&tenant, VERIFY).1;
        assert_eq!(check(&report, "role trust")["outcome"], "pass", "{name}");
    }
}

/// The status says what everybody can read, whatever becomes of the body; an error says nothing.
#[test]
fn what_strangers_cannot_be_shown_to_be_denied_does_not_pass() {
    let (tenant, _) = Tenant::bootstrapped();
    let bucket = tenant.bucket();
    const NAMES: [&str; 3] = [
        "private keys in the bucket",
        "other public objects",
        "bucket listing",
    ];
    let outcomes = || {
        let report = failed(&tenant, VERIFY).1;
        NAMES.map(|name| check(&report, name)["outcome"].as_str().unwrap().to_owned())
    };
    put(&tenant, "dump", "text/plain", &" ".repeat(3 << 20));
    assert_eq!(outcomes(), ["pass"; 3]);
    tenant.fail_strangers(Some("dump"), 1, 503);
    assert_eq!(outcomes(), ["skipped", "skipped", "pass"]);
    for status in [301, 500, 503] {
        tenant.fail_strangers(None, 1, status);
        assert_eq!(outcomes(), ["pass", "pass", "skipped"], "{status}");
    }
    let open = json!({ "Version": "2012-10-17", "Statement": [
        { "Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": format!("arn:aws:s3:::{bucket}/*") },
    ]});
    let policy = format!("/{bucket}?policy");
    tenant.call("s3", "PUT", &policy, "", &open.to_string());
    assert_eq!(outcomes(), ["pass", "fail", "pass"]);
    tenant.irsactl("bootstrap --cluster demo --yes").ok();
    for number in 0..25 {
        put(&tenant, &format!("a/{number:02}"), "text/plain", "");
    }
    assert_eq!(outcomes()[0], "skipped");
    put(&tenant, "z/sa-signer.key", "text/plain", "");
    assert_eq!(outcomes()[0], "fail");
}

#[test]
fn a_bucket_that_somebody_else_took_is_a_takeover() {
    let (tenant, thief) = (Tenant::new(), Tenant::new());
    let name = format!("taken-over-{}", tenant.account);
    tenant.irsactl("keygen").ok();
    tenant
        .irsactl(&format!("bootstrap --cluster demo --bucket {name} --yes"))
        .ok();
    for target in ["/keys.json", "/.well-known/openid-configuration", ""] {
        tenant.call("s3", "DELETE", &format!("/{name}{target}"), "", "");
    }
    thief.irsactl("keygen").ok();
    thief
        .irsactl(&format!("publish --bucket {name} --yes"))
        .ok();
    // With no key to compare with, everything else looks just as good.
    let issuer =
        format!("verify --issuer https://{name}.s3.us-west-2.amazonaws.com --dir none -o json");
    let (names, report) = failed(&tenant, &issuer);
    assert_eq!(names, ["takeover"], "{report:#}");
    assert_eq!(
        check(&report, "signing key published")["outcome"],
        "skipped"
    );
    let (names, _) = failed(&tenant, &format!("verify --bucket {name} -o json"));
    assert_eq!(
        names,
        [
            "signing key published",
            "AWS resources",
            "takeover",
            "unknown keys"
        ]
    );
}
