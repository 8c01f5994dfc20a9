//! The main job: dry run, apply, apply again; drift, interruption, and AWS's "not yet".

use std::fs;

use serde_json::Value;

use crate::tenant::Tenant;

const BOOTSTRAP: &str = "bootstrap --cluster demo --yes -o json";

fn planned(plan: &Value) -> Vec<String> {
    let changes = plan["changes"].as_array().unwrap();
    changes
        .iter()
        .map(|change| change["operation"].as_str().unwrap().to_owned())
        .collect()
}

#[test]
fn every_changing_call_is_one_that_the_dry_run_listed_and_the_second_run_makes_none() {
    let tenant = Tenant::with_key();
    let dry_run = tenant
        .irsactl("bootstrap --cluster demo --dry-run --documents docs -o json")
        .json();
    assert_eq!(tenant.changes(), Vec::<String>::new());
    assert_eq!(
        planned(&dry_run),
        [
            "s3:CreateBucket",
            "s3:PutPublicAccessBlock",
            "s3:PutBucketPolicy",
            "s3:PutObject",
            "s3:PutObject",
            "iam:CreateOpenIDConnectProvider",
        ]
    );

    let answer = tenant.irsactl(BOOTSTRAP).json();
    assert_eq!(tenant.changes(), planned(&dry_run));
    assert_eq!(answer["changes"], 6);
    assert_eq!(answer["kid"], tenant.kid("issuer/sa-signer.pub"));

    // What was written is what was reviewed.
    let bucket = tenant.bucket();
    let log = tenant.log();
    for (key, document) in [
        ("keys.json", "keys.json"),
        (".well-known/openid-configuration", "discovery.json"),
    ] {
        let put = log
            .iter()
            .find(|entry| entry["operation"] == "PutObject" && entry["key"] == key)
            .unwrap();
        assert_eq!(
            put["body"],
            fs::read_to_string(tenant.path("docs").join(document)).unwrap()
        );
        assert_eq!(put["headers"]["content-type"], "application/json");
        assert_eq!(put["headers"]["cache-control"], "no-cache");
        assert_eq!(put["headers"]["x-amz-server-side-encryption"], "AES256");
        assert_eq!(put["headers"]["if-none-match"], "*");
        assert_eq!(put["host"], format!("{bucket}.s3.us-west-2.amazonaws.com"));
    }
    for entry in log.iter().filter(|entry| entry["service"] == "s3") {
        let headers = entry["headers"].as_object().unwrap();
        assert!(!headers.contains_key("x-amz-acl"));
        let owned = headers
            .get("x-amz-expected-bucket-owner")
            .is_some_and(|owner| *owner == tenant.account.as_str());
        assert!(owned || entry["operation"] == "CreateBucket", "{entry}");
    }

    let again = tenant.irsactl(BOOTSTRAP);
    assert!(again.stderr.contains("no changes"), "{again:#?}");
    assert_eq!(again.json()["changes"], 0);
    assert_eq!(tenant.changes().len(), 6);
}

#[test]
fn the_exit_code_of_a_dry_run_tells_whether_changes_are_pending() {
    let (tenant, _) = Tenant::bootstrapped();
    let dry_run = "bootstrap --cluster demo --dry-run --detailed-exitcode";
    let settled = tenant.irsactl(dry_run);
    assert_eq!(settled.code, 0);
    assert!(settled.stdout.ends_with("no changes\n"), "{settled:#?}");
    tenant.call(
        "s3",
        "DELETE",
        &format!("/{}?policy", tenant.bucket()),
        "",
        "",
    );
    assert_eq!(tenant.irsactl(dry_run).code, 2);
    assert_eq!(tenant.irsactl("bootstrap --cluster demo --dry-run").code, 0);
}

#[test]
fn bootstrap_makes_a_key_when_there_is_none_and_a_dry_run_does_not() {
    let tenant = Tenant::new();
    tenant
        .irsactl("bootstrap --cluster demo --dry-run")
        .fails(4, &["issuer/sa-signer.key", "irsactl keygen"]);
    assert!(!tenant.path("issuer").exists());
    let answer = tenant.irsactl(BOOTSTRAP).json();
    assert_eq!(answer["kid"], tenant.kid("issuer/sa-signer.pub"));
}

#[test]
fn publish_and_provider_are_slices_of_the_same_plan() {
    let tenant = Tenant::with_key();
    tenant.irsactl("publish --cluster demo --yes").ok();
    assert_eq!(tenant.changes().len(), 5);
    let arn = tenant.irsactl("provider --cluster demo --yes").ok();
    assert_eq!(
        arn,
        format!(
            "arn:aws:iam::{}:oidc-provider/{}.s3.us-west-2.amazonaws.com\n",
            tenant.account,
            tenant.bucket()
        )
    );
    assert_eq!(tenant.changes().len(), 6);
    assert_eq!(tenant.irsactl(BOOTSTRAP).json()["changes"], 0);
}

/// What drifts, how to cause it, and the only calls that may repair it.
#[test]
fn whatever_drifts_is_repaired_and_nothing_else_is_touched() {
    let (tenant, answer) = Tenant::bootstrapped();
    let bucket = tenant.bucket();
    let arn = answer["provider_arn"]
        .as_str()
        .unwrap()
        .replace('/', "%2F")
        .replace(':', "%3A");
    let s3 = |method: &str, target: &str, headers: &str, body: &str| {
        tenant.call("s3", method, &format!("/{bucket}{target}"), headers, body);
    };
    let cases: [(&str, &dyn Fn(), &str); 8] = [
        (
            "policy removed",
            &|| s3("DELETE", "?policy", "", ""),
            "s3:PutBucketPolicy",
        ),
        (
            "public access block removed",
            &|| s3("DELETE", "?publicAccessBlock", "", ""),
            "s3:PutPublicAccessBlock",
        ),
        (
            "keys.json removed",
            &|| s3("DELETE", "/keys.json", "", ""),
            "s3:PutObject",
        ),
        (
            "discovery replaced",
            &|| {
                s3(
                    "PUT",
                    "/.well-known/openid-configuration",
                    "Content-Type: application/json\r\n",
                    "{}",
                )
            },
            "s3:PutObject",
        ),
        (
            "audience removed",
            &|| {
                tenant.iam(&format!(
                    "Action=RemoveClientIDFromOpenIDConnectProvider&OpenIDConnectProviderArn={arn}&ClientID=sts.amazonaws.com"
                ));
            },
            "iam:AddClientIDToOpenIDConnectProvider",
        ),
        (
            "thumbprint replaced",
            &|| {
                tenant.iam(&format!(
                    "Action=UpdateOpenIDConnectProviderThumbprint&OpenIDConnectProviderArn={arn}&ThumbprintList.member.1={}",
                    "a".repeat(40)
                ));
            },
            "iam:UpdateOpenIDConnectProviderThumbprint",
        ),
        (
            "cluster tag removed",
            &|| {
                tenant.iam(&format!(
                    "Action=UntagOpenIDConnectProvider&OpenIDConnectProviderArn={arn}&TagKeys.member.1=irsactl%2Fcluster"
                ));
            },
            "iam:TagOpenIDConnectProvider",
        ),
        (
            "provider removed",
            &|| {
                tenant.iam(&format!(
                    "Action=DeleteOpenIDConnectProvider&OpenIDConnectProviderArn={arn}"
                ));
            },
            "iam:CreateOpenIDConnectProvider",
        ),
    ];
    for (drift, cause, repair) in cases {
        cause();
        let before = tenant.changes().len();
        assert_eq!(tenant.irsactl(BOOTSTRAP).json()["changes"], 1, "{drift}");
        assert_eq!(tenant.changes()[before..], [repair], "{drift}");
    }
    assert_eq!(tenant.irsactl(BOOTSTRAP).json()["changes"], 0);
}

#[test]
fn a_failure_part_way_says_what_is_done_and_the_next_run_goes_on() {
    let tenant = Tenant::with_key().named();
    tenant.fail_next(
        "PutBucketPolicy",
        1,
        403,
        "AccessDenied",
        "no\u{202e}\n::error::way",
    );
    let failed = tenant.irsactl(BOOTSTRAP);
    assert!(!failed.stderr.contains('\u{202e}'), "{failed:#?}");
    assert!(!failed.stderr.contains("\n::error"), "{failed:#?}");
    failed.fails(
        5,
        &[
            "done       + bucket",
            "failed     + bucket policy",
            "not tried  + object",
            "s3:PutBucketPolicy: AccessDenied: no\\u{202e}\\n::error::way",
            "hint: grant s3:PutBucketPolicy",
        ],
    );
    assert_eq!(tenant.irsactl(BOOTSTRAP).json()["changes"], 4);
    let created = tenant
        .changes()
        .iter()
        .filter(|call| *call == "s3:CreateBucket")
        .count();
    assert_eq!(created, 1);
    assert_eq!(tenant.irsactl(BOOTSTRAP).json()["changes"], 0);
}

#[test]
fn a_failure_of_the_first_change_is_not_an_interruption() {
    let tenant = Tenant::with_key().named();
    tenant.fail_next("CreateBucket", 1, 403, "AccessDenied", "no");
    tenant.irsactl(BOOTSTRAP).fails(
        77,
        &["cannot create bucket", "s3:CreateBucket: AccessDenied"],
    );
    tenant.fail_next("CreateBucket", 1, 409, "BucketAlreadyExists", "taken");
    tenant
        .irsactl(BOOTSTRAP)
        .fails(1, &["BucketAlreadyExists", "--bucket"]);
}

#[test]
fn not_yet_is_waited_for_within_the_timeout() {
    let tenant = Tenant::with_key().named();
    tenant.fail_next(
        "PutPublicAccessBlock",
        2,
        409,
        "OperationAborted",
        "A conflicting conditional operation",
    );
    tenant.fail_next(
        "PutBucketPolicy",
        1,
        404,
        "NoSuchBucket",
        "The specified bucket does not exist",
    );
    tenant.fail_next(
        "PutBucketPolicy",
        1,
        403,
        "AccessDenied",
        "prevented by the BlockPublicPolicy setting",
    );
    tenant.fail_next(
        "PutObject",
        1,
        409,
        "ConditionalRequestConflict",
        "conflict",
    );
    tenant.fail_next(
        "CreateOpenIDConnectProvider",
        1,
        409,
        "ConcurrentModification",
        "wait",
    );
    assert_eq!(tenant.irsactl(BOOTSTRAP).json()["changes"], 6);

    let tenant = Tenant::with_key().named();
    tenant.fail_next(
        "PutPublicAccessBlock",
        1000,
        409,
        "OperationAborted",
        "conflict",
    );
    let start = std::time::Instant::now();
    tenant
        .irsactl("bootstrap --cluster demo --yes --timeout 2")
        .fails(5, &["OperationAborted", "not tried"]);
    assert!(start.elapsed().as_secs() < 10);
}

#[test]
fn a_run_that_takes_too_long_ends_with_124() {
    let tenant = Tenant::with_key().named();
    // The SDK itself goes on trying after a throttling error.
    tenant.fail_next("GetCallerIdentity", 1000, 503, "SlowDown", "slow down");
    let mut command = tenant.command(env!("CARGO_BIN_EXE_irsactl"));
    command
        .args(["bootstrap", "--cluster", "demo", "--yes", "--timeout", "1"])
        .env("AWS_MAX_ATTEMPTS", "20");
    let run: crate::tenant::Run = command.output().unwrap().into();
    run.fails(
        124,
        &["cannot finish within 1 s", "run the same command again"],
    );
}

#[test]
fn two_clusters_share_a_bucket_under_prefixes_and_keep_each_others_statement() {
    let tenant = Tenant::with_key();
    let name = format!("shared-{}", tenant.account);
    for prefix in ["one", "t-w/o"] {
        let cluster = prefix.replace('/', "");
        let run = format!(
            "bootstrap --cluster {cluster} --bucket {name} --prefix {prefix} --yes -o json"
        );
        let answer = tenant.irsactl(&run).json();
        assert_eq!(
            answer["issuer"],
            format!("https://{name}.s3.us-west-2.amazonaws.com/{prefix}")
        );
    }
    let again = tenant.irsactl(&format!(
        "bootstrap --cluster one --bucket {name} --prefix one --yes -o json"
    ));
    assert_eq!(again.json()["changes"], 0);
    let policy: Value =
        serde_json::from_str(&tenant.call("s3", "GET", &format!("/{name}?policy"), "", ""))
            .unwrap();
    let statements = policy["Statement"].as_array().unwrap();
    assert_eq!(statements.len(), 2);
    for (statement, prefix) in statements.iter().zip(["one", "t-w/o"]) {
        assert_eq!(statement["Action"], "s3:GetObject");
        assert_eq!(
            statement["Resource"],
            serde_json::json!([
                format!("arn:aws:s3:::{name}/{prefix}/keys.json"),
                format!("arn:aws:s3:::{name}/{prefix}/.well-known/openid-configuration")
            ])
        );
    }
}

#[test]
fn published_keys_are_kept_when_another_key_is_published() {
    let (tenant, answer) = Tenant::bootstrapped();
    tenant.irsactl("keygen --dir next").ok();
    tenant
        .irsactl("publish --cluster demo --dir next --yes")
        .ok();
    let target = format!("/{}/keys.json", tenant.bucket());
    let published: Value =
        serde_json::from_str(&tenant.call("s3", "GET", &target, "", "")).unwrap();
    let kids: Vec<&str> = published["keys"]
        .as_array()
        .unwrap()
        .iter()
        .map(|key| key["kid"].as_str().unwrap())
        .collect();
    let next = tenant.kid("next/sa-signer.pub");
    assert_eq!(kids.len(), 2);
    assert!(kids.is_sorted());
    assert!(kids.contains(&next.as_str()) && kids.contains(&answer["kid"].as_str().unwrap()));
    let put = tenant
        .log()
        .into_iter()
        .rfind(|entry| entry["operation"] == "PutObject")
        .unwrap();
    assert!(put["headers"]["if-match"].is_string(), "{put}");
    // The first cluster's own run keeps the second key too.
    assert_eq!(tenant.irsactl(BOOTSTRAP).json()["changes"], 0);
}

#[test]
fn the_issuer_and_the_arn_follow_the_region() {
    for (region, partition, suffix) in [
        ("us-east-1", "aws", "amazonaws.com"),
        ("eu-central-1", "aws", "amazonaws.com"),
        ("cn-north-1", "aws-cn", "amazonaws.com.cn"),
        ("us-gov-west-1", "aws-us-gov", "amazonaws.com"),
        ("eusc-de-east-1", "aws-eusc", "amazonaws.eu"),
    ] {
        let tenant = Tenant::in_region(region);
        let host = format!("{}.s3.{region}.{suffix}", tenant.bucket());
        let answer = tenant.irsactl(BOOTSTRAP).json();
        assert_eq!(answer["issuer"], format!("https://{host}"));
        assert_eq!(
            answer["provider_arn"],
            format!(
                "arn:{partition}:iam::{}:oidc-provider/{host}",
                tenant.account
            )
        );
        assert_eq!(tenant.irsactl(BOOTSTRAP).json()["changes"], 0, "{region}");
    }
}

#[test]
fn the_provider_gets_the_audiences_thumbprint_and_tags_that_are_asked() {
    let tenant = Tenant::with_key();
    let bootstrap = format!("{BOOTSTRAP} --tag team=platform");
    tenant.irsactl(&bootstrap).json();
    let thumbprint = "0123456789abcdef0123456789abcdef01234567";
    let provider = format!(
        "provider --cluster demo --audience one --audience two --thumbprint {thumbprint} --tag team=core --yes -o json"
    );
    let before = tenant.changes().len();
    let answer = tenant.irsactl(&provider).json();
    assert_eq!(answer["thumbprints"], serde_json::json!([thumbprint]));
    assert_eq!(
        tenant.changes()[before..],
        [
            "iam:TagOpenIDConnectProvider",
            "iam:AddClientIDToOpenIDConnectProvider",
            "iam:AddClientIDToOpenIDConnectProvider",
            "iam:RemoveClientIDFromOpenIDConnectProvider",
            "iam:UpdateOpenIDConnectProviderThumbprint",
        ]
    );
    assert_eq!(tenant.irsactl(&provider).json()["changes"], 0);
    // By default an audience that somebody added is kept, and said.
    let kept = tenant.irsactl("provider --cluster demo --no-thumbprint --tag team=core --dry-run");
    assert!(
        kept.stdout.contains("also accepts audience \"one\""),
        "{kept:#?}"
    );
    assert!(
        kept.stdout
            .contains("plan: 1 to create, 0 to update, 0 to remove"),
        "{kept:#?}"
    );
}

#[test]
fn iam_reads_the_thumbprint_itself_when_it_is_left_to_it() {
    let tenant = Tenant::with_key();
    let answer = tenant
        .irsactl(&format!("{BOOTSTRAP} --no-thumbprint"))
        .json();
    let own = tenant.irsactl("thumbprint --cluster demo").ok();
    assert_eq!(answer["thumbprints"], serde_json::json!([own.trim()]));
    assert_eq!(tenant.irsactl(BOOTSTRAP).json()["changes"], 0);
}

#[test]
fn an_overridden_endpoint_is_used_path_style_for_every_service() {
    let mut tenant = Tenant::with_key();
    tenant.offline.environment.remove("HTTPS_PROXY");
    tenant
        .offline
        .environment
        .insert("AWS_ENDPOINT_URL", Tenant::endpoint().to_owned());
    let run = tenant.irsactl(
        "bootstrap --cluster demo --yes --thumbprint 0123456789abcdef0123456789abcdef01234567",
    );
    assert!(
        run.stderr
            .contains(&format!("endpoint  {}", Tenant::endpoint())),
        "{run:#?}"
    );
    run.ok();
    assert_eq!(tenant.changes().len(), 6);
    assert!(
        tenant
            .log()
            .iter()
            .all(|entry| entry["host"] == "127.0.0.1")
    );
}
