//! What goes wrong on the way: refused calls, AWS's "not yet", and a deadline.

use crate::tenant::{Run, Tenant};

const BOOTSTRAP: &str = "bootstrap --cluster demo --yes -o json";

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
    let run: Run = command.output().unwrap().into();
    run.fails(
        124,
        &["cannot finish within 1 s", "run the same command again"],
    );
}
