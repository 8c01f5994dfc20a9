//! A public access block is never loosened over anything but an issuer's two documents.

use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::{Value, json};

use crate::support::tenant::{Tenant, http};

/// A bucket with files, an old statement, and all four blocks on as first aid.
fn company_bucket() -> (Tenant, String) {
    let tenant = Tenant::with_key();
    let bucket = format!("company-files-{}", tenant.account);
    let body = "<CreateBucketConfiguration><LocationConstraint>us-west-2</LocationConstraint></CreateBucketConfiguration>";
    tenant.call("s3", "PUT", &format!("/{bucket}"), "", body);
    block(&tenant, &bucket, false);
    policy(&tenant, &bucket, everything(&bucket));
    tenant.call(
        "s3",
        "PUT",
        &format!("/{bucket}/payroll/2026.csv"),
        "",
        "secret",
    );
    block(&tenant, &bucket, true);
    (tenant, bucket)
}

fn block(tenant: &Tenant, bucket: &str, on: bool) {
    let names = [
        "BlockPublicAcls",
        "IgnorePublicAcls",
        "BlockPublicPolicy",
        "RestrictPublicBuckets",
    ];
    let flags: String = names
        .iter()
        .map(|name| format!("<{name}>{on}</{name}>"))
        .collect();
    let body = format!("<PublicAccessBlockConfiguration>{flags}</PublicAccessBlockConfiguration>");
    tenant.call(
        "s3",
        "PUT",
        &format!("/{bucket}?publicAccessBlock"),
        "",
        &body,
    );
}

fn policy(tenant: &Tenant, bucket: &str, statement: Value) {
    let policy = json!({ "Version": "2012-10-17", "Statement": [statement] });
    tenant.call(
        "s3",
        "PUT",
        &format!("/{bucket}?policy"),
        "",
        &policy.to_string(),
    );
}

fn anonymous(bucket: &str, key: &str) -> u16 {
    http("GET", &format!("/{bucket}/{key}"), "", "").0
}

fn everything(bucket: &str) -> Value {
    json!({ "Sid": "Website", "Effect": "Allow", "Principal": "*", "Action": ["s3:GetObject", "s3:ListBucket"],
        "Resource": [format!("arn:aws:s3:::{bucket}/*"), format!("arn:aws:s3:::{bucket}")] })
}

#[test]
fn what_a_block_holds_back_stays_private() {
    let (tenant, bucket) = company_bucket();
    let before = tenant.changes().len();
    assert_eq!(anonymous(&bucket, "payroll/2026.csv"), 403);
    for command in ["--adopt --yes", "--adopt --dry-run", "--yes"] {
        let bootstrap =
            format!("bootstrap --cluster demo --bucket {bucket} --prefix oidc {command}");
        let words: &[&str] = match command.contains("--adopt") {
            true => &[
                "more than the two documents would become public",
                "statement Website",
                "s3:GetObject, s3:ListBucket on",
                "get-bucket-policy",
            ],
            false => &["it is not ours"],
        };
        tenant.irsactl(&bootstrap).fails(4, words);
    }
    tenant
        .irsactl(&format!("publish --bucket {bucket} --adopt --yes"))
        .fails(4, &["statement Website"]);
    assert_eq!(tenant.changes().len(), before);
    assert_eq!(anonymous(&bucket, "payroll/2026.csv"), 403);
    // Without it, the two documents come up and nothing else does.
    tenant.call("s3", "DELETE", &format!("/{bucket}?policy"), "", "");
    tenant
        .irsactl(&format!(
            "bootstrap --cluster demo --bucket {bucket} --prefix oidc --adopt --yes"
        ))
        .ok();
    assert_eq!(anonymous(&bucket, "oidc/keys.json"), 200);
    assert_eq!(anonymous(&bucket, "payroll/2026.csv"), 403);
}

/// First aid on a bucket of ours is not drift to be undone by tonight's job.
#[test]
fn a_block_that_was_switched_on_over_our_own_bucket_stays() {
    let (tenant, _) = Tenant::bootstrapped();
    let bucket = tenant.bucket();
    tenant.call(
        "s3",
        "PUT",
        &format!("/{bucket}/backup/sa-signer.key"),
        "",
        "secret",
    );
    policy(&tenant, &bucket, everything(&bucket));
    block(&tenant, &bucket, true);
    let before = tenant.changes().len();
    tenant
        .irsactl("bootstrap --cluster demo --yes")
        .fails(4, &["statement Website", "would let everybody"]);
    let report: Value =
        serde_json::from_str(&tenant.irsactl("verify --cluster demo -o json").stdout).unwrap();
    assert!(
        report.to_string().contains("statement Website"),
        "{report:#}"
    );
    assert_eq!(tenant.changes().len(), before);
    assert_eq!(anonymous(&bucket, "backup/sa-signer.key"), 403);
    // Our own statement, made wider, does not open up for a moment either.
    let mut ours = everything(&bucket);
    ours["Sid"] = json!("IrsactlPublicDocuments");
    block(&tenant, &bucket, false);
    policy(&tenant, &bucket, ours);
    block(&tenant, &bucket, true);
    tenant
        .irsactl("bootstrap --cluster demo --yes")
        .fails(4, &["statement IrsactlPublicDocuments"]);
    // A block alone is repaired, over other issuers of the bucket too.
    block(&tenant, &bucket, false);
    tenant.call("s3", "DELETE", &format!("/{bucket}?policy"), "", "");
    for prefix in ["", "--prefix other"] {
        tenant
            .irsactl(&format!("publish --cluster demo {prefix} --yes"))
            .ok();
    }
    block(&tenant, &bucket, true);
    tenant.irsactl("bootstrap --cluster demo --yes").ok();
    assert_eq!(anonymous(&bucket, "other/keys.json"), 200);
}

#[test]
fn a_plan_says_first_what_becomes_public() {
    let tenant = Tenant::with_key();
    let plan = tenant.irsactl("bootstrap --cluster demo --dry-run").ok();
    let bucket = tenant.bucket();
    let first = format!(
        "everybody will be able to read:\n  s3://{bucket}/keys.json\n  s3://{bucket}/.well-known/openid-configuration\n"
    );
    assert!(plan.starts_with(&first), "{plan}");
    let markdown = tenant
        .irsactl("bootstrap --cluster demo --dry-run -o markdown")
        .ok();
    let (before, _) = markdown.split_once("| | resource | call |").unwrap();
    assert!(
        before.contains("everybody will be able to read") && before.contains("/keys.json"),
        "{markdown}"
    );
    tenant.irsactl("bootstrap --cluster demo --yes").ok();
    let settled = tenant
        .irsactl("bootstrap --cluster demo --tag a=b --dry-run")
        .ok();
    assert!(!settled.contains("everybody"), "{settled}");
}

/// What is known by its Sid alone may be anything.
#[test]
fn a_statement_that_only_calls_itself_ours_stays_closed() {
    let (tenant, _) = Tenant::bootstrapped();
    let bucket = tenant.bucket();
    tenant.call(
        "s3",
        "PUT",
        &format!("/{bucket}/payroll/keys.json"),
        "",
        "secret",
    );
    block(&tenant, &bucket, false);
    let arn = format!("arn:aws:s3:::{bucket}/payroll/keys.json");
    policy(
        &tenant,
        &bucket,
        json!({ "Sid": "IrsactlPublicDocumentsX", "Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": arn }),
    );
    block(&tenant, &bucket, true);
    tenant.irsactl("bootstrap --cluster demo --yes").fails(
        4,
        &["statement IrsactlPublicDocumentsX", "payroll/keys.json"],
    );
    assert_eq!(anonymous(&bucket, "payroll/keys.json"), 403);
    // Another issuer that a block has taken offline comes back, and the plan says so.
    block(&tenant, &bucket, false);
    tenant.call("s3", "DELETE", &format!("/{bucket}?policy"), "", "");
    tenant
        .irsactl("publish --cluster demo --prefix other --yes")
        .ok();
    block(&tenant, &bucket, true);
    let plan = tenant.irsactl("bootstrap --cluster demo --dry-run").ok();
    let (public, _) = plan.split_once("\n\n").unwrap();
    assert!(
        public.contains(&format!("s3://{bucket}/other/keys.json")),
        "{plan}"
    );
}

/// Behind a block that is about to go, somebody puts a statement.
#[test]
fn what_comes_behind_a_block_meanwhile_is_seen() {
    for (call, nth, code) in [("GetBucketPolicy", 1, 4), ("PutPublicAccessBlock", 0, 5)] {
        let (tenant, _) = Tenant::bootstrapped();
        let tenant = tenant.named();
        let bucket = tenant.bucket();
        tenant.call("s3", "PUT", &format!("/{bucket}/payroll.csv"), "", "secret");
        let only_restricted = "<PublicAccessBlockConfiguration><BlockPublicAcls>true</BlockPublicAcls><IgnorePublicAcls>true</IgnorePublicAcls>\
            <BlockPublicPolicy>false</BlockPublicPolicy><RestrictPublicBuckets>true</RestrictPublicBuckets></PublicAccessBlockConfiguration>";
        tenant.call(
            "s3",
            "PUT",
            &format!("/{bucket}?publicAccessBlock"),
            "",
            only_restricted,
        );
        for _ in 0..nth {
            tenant.delay_next(call, 0);
        }
        tenant.delay_next(call, 4);
        let mut run = tenant.command(env!("CARGO_BIN_EXE_irsactl"));
        run.args("bootstrap --cluster demo --yes".split(' '));
        let run = run
            .stdout(std::process::Stdio::piped())
            .stderr(std::process::Stdio::piped())
            .spawn()
            .unwrap();
        std::thread::sleep(std::time::Duration::from_secs(2));
        let found = tenant.call("s3", "GET", &format!("/{bucket}?policy"), "", "");
        let mut both: Value = serde_json::from_str(&found).unwrap();
        both["Statement"]
            .as_array_mut()
            .unwrap()
            .push(everything(&bucket));
        tenant.call(
            "s3",
            "PUT",
            &format!("/{bucket}?policy"),
            "",
            &both.to_string(),
        );
        let run: crate::support::tenant::Run = run.wait_with_output().unwrap().into();
        match code {
            4 => run.fails(4, &["somebody else has changed it since it was looked at"]),
            _ => run.fails(
                5,
                &[
                    "statement Website",
                    "came while the public access block was loosened",
                    "the block is switched on again",
                ],
            ),
        }
        assert_eq!(anonymous(&bucket, "payroll.csv"), 403);
    }
}

/// Who may write the policy waits for the block to be loosened. What came behind it is closed again, though the run
/// fails, and the next one names it.
#[test]
fn what_comes_behind_a_loosened_block_is_closed_again() {
    let tenant = Tenant::with_key();
    let bucket = tenant.bucket();
    tenant.irsactl("publish --cluster demo --yes").ok();
    tenant.call("s3", "DELETE", &format!("/{bucket}?policy"), "", "");
    tenant.call("s3", "PUT", &format!("/{bucket}/payroll.csv"), "", "secret");
    block(&tenant, &bucket, true);
    let wide = json!({ "Version": "2012-10-17", "Statement": [everything(&bucket)] }).to_string();
    let authorization = format!(
        "Authorization: AWS4-HMAC-SHA256 Credential=AKIATEST{}/20260101/us-west-2/s3/aws4_request\r\n",
        tenant.account
    );
    let is_over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !is_over.load(Ordering::Relaxed) {
                http("PUT", &format!("/{bucket}?policy"), &authorization, &wide);
            }
        });
        let run = tenant.irsactl("publish --cluster demo --yes");
        is_over.store(true, Ordering::Relaxed);
        assert_eq!(run.code, 5, "{run:#?}");
        for words in ["statement Website", "the block is switched on again"] {
            assert!(run.stderr.contains(words), "no {words:?} in {run:#?}");
        }
    });
    assert_eq!(anonymous(&bucket, "payroll.csv"), 403);
    policy(
        &tenant,
        &bucket,
        json!({ "Sid": "Mine", "Effect": "Allow", "Principal": { "AWS": tenant.account },
        "Action": "s3:GetObject", "Resource": format!("arn:aws:s3:::{bucket}/*") }),
    );
    tenant.irsactl("publish --cluster demo --yes").ok();
}

/// With a public statement there, such as ours, RestrictPublicBuckets cuts off other accounts and narrow statements.
#[test]
fn what_restrict_public_buckets_cuts_off_stays_so() {
    let tenant = Tenant::with_key();
    let bucket = tenant.bucket();
    tenant.irsactl("publish --cluster demo --yes").ok();
    let text = tenant.call("s3", "GET", &format!("/{bucket}?policy"), "", "");
    let ours: Value = serde_json::from_str(&text).unwrap();
    let resource = format!("arn:aws:s3:::{bucket}/*");
    for (name, principal, condition) in [
        (
            "Partner",
            json!({ "AWS": "arn:aws:iam::999999999999:root" }),
            json!({}),
        ),
        (
            "Office",
            json!("*"),
            json!({ "IpAddress": { "aws:SourceIp": "203.0.113.0/24" } }),
        ),
    ] {
        block(&tenant, &bucket, false);
        let mut both = ours.clone();
        let statement = json!({ "Sid": name, "Effect": "Allow", "Principal": principal,
            "Action": "s3:*", "Resource": resource, "Condition": condition });
        both["Statement"].as_array_mut().unwrap().push(statement);
        tenant.call(
            "s3",
            "PUT",
            &format!("/{bucket}?policy"),
            "",
            &both.to_string(),
        );
        block(&tenant, &bucket, true);
        tenant
            .irsactl("publish --cluster demo --yes")
            .fails(4, &["cannot loosen", &format!("statement {name}")]);
    }
}
