//! A plan that was saved is carried out as it was reviewed, or not at all.

use std::collections::BTreeSet;
use std::fs;
use std::io::Write;
use std::process::Stdio;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::tenant::{Run, Tenant, encoded};

const PLAN: &str = "bootstrap --cluster demo --dry-run --out plan.json";

fn saved(tenant: &Tenant) -> Value {
    serde_json::from_str(&fs::read_to_string(tenant.path("plan.json")).unwrap()).unwrap()
}

fn operations(plan: &Value) -> Vec<&str> {
    let changes = plan["changes"].as_array().unwrap().iter();
    changes
        .map(|change| change["operation"].as_str().unwrap())
        .collect()
}

/// The run is refused, and makes no changing call.
#[track_caller]
fn refused(tenant: &Tenant, arguments: &str, words: &[&str]) {
    let before = tenant.changes();
    tenant.irsactl(arguments).fails(4, words);
    assert_eq!(tenant.changes(), before);
}

#[track_caller]
fn given(tenant: &Tenant, arguments: &str, input: &[u8]) -> Run {
    let mut command = tenant.command(env!("CARGO_BIN_EXE_irsactl"));
    let command = command.args(arguments.split(' ')).stdin(Stdio::piped());
    let command = command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    // A run that refuses early does not read it all.
    let _ = child.stdin.take().unwrap().write_all(input);
    child.wait_with_output().unwrap().into()
}

#[test]
fn what_was_reviewed_is_what_is_done_and_only_once() {
    let tenant = Tenant::with_key();
    let shown = tenant.irsactl(&format!("{PLAN} -o json")).json();
    assert_eq!(tenant.changes(), Vec::<String>::new());
    let plan = saved(&tenant);
    assert_eq!(plan["plan"], shown);
    assert_eq!(plan["arguments"], json!(["bootstrap", "--cluster=demo"]));
    // Each call has a hash of its own, of all that it sends.
    let hashes = plan["changes_sha256"].as_array().unwrap();
    let hashes: BTreeSet<&str> = hashes.iter().map(|hash| hash.as_str().unwrap()).collect();
    assert!(hashes.len() == 6 && hashes.iter().all(|hash| hash.len() == 64));

    let applied = tenant.irsactl("apply plan.json -o json");
    assert!(applied.stderr.contains("plan: 5 to create"), "{applied:#?}");
    let answer = applied.json();
    assert_eq!(answer["changes"], 6);
    assert_eq!(answer["kid"], tenant.kid("issuer/sa-signer.pub"));
    assert_eq!(tenant.changes(), operations(&shown));

    // What the command itself answers.
    let mut again = tenant
        .irsactl("bootstrap --cluster demo --yes -o json")
        .json();
    again["changes"] = 6.into();
    assert_eq!(again, answer);
    refused(
        &tenant,
        "apply plan.json",
        &[
            "nothing of it is left to do",
            "irsactl bootstrap --cluster=demo --dry-run",
        ],
    );
    // A plan without changes can be applied as often as one likes.
    tenant.irsactl(PLAN).ok();
    for _ in 0..2 {
        let run = tenant.irsactl("apply plan.json");
        assert!(run.stderr.contains("no changes"), "{run:#?}");
        run.ok();
    }
}

#[test]
fn the_same_state_gives_the_same_bytes_in_a_file_and_through_a_pipe() {
    let tenant = Tenant::with_key();
    tenant.irsactl(PLAN).ok();
    let first = fs::read(tenant.path("plan.json")).unwrap();
    // The order on the command line, how it was run, and a plan from before do not matter.
    let again = format!("--timeout 60 -v {PLAN} --detailed-exitcode --documents docs -o env");
    assert_eq!(tenant.irsactl(&again).code, 2);
    assert_eq!(fs::read(tenant.path("plan.json")).unwrap(), first);
    let piped = tenant.irsactl("bootstrap --dry-run --cluster demo --out - -o json");
    assert_eq!(piped.code, 0);
    assert_eq!(piped.stdout.as_bytes(), first);
    assert!(piped.stderr.contains("plan: 5 to create"), "{piped:#?}");

    tenant.shell("mkdir elsewhere; mv issuer elsewhere/keys");
    let run = given(&tenant, "apply - --dir elsewhere/keys", &first);
    assert!(run.stdout.contains("kube-apiserver flags"), "{run:#?}");
    assert_eq!(tenant.changes().len(), 6);
}

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
fn signed(tenant: &Tenant, mut plan: Value) -> String {
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

#[test]
fn every_command_that_plans_can_save() {
    let tenant = Tenant::with_key();
    let policy = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:ListAllMyBuckets","Resource":"*"}]}"#;
    tenant.write("policy.json", policy);
    let run = |command: &str, operations: &[&str]| {
        let before = tenant.changes().len();
        tenant
            .irsactl(&format!(
                "{command} --cluster demo --dry-run --out plan.json"
            ))
            .ok();
        assert_eq!(tenant.changes().len(), before);
        let answer = tenant.irsactl("apply plan.json -o json").json();
        assert_eq!(tenant.changes()[before..], *operations, "{command}");
        refused(&tenant, "apply plan.json", &[]);
        answer
    };
    let publish = [
        "s3:CreateBucket",
        "s3:PutPublicAccessBlock",
        "s3:PutBucketPolicy",
        "s3:PutObject",
        "s3:PutObject",
    ];
    run("publish", &publish);
    run("provider", &["iam:CreateOpenIDConnectProvider"]);
    let role = run(
        "role --service-account default/app --inline-policy policy.json",
        &["iam:CreateRole", "iam:PutRolePolicy"],
    );
    assert!(
        role["manifest"]
            .as_str()
            .unwrap()
            .contains("kind: ServiceAccount")
    );
    tenant
        .irsactl("rotate prepare --cluster demo --key-only")
        .ok();
    run("rotate prepare", &["s3:PutObject"]);
    run("rotate retire --compromised", &["s3:PutObject"]);
    let destroy = [
        "iam:DeleteRolePolicy",
        "iam:DeleteRole",
        "iam:DeleteOpenIDConnectProvider",
        "s3:DeleteObject",
        "s3:DeleteObject",
        "s3:DeleteBucketPolicy",
        "s3:DeleteBucket",
    ];
    run("destroy --roles --delete-bucket", &destroy);
}

/// Two plans of one review: the role's says that there is no provider yet, and is good when there is one.
#[test]
fn a_remark_that_has_become_untrue_does_not_matter() {
    let tenant = Tenant::with_key();
    tenant.irsactl(PLAN).ok();
    let role = "role --cluster demo --service-account default/app --dry-run --out role.json";
    tenant.irsactl(role).ok();
    refused(
        &tenant,
        "apply role.json",
        &["there is no OpenID Connect provider"],
    );
    tenant.irsactl("apply plan.json").ok();
    tenant.irsactl("apply role.json").ok();
}

#[test]
fn a_cut_run_is_gone_on_with_by_the_command_and_not_by_its_plan() {
    let tenant = Tenant::with_key().named();
    tenant.irsactl(PLAN).ok();
    tenant.delay_next("PutBucketPolicy", 4);
    let mut child = tenant.command(env!("CARGO_BIN_EXE_irsactl"));
    let child = child.args(["apply", "plan.json"]).stderr(Stdio::null());
    let mut child = child.stdout(Stdio::null()).spawn().unwrap();
    let start = Instant::now();
    while !tenant
        .changes()
        .contains(&"s3:PutPublicAccessBlock".to_owned())
    {
        assert!(start.elapsed() < Duration::from_secs(20));
        std::thread::sleep(Duration::from_millis(20));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    // What was in flight may still arrive.
    std::thread::sleep(Duration::from_secs(5));
    let next = "irsactl bootstrap --cluster=demo --dry-run --out plan.json";
    refused(
        &tenant,
        "apply plan.json",
        &["no change any more: bucket s3://demo", next],
    );

    tenant.irsactl(PLAN).ok();
    tenant.delay_next("CreateOpenIDConnectProvider", 4);
    let words = [
        "a plan is for one run",
        "run 'irsactl bootstrap --cluster=demo'",
    ];
    tenant
        .irsactl("apply plan.json --timeout 2")
        .fails(124, &words);
    tenant.irsactl("bootstrap --cluster demo --yes").ok();
}

#[test]
fn what_cannot_be_saved_is_refused() {
    let tenant = Tenant::with_key();
    let key = fs::read(tenant.path("issuer/sa-signer.key")).unwrap();
    let out = "bootstrap --cluster demo --dry-run --out";
    refused(
        &tenant,
        &format!("{out} issuer/sa-signer.key"),
        &["something else than a saved plan is there"],
    );
    assert_eq!(fs::read(tenant.path("issuer/sa-signer.key")).unwrap(), key);
    let offline = "--offline --account-id 111122223333";
    tenant
        .irsactl(&format!("{PLAN} {offline}"))
        .fails(64, &["cannot save an offline plan", "--documents"]);
    for run in [
        "bootstrap --cluster demo --yes",
        "bootstrap --cluster demo",
        "destroy --cluster demo --confirm demo",
    ] {
        tenant
            .irsactl(&format!("{run} --out plan.json"))
            .fails(64, &["--out <FILE>"]);
    }
    tenant
        .irsactl("apply plan.json")
        .fails(1, &["cannot read plan.json"]);
    // A link is replaced, and what it leads to is left alone.
    tenant.shell("ln -s somewhere plan.json");
    tenant.irsactl(PLAN).fails(1, &["plan.json"]);
    assert!(!tenant.path("somewhere").exists());
}
