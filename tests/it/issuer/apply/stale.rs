//! A saved plan that is not as it was, or that no longer fits, is refused, and nothing is changed.

use std::fs;

use serde_json::{Value, json};

use crate::issuer::apply::{PLAN, given, refused, saved};
use crate::support::http::encoded;
use crate::support::tenant::Tenant;

/// What somebody else does to the world after the plan was made.
type Meanwhile = fn(&Tenant);

#[test]
fn whatever_changes_meanwhile_makes_a_plan_stale() {
    let cases: [(&str, Meanwhile, &[&str]); 6] = [
        (
            "the bucket policy",
            |tenant| {
                let target = format!("/{}?policy", tenant.bucket());
                let policy = tenant.call("s3", "GET", &target, "", "");
                let mut policy: Value = serde_json::from_str(&policy).unwrap();
                let arn = format!("arn:aws:s3:::{}/*", tenant.bucket());
                policy["Statement"].as_array_mut().unwrap().push(json!({
                    "Effect": "Deny", "Principal": "*", "Action": "s3:PutObject", "Resource": arn,
                    "Condition": { "Bool": { "aws:SecureTransport": "false" } } }));
                tenant.call("s3", "PUT", &target, "", &policy.to_string());
            },
            &["not as it was: bucket"],
        ),
        (
            "the JWK Set",
            |tenant| {
                tenant.irsactl("keygen --dir second").ok();
                tenant
                    .irsactl("publish --cluster demo --dir second --add-key --yes")
                    .ok();
            },
            &["not as it was: bucket"],
        ),
        (
            "the document's type",
            |tenant| {
                let key = format!("/{}/.well-known/openid-configuration", tenant.bucket());
                let body = tenant.call("s3", "GET", &key, "", "");
                tenant.call("s3", "PUT", &key, "Content-Type: text/plain\r\n", &body);
            },
            &["a change now: object s3://demo-oidc-", "(s3:PutObject)"],
        ),
        (
            "the provider",
            |tenant| {
                let arn = format!(
                    "arn:aws:iam::{}:oidc-provider/{}.s3.us-west-2.amazonaws.com",
                    tenant.account,
                    tenant.bucket()
                );
                tenant.iam(&format!(
                    "Action=AddClientIDToOpenIDConnectProvider&ClientID=other&OpenIDConnectProviderArn={}",
                    encoded(&arn)
                ));
            },
            &["not as it was: provider"],
        ),
        (
            "the tags",
            |tenant| {
                drop(
                    tenant
                        .irsactl("bootstrap --cluster demo --tag team=b --yes")
                        .ok(),
                )
            },
            &["another change: tags of bucket s3://demo-oidc-", ": tags"],
        ),
        (
            "all of it",
            |tenant| drop(tenant.irsactl("destroy --cluster demo --confirm demo").ok()),
            &["not as it was: provider", "a change now: bucket policy of"],
        ),
    ];
    for (what, meanwhile, words) in cases {
        let (tenant, _) = Tenant::bootstrapped();
        tenant.irsactl(&format!("{PLAN} --tag team=a")).ok();
        meanwhile(&tenant);
        eprintln!("{what}");
        let always = [
            "something has changed since",
            "hint: nothing was changed; plan again",
            "irsactl bootstrap --tag=team=a --cluster=demo --dry-run --out plan.json",
        ];
        refused(&tenant, "apply plan.json", &[&always, words].concat());
        // And the hint leads on.
        tenant.irsactl(&format!("{PLAN} --tag team=a")).ok();
        tenant.irsactl("apply plan.json").ok();
    }
}

#[test]
fn a_plan_is_for_its_account_region_and_endpoint() {
    let mut tenant = Tenant::with_key();
    let other = Tenant::new();
    tenant.irsactl(PLAN).ok();
    let mut elsewhere = |name: &'static str, value: &str, words: &[&str]| {
        let before = tenant.offline.environment.insert(name, value.to_owned());
        let calls = tenant.log().len() + other.log().len();
        refused(&tenant, "apply plan.json", words);
        // Nothing is looked at but who it is.
        assert!(tenant.log().len() + other.log().len() <= calls + 1);
        match before {
            Some(before) => tenant.offline.environment.insert(name, before),
            None => tenant.offline.environment.remove(name),
        };
    };
    let key = format!("AKIATEST{}", other.account);
    let words = ["it was made for account", &other.account];
    elsewhere("AWS_ACCESS_KEY_ID", &key, &words);
    let words = ["made for region us-west-2, and this is eu-west-1"];
    elsewhere("AWS_REGION", "eu-west-1", &words);
    // What would be a slip on the command line is a refusal of the plan.
    let words = ["no account-regional names there"];
    elsewhere("AWS_REGION", "me-south-1", &words);
    for (name, service) in [
        ("AWS_ENDPOINT_URL_S3", "S3"),
        ("AWS_ENDPOINT_URL_IAM", "IAM"),
    ] {
        let words = format!(
            "of AWS itself, and these are {service} {}",
            Tenant::endpoint()
        );
        elsewhere(name, Tenant::endpoint(), &[&words]);
    }
    refused(
        &tenant,
        "apply plan.json --region eu-west-1",
        &["made for region us-west-2"],
    );
    // Who carries it out may be another than who planned.
    tenant
        .irsactl("apply plan.json --account-id 1")
        .fails(64, &["--account-id"]);
    tenant.irsactl("apply plan.json").ok();
}

#[test]
fn another_key_another_cluster_file_and_a_lost_key_are_noticed() {
    let tenant = Tenant::with_key();
    tenant.irsactl(PLAN).ok();
    tenant.shell("mv issuer first");
    let words = [
        "another change: object s3://demo-oidc-",
        "(s3:PutObject): kids",
    ];
    // A key is made when there is none, and must not be left behind.
    refused(&tenant, "apply plan.json", &words);
    assert!(!tenant.path("issuer").exists());
    tenant.irsactl("keygen").ok();
    refused(&tenant, "apply plan.json", &words);
    tenant.shell("rm -r issuer; mkdir issuer; cp first/sa-signer.pub issuer");
    refused(&tenant, "apply plan.json", &["without its private key"]);
    tenant.shell("rm -r issuer; mv first issuer");

    let file = |audience: &str| {
        format!(
            "apiVersion: irsactl/v1alpha1\nkind: Cluster\nmetadata:\n  name: demo\nspec:\n  audiences: [{audience}]\n"
        )
    };
    tenant.write("demo.yaml", file("one"));
    tenant
        .irsactl("bootstrap --config demo.yaml --dry-run --out plan.json")
        .ok();
    tenant
        .irsactl("apply plan.json --config demo.yaml")
        .fails(64, &["the plan says which cluster file"]);
    tenant.write("demo.yaml", file("two"));
    refused(
        &tenant,
        "apply plan.json",
        &["oidc-provider", ": audiences"],
    );
    fs::remove_file(tenant.path("demo.yaml")).unwrap();
    refused(
        &tenant,
        "apply plan.json",
        &["cannot use the cluster file 'demo.yaml'"],
    );
    tenant.write("demo.yaml", file("one"));
    tenant.irsactl("apply plan.json").ok();
}

/// The same plan with a hash that fits: who can write the file can do that, too.
pub(crate) fn signed(tenant: &Tenant, mut plan: Value) -> String {
    fn sort(value: &mut Value) {
        match value {
            Value::Array(items) => {
                items.iter_mut().for_each(sort);
                if items.iter().all(Value::is_string) {
                    items.sort_by_key(|item| item.as_str().unwrap().to_owned());
                }
            }
            Value::Object(members) => {
                members.values_mut().for_each(sort);
                members.sort_keys();
            }
            _ => {}
        }
    }
    plan["sha256"] = "".into();
    let mut canonical = plan.clone();
    sort(&mut canonical);
    tenant.write("canonical", canonical.to_string());
    let hash = tenant.shell("openssl dgst -sha256 -r canonical");
    plan["sha256"] = hash.split(' ').next().unwrap().into();
    format!("{plan:#}\n")
}

#[test]
fn a_file_that_is_not_as_it_was_saved_is_refused() {
    let tenant = Tenant::with_key();
    tenant.irsactl(PLAN).ok();
    let text = fs::read_to_string(tenant.path("plan.json")).unwrap();
    let plan = saved(&tenant);
    assert_eq!(signed(&tenant, plan.clone()), text);
    let edited = |member: &str, value: Value| {
        let mut plan = plan.clone();
        *plan.pointer_mut(member).unwrap() = value;
        plan
    };
    let mut more = plan.clone();
    more["comment"] = "reviewed".into();
    let large = " ".repeat(1 << 20) + &text;
    let show = tenant
        .irsactl("bootstrap --cluster demo --dry-run -o json")
        .ok();
    let arguments = |list: &[&str]| signed(&tenant, edited("/arguments", json!(list)));
    let change = edited("/plan/changes/3/resource", "object s3://harmless".into());
    let kids = edited("/plan/changes/3/fields/0/after", json!([]));
    let hash = edited("/changes_sha256/0", "0".repeat(64).into());
    let cases: Vec<(String, &str)> = vec![
        (String::new(), "it is not a saved plan: EOF"),
        ("\u{0}garbage".to_owned(), "it is not a saved plan"),
        (
            text[..text.len() / 2].to_owned(),
            "it is not a saved plan: EOF",
        ),
        ("[".repeat(100_000), "it is not a saved plan"),
        (large, "it is larger than 1024 KiB"),
        (show, "it is a plan to read, and not a saved one"),
        (format!("{more:#}\n"), "unknown field `comment`"),
        (
            text.replacen("\"irsactl\": \"0", "\"irsactl\": \"9", 1),
            "irsactl 9.1.0 made it",
        ),
        // What one reader of JSON sees is not what another sees.
        (
            text.replacen(
                "\"plan\": {",
                "\"plan\": {\n    \"issuer\": \"https://a.example\",",
                1,
            ),
            "it was edited",
        ),
        (text.trim_end().to_owned(), "it was edited"),
        (format!("{change:#}\n"), "it was edited"),
        (
            signed(&tenant, change),
            "no change any more: object s3://harmless",
        ),
        (signed(&tenant, kids), "(s3:PutObject): kids"),
        (signed(&tenant, hash), "another change: bucket s3://demo"),
        (
            arguments(&["bootstrap", "--cluster=other"]),
            "no change any more: bucket s3://demo",
        ),
        (
            arguments(&["bootstrap", "--tag=a=b", "--cluster=demo"]),
            "another change: bucket s3://demo",
        ),
        (
            arguments(&["bootstrap", "--cluster", "demo"]),
            "its arguments are not written as they are saved",
        ),
        (
            arguments(&["bootstrap", "--cluster=demo", "--dry-run"]),
            "cannot be used with",
        ),
        (
            arguments(&["publish", "--cluster=demo"]),
            "no change any more: OpenID Connect provider",
        ),
        (
            arguments(&["token", "mint", "--cluster=demo", "--stdout"]),
            "unexpected argument '--yes'",
        ),
        (
            arguments(&["apply", "plan.json"]),
            "unexpected argument '--yes'",
        ),
        (arguments(&[]), "unexpected argument '--yes'"),
    ];
    for (text, reason) in cases {
        tenant.write("plan.json", &text);
        let calls = tenant.changes();
        let run = tenant.irsactl("apply plan.json");
        // A file of that size is not even looked into.
        let code = if reason.contains("larger") { 1 } else { 4 };
        run.fails(code, &[reason]);
        let piped = given(&tenant, "apply -", text.as_bytes());
        assert_eq!(piped.code, code, "{reason}: {piped:#?}");
        assert_eq!(tenant.changes(), calls, "{reason}");
    }
    // One role plans, another of the same account applies.
    let reader = edited(
        "/plan/caller",
        "arn:aws:iam::111122223333:role/reader".into(),
    );
    tenant.write("plan.json", signed(&tenant, reader));
    tenant.irsactl("apply plan.json").ok();
}
