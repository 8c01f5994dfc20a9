//! A public access block is never loosened over anything but an issuer's two documents.

use serde_json::{Value, json};

use crate::tenant::{Tenant, http};

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
        let run: crate::tenant::Run = run.wait_with_output().unwrap().into();
        match code {
            4 => run.fails(4, &["somebody else has changed it since it was looked at"]),
            _ => run.fails(
                5,
                &[
                    "statement Website",
                    "came while the public access block was loosened",
                    "put-public-access-block",
                ],
            ),
        }
        assert_eq!(anonymous(&bucket, "payroll.csv") == 403, code == 4);
    }
}
