//! A plan that was saved is carried out as it was reviewed, or not at all.

pub(crate) mod forged;
pub(crate) mod stale;

use std::collections::BTreeSet;
use std::fs;
use std::io::Write;
use std::process::Stdio;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::support::tenant::{Run, Tenant};

pub(crate) const PLAN: &str = "bootstrap --cluster demo --dry-run --out plan.json";

pub(crate) fn saved(tenant: &Tenant) -> Value {
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
pub(crate) fn refused(tenant: &Tenant, arguments: &str, words: &[&str]) {
    let before = tenant.changes();
    tenant.irsactl(arguments).fails(4, words);
    assert_eq!(tenant.changes(), before);
}

#[track_caller]
pub(crate) fn given(tenant: &Tenant, arguments: &str, input: &[u8]) -> Run {
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
            "nothing is left to do",
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
    let again = format!("--timeout 60 -v --ci {PLAN} --detailed-exitcode --documents docs -o env");
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
    tenant.irsactl(PLAN).fails(4, &["plan.json"]);
    assert!(!tenant.path("somewhere").exists());
}

#[test]
fn documents_do_not_replace_a_saved_plan() {
    let tenant = Tenant::with_key();
    let plan = "bootstrap --cluster demo --dry-run";
    tenant.shell("mkdir docs; : > docs/plan.json");
    // An empty file is what mktemp makes.
    tenant.irsactl(&format!("{plan} --out docs/plan.json")).ok();
    tenant.irsactl(&format!("{plan} --documents docs")).fails(
        4,
        &[
            "something else than a document of a dry run is there",
            "give another name",
        ],
    );
    tenant.irsactl("apply docs/plan.json").ok();
    // The command that is next is for the directory that this one was given.
    tenant
        .irsactl("rotate prepare --cluster demo --key-only")
        .ok();
    tenant
        .irsactl("rotate prepare --cluster demo --dry-run --out rotation.json")
        .ok();
    tenant.shell("mv issuer moved");
    let applied = tenant.irsactl("apply rotation.json --dir moved").ok();
    assert!(
        applied.contains("rotate activate --cluster demo --dir moved"),
        "{applied}"
    );
}
