//! MiniStack with AUTH=true, which others wrote, judges what `irsactl policy` grants: a user with
//! exactly that policy gets through, and is denied when any one action is taken away.
//!
//! What MiniStack lacks: S3 Control (the local AWS answers for it), changing a provider, and looking
//! at a policy's Resource for a provider.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::support::http::exchange;
use crate::support::ministack::MiniStack;
use crate::support::tenant::{Offline, Run, Tenant};

pub(crate) fn actions(policy: &Value) -> Vec<String> {
    let statements = policy["Statement"].as_array().unwrap().iter();
    statements
        .flat_map(|s| s["Action"].as_array().unwrap())
        .map(|a| a.as_str().unwrap().to_owned())
        .collect()
}

pub(crate) fn without(policy: &Value, action: &str) -> Value {
    let mut policy = policy.clone();
    for statement in policy["Statement"].as_array_mut().unwrap() {
        statement["Action"]
            .as_array_mut()
            .unwrap()
            .retain(|a| a != action);
    }
    // IAM takes no statement without an action.
    policy["Statement"]
        .as_array_mut()
        .unwrap()
        .retain(|s| s["Action"] != json!([]));
    policy
}

#[test]
fn publish_needs_every_action_of_its_policy_and_no_other() {
    let mut mini = MiniStack::start();
    let policy = mini.policy("publish", "--bucket all-actions");
    mini.user("all", &policy);
    mini.work.irsactl("publish --bucket all-actions --yes").ok();
    let settled = mini.work.irsactl("publish --bucket all-actions --yes");
    assert!(settled.stderr.contains("no changes"), "{settled:#?}");

    // MiniStack's own view of what is public now.
    for (target, expected) in [
        ("/all-actions/keys.json", 200),
        ("/all-actions/.well-known/openid-configuration", 200),
        ("/all-actions/other", 403),
        ("/all-actions?list-type=2", 403),
    ] {
        let (status, _) = exchange(&mini.address, "GET", target, "", "");
        // MiniStack answers 404 for an absent key where AWS answers 403.
        assert!(
            status == expected || (target.ends_with("other") && status == 404),
            "{target}: {status}"
        );
    }
    // The policy is for this bucket alone.
    let elsewhere = mini.work.irsactl("publish --bucket another-bucket --yes");
    assert_eq!(elsewhere.code, 77, "{elsewhere:#?}");

    let mut allowed = Vec::new();
    for (index, action) in actions(&policy).iter().enumerate() {
        let bucket = format!("without-{index}");
        let policy = without(
            &mini.policy("publish", &format!("--bucket {bucket}")),
            action,
        );
        mini.user(&bucket, &policy);
        let publish = format!("publish --bucket {bucket} --yes");
        let run = mini.work.irsactl(&publish);
        // A tag that is asked for later takes a call of its own.
        let run = match run.code {
            0 => mini.work.irsactl(&format!("{publish} --tag team=platform")),
            _ => run,
        };
        match run.code {
            0 => allowed.push(action.clone()),
            _ => assert!(
                run.stderr.contains("403") || run.stderr.contains("AccessDenied"),
                "{action}: {run:#?}"
            ),
        }
    }
    // Not judged by MiniStack: the account's block is S3 Control's, and tags at creation need no
    // action of their own there. And the bucket policy lets anybody read the objects.
    assert_eq!(
        allowed,
        [
            "s3:GetAccountPublicAccessBlock",
            "s3:TagResource",
            "s3:GetObject"
        ]
    );
}

#[test]
fn a_provider_needs_the_actions_to_look_and_to_create() {
    let mut mini = MiniStack::start();
    let provider = |mini: &MiniStack, name: &str| -> Run {
        mini.work.irsactl(&format!(
            "provider --bucket {name} --thumbprint 0123456789abcdef0123456789abcdef01234567 --yes"
        ))
    };
    for (name, removed) in [
        ("complete", ""),
        ("no-bucket", "s3:ListBucket"),
        ("no-look", "iam:GetOpenIDConnectProvider"),
        ("no-create", "iam:CreateOpenIDConnectProvider"),
    ] {
        let mut policy = without(
            &mini.policy("provider", &format!("--bucket {name}")),
            removed,
        );
        // What is to be trusted must be there.
        mini.create_bucket(name);
        mini.put_documents(name);
        // It evaluates calls about a provider as if they named no resource.
        for statement in policy["Statement"].as_array_mut().unwrap() {
            if statement["Sid"] == "Provider" {
                statement["Resource"] = json!("*");
            }
        }
        mini.user(name, &policy);
        let run = provider(&mini, name);
        match removed {
            "" => drop(run.ok()),
            "s3:ListBucket" => run.fails(4, &["403 Forbidden", "s3:ListBucket"]),
            _ => run.fails(77, &["AccessDenied", removed]),
        }
    }
}

#[test]
fn a_dry_runs_policy_only_reads() {
    let work = Offline::new();
    let names = "--cluster demo --region us-west-2 --account-id 111122223333";
    let policy = work
        .irsactl(&format!("policy bootstrap {names} --dry-run"))
        .json();
    for action in actions(&policy) {
        let verb = action.split_once(':').unwrap().1;
        assert!(
            verb.starts_with("Get") || verb.starts_with("List"),
            "{action}"
        );
    }
}

/// The actions that calls needed.
pub(crate) fn needed(entries: &[Value]) -> BTreeSet<String> {
    let action = |entry: &Value| {
        let operation = entry["operation"].as_str().unwrap();
        match operation {
            // Needs no permission.
            "GetCallerIdentity" => None,
            "HeadBucket" | "ListObjectsV2" => Some("s3:ListBucket".to_owned()),
            "ListBuckets" => Some("s3:ListAllMyBuckets".to_owned()),
            "GetPublicAccessBlock" | "PutPublicAccessBlock" => Some(format!(
                "s3:{}",
                operation.replace("Public", "BucketPublic")
            )),
            "GetAccountPublicAccessBlock" => Some("s3:GetAccountPublicAccessBlock".to_owned()),
            other => Some(format!("{}:{other}", entry["service"].as_str().unwrap())),
        }
    };
    entries.iter().filter_map(action).collect()
}

/// Also for an issuer that is given by its URL, which may be a bucket's.
#[test]
fn a_provider_of_a_buckets_url_needs_to_look_at_the_bucket() {
    let tenant = Tenant::with_key();
    tenant.irsactl("publish --cluster demo --yes").ok();
    let start = tenant.log().len();
    let url = format!("https://{}.s3.us-west-2.amazonaws.com", tenant.bucket());
    tenant
        .irsactl(&format!("provider --issuer {url} --yes"))
        .ok();
    let policy = format!("policy provider --issuer {url}");
    let granted: BTreeSet<String> = actions(&tenant.irsactl(&policy).json())
        .into_iter()
        .collect();
    assert!(granted.contains("s3:ListBucket"), "{granted:?}");
    let needed = needed(&tenant.log().split_off(start));
    assert!(needed.is_subset(&granted), "{needed:?} {granted:?}");
}

#[test]
fn verify_needs_what_its_policy_grants_and_no_other() {
    let (tenant, _) = Tenant::bootstrapped();
    let start = tenant.log().len();
    tenant.irsactl("verify --cluster demo").ok();
    tenant.irsactl("verify --dangling").ok();
    tenant
        .irsactl("report --cluster demo --html report.html")
        .ok();
    let granted = actions(&tenant.irsactl("policy verify --cluster demo").json());
    assert_eq!(
        needed(&tenant.log().split_off(start)),
        granted.into_iter().collect()
    );
}

/// The policy is enough for all that the runs of a drifting issuer really call, on the log of the
/// local AWS, and names the resources that they name.
#[test]
fn every_call_is_one_that_the_policy_grants() {
    let (tenant, answer) = Tenant::bootstrapped();
    let arn = answer["provider_arn"].as_str().unwrap();
    let target = format!("/{}?policy", tenant.bucket());
    tenant.call("s3", "DELETE", &target, "", "");
    let start = tenant.log().len();
    tenant
        .irsactl("bootstrap --cluster demo --tag team=a --dry-run --out plan.json")
        .ok();
    // 'apply' needs what its command needs.
    tenant.irsactl("apply plan.json").ok();
    tenant
        .irsactl("provider --cluster demo --audience a --audience b --thumbprint 0123456789abcdef0123456789abcdef01234567 --yes")
        .ok();
    let policy = tenant.irsactl("policy bootstrap --cluster demo").json();
    let granted = actions(&policy);
    let entries = tenant.log().split_off(start);
    for entry in entries.iter().filter(|entry| entry["service"] == "iam") {
        let body = entry["body"].as_str().unwrap();
        let body = body.replace("%3A", ":").replace("%2F", "/");
        assert!(body.contains(arn), "{body}");
    }
    let called = needed(&entries);
    for action in &called {
        assert!(granted.contains(action), "{action} is not in {granted:?}");
    }
    assert!(
        called.contains("s3:PutBucketTagging")
            && called.contains("iam:AddClientIDToOpenIDConnectProvider")
    );
    let provider = policy["Statement"]
        .as_array()
        .unwrap()
        .iter()
        .find(|s| s["Sid"] == "Provider");
    assert_eq!(provider.unwrap()["Resource"], arn);
}
