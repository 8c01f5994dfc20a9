//! Every URL that decides who signs is judged: the issuer's host, and that of the JWK Set which it names.

use std::collections::HashMap;

use serde_json::{Value, json};

use crate::support::host::{self, Page};
use crate::support::http::encoded;
use crate::support::tenant::Tenant;
use crate::verify::{check, failed};

const NAME: &str = "oidc.test";
const DISCOVERY: &str = "/.well-known/openid-configuration";

fn create_provider(tenant: &Tenant, url: &str) {
    tenant.iam(&format!(
        "Action=CreateOpenIDConnectProvider&Url={}&ThumbprintList.member.1={}&ClientIDList.member.1=x",
        encoded(url),
        "a".repeat(40)
    ));
}

/// Publishes an issuer, and lets its discovery document name other keys.
fn with_jwks_uri(tenant: &Tenant, bucket: &str, jwks_uri: &str) -> String {
    tenant
        .irsactl(&format!("publish --bucket {bucket} --yes"))
        .ok();
    let issuer = format!("https://{bucket}.s3.us-west-2.amazonaws.com");
    let discovery = json!({ "issuer": issuer, "jwks_uri": jwks_uri });
    let target = format!("/{bucket}{DISCOVERY}");
    tenant.call(
        "s3",
        "PUT",
        &target,
        "Content-Type: application/json\r\n",
        &discovery.to_string(),
    );
    issuer
}

fn takeovers(report: &Value) -> Vec<(String, String)> {
    let checks = report["checks"].as_array().unwrap().iter();
    let text = |check: &Value, name: &str| check[name].as_str().unwrap().to_owned();
    checks
        .filter(|check| check["name"] == "takeover")
        .map(|check| (text(check, "outcome"), text(check, "actual")))
        .collect()
}

#[test]
fn keys_in_a_bucket_that_anybody_can_take_are_a_takeover() {
    let tenant = Tenant::with_key();
    let bucket = format!("ours-{}", tenant.account);
    let gone = format!(
        "https://gone-{}.s3.us-west-2.amazonaws.com/keys.json",
        tenant.account
    );
    let issuer = with_jwks_uri(&tenant, &bucket, &gone);
    create_provider(&tenant, &issuer);
    let report = failed(&tenant, "verify --dangling -o json").1;
    let [(outcome, actual)] = &takeovers(&report)[..] else {
        panic!("{report:#}");
    };
    assert_eq!(outcome, "fail");
    assert!(
        actual.starts_with("CRITICAL") && actual.contains("JWK Set") && actual.contains(&gone),
        "{actual}"
    );
    let report = failed(&tenant, &format!("verify --bucket {bucket} -o json")).1;
    assert_eq!(check(&report, "takeover")["outcome"], "fail");
    // And none is made that would trust it.
    tenant
        .irsactl(&format!("provider --bucket {bucket} --yes"))
        .fails(4, &["it is not there", "could sign tokens"]);

    // A bucket of another account may be meant, and is named; asked for by name, it is a failure.
    let owner = Tenant::with_key();
    let theirs = format!("theirs-{}", owner.account);
    owner
        .irsactl(&format!("publish --bucket {theirs} --yes"))
        .ok();
    with_jwks_uri(
        &tenant,
        &bucket,
        &format!("https://{theirs}.s3.us-west-2.amazonaws.com/keys.json"),
    );
    let report = failed(&tenant, "verify --dangling -o json").1;
    let (outcome, actual) = &takeovers(&report)[0];
    assert!(
        outcome == "warn" && actual.contains("not this account's"),
        "{actual}"
    );
    let report = failed(&tenant, &format!("verify --bucket {bucket} -o json")).1;
    assert_eq!(check(&report, "takeover")["outcome"], "fail");
    tenant
        .irsactl(&format!("provider --bucket {bucket} --yes"))
        .fails(4, &["403 Forbidden"]);
}

#[test]
fn a_provider_trusts_no_host_without_its_own_documents() {
    let mut tenant = Tenant::with_key();
    let gone = format!(
        "https://gone-{}.s3.us-west-2.amazonaws.com/keys.json",
        tenant.account
    );
    let discovery = |issuer: &str, jwks_uri: &str| {
        Page::json(&json!({ "issuer": issuer, "jwks_uri": jwks_uri }).to_string())
    };
    let own = format!("https://{NAME}");
    let keys = format!("{own}/keys.json");
    let jwks = tenant.irsactl("jwks").ok();
    let pages = HashMap::from([
        (DISCOVERY, discovery("https://another.example.com", &keys)),
        (
            "/gone/.well-known/openid-configuration",
            discovery(&format!("{own}/gone"), &gone),
        ),
        (
            "/plain/.well-known/openid-configuration",
            discovery(&format!("{own}/plain"), "http://oidc.test/keys.json"),
        ),
        (
            "/empty/.well-known/openid-configuration",
            discovery(&format!("{own}/empty"), &format!("{own}/empty.json")),
        ),
        (
            "/absent/.well-known/openid-configuration",
            discovery(&format!("{own}/absent"), &format!("{own}/absent.json")),
        ),
        (
            "/china/.well-known/openid-configuration",
            discovery(
                &format!("{own}/china"),
                "https://b1b.s3.cn-north-1.amazonaws.com.cn/keys.json",
            ),
        ),
        (
            "/good/.well-known/openid-configuration",
            discovery(&format!("{own}/good"), &keys),
        ),
        (
            "/twice/.well-known/openid-configuration",
            Page::json(&format!(
                r#"{{"issuer":"{own}/twice","jwks_uri":"{gone}","jwks_uri":"{keys}"}}"#
            )),
        ),
        (
            "/dots/.well-known/openid-configuration",
            discovery(&format!("{own}/dots"), &format!("{own}/gone/../keys.json")),
        ),
        ("/keys.json", Page::json(&jwks)),
        ("/empty.json", Page::json(r#"{"keys":[]}"#)),
    ]);
    host::start(&mut tenant.offline, pages, |_| {});
    for (path, words) in [
        ("", "says that the issuer is"),
        ("/gone", "it is not there"),
        ("/plain", "is no https URL"),
        ("/empty", "is no JWK Set with a key in it"),
        ("/absent", "HTTP status 404"),
        ("/china", "in partition aws-cn"),
        ("/twice", "no JSON object with each member once"),
        ("/dots", "no URL in its plain form"),
        ("/nothing", "HTTP status 404"),
    ] {
        for options in [
            "",
            " --no-thumbprint",
            " --thumbprint 990f4193972f2becf12ddeda5237f9c952f20d9e",
        ] {
            let run = tenant.irsactl(&format!("provider --issuer {own}{path} --yes{options}"));
            run.fails(4, &[words, "cannot let AWS trust"]);
        }
    }
    assert!(tenant.changes().is_empty());
    tenant
        .irsactl(&format!("provider --issuer {own}/good --yes"))
        .ok();
}

/// A bucket's name is one within its partition: elsewhere somebody else may have it.
#[test]
fn a_bucket_of_another_partition_is_not_ours() {
    let tenant = Tenant::with_key();
    let bucket = format!("corp-{}", tenant.account);
    tenant
        .irsactl(&format!("publish --bucket {bucket} --yes"))
        .ok();
    for host in [
        format!("{bucket}.s3.cn-north-1.amazonaws.com.cn"),
        format!("{bucket}.s3.us-gov-west-1.amazonaws.com"),
    ] {
        let issuer = format!("https://{host}");
        tenant
            .irsactl(&format!("provider --issuer {issuer} --yes --thumbprint 990f4193972f2becf12ddeda5237f9c952f20d9e"))
            .fails(4, &["where the bucket of this name may be anybody's"]);
        create_provider(&tenant, &issuer);
    }
    let report = failed(&tenant, "verify --dangling -o json").1;
    let found = takeovers(&report);
    assert_eq!(found.len(), 2, "{report:#}");
    for (outcome, actual) in found {
        assert!(
            ["warn", "fail"].contains(&outcome.as_str()) && !actual.contains("is this account's"),
            "{actual}"
        );
    }
}

#[test]
fn a_provider_never_comes_without_its_documents() {
    let tenant = Tenant::bootstrapped().0;
    tenant.irsactl("destroy --cluster demo --confirm demo").ok();
    let before = tenant.changes().len();
    tenant.irsactl("provider --cluster demo --yes").fails(
        4,
        &[
            "openid-configuration: nothing is there",
            "publish both documents first",
        ],
    );
    assert_eq!(tenant.changes().len(), before);
}
