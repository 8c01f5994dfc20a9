//! What goes wrong on the way: refused calls, AWS's "not yet", and a deadline.

use std::process::Stdio;
use std::time::{Duration, Instant};

use crate::support::tenant::{Run, Tenant};

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
    let start = Instant::now();
    tenant
        .irsactl("bootstrap --cluster demo --yes --timeout 6")
        .fails(
            124,
            &[
                "OperationAborted",
                "AWS says OperationAborted: trying again",
                "not tried",
            ],
        );
    assert!(start.elapsed().as_secs() < 60);
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

#[test]
fn an_organization_that_forbids_public_policies_is_named() {
    let tenant = Tenant::with_key().named();
    let message =
        "public policies are prevented by the BlockPublicPolicy setting in S3 Block Public Access.";
    tenant.fail_next("PutBucketPolicy", 1000, 403, "AccessDenied", message);
    tenant
        .irsactl(&format!("{BOOTSTRAP} --timeout 6"))
        .fails(124, &["BlockPublicPolicy", "so the organization's"]);
}

#[test]
fn the_time_can_run_out_while_reading_back() {
    let tenant = Tenant::with_key().named();
    tenant.fail_next(
        "GetBucketTagging",
        1000,
        404,
        "NoSuchBucket",
        "The specified bucket does not exist",
    );
    tenant
        .irsactl(&format!("{BOOTSTRAP} --timeout 6"))
        .fails(124, &["waiting for AWS: cannot read the tags"]);
    assert_eq!(tenant.changes().len(), 6);
}

#[test]
fn a_hint_names_the_permission_and_not_the_operation() {
    let tenant = Tenant::with_key().named();
    tenant.fail_next("PutPublicAccessBlock", 1, 403, "AccessDenied", "no");
    tenant
        .irsactl(BOOTSTRAP)
        .fails(5, &["hint: grant s3:PutBucketPublicAccessBlock"]);
    tenant.fail_next(
        "PutPublicAccessBlock",
        1,
        403,
        "AccessDenied",
        "with an explicit deny in a service control policy",
    );
    tenant
        .irsactl(BOOTSTRAP)
        .fails(77, &["a policy of the organization"]);
}

#[test]
fn a_signal_during_the_last_call_counts_too() {
    let tenant = Tenant::with_key().named();
    tenant.delay_next("CreateOpenIDConnectProvider", 2);
    let run = signalled(&tenant, "TERM", 1, || tenant.changes().len() == 5);
    run.fails(143, &["finishing the call in hand"]);
    assert_eq!(tenant.changes().len(), 6);
    tenant.irsactl(BOOTSTRAP).ok();
}

#[test]
fn a_failed_read_back_is_an_interruption() {
    let tenant = Tenant::with_key().named();
    // The last change takes a while: what is read after it is read back.
    tenant.delay_next("CreateOpenIDConnectProvider", 2);
    let begun = || match tenant.changes().len() {
        5 => {
            tenant.fail_next("GetObject", 10, 403, "AccessDenied", "no");
            true
        }
        _ => false,
    };
    signalled(&tenant, "TERM", 0, begun).fails(5, &["s3:GetObject: AccessDenied"]);
    assert_eq!(tenant.changes().len(), 6);
}

#[test]
fn a_signal_finishes_the_call_in_hand_and_says_what_is_done() {
    for (signal, code) in [("INT", 130), ("TERM", 143)] {
        let tenant = Tenant::with_key().named();
        // AWS says "not yet" for as long as it is asked: the run is in the middle of its changes.
        tenant.fail_next("PutBucketPolicy", 8, 409, "OperationAborted", "conflict");
        // After some tries the pauses are long enough for two signals.
        let waiting = || tries(&tenant) >= 3;
        let run = signalled(&tenant, signal, 1, waiting);
        run.fails(
            code,
            &[
                "finishing the call in hand",
                "done       + bucket s3",
                "not tried  + object",
                "run the same command again",
            ],
        );
        tenant.irsactl(BOOTSTRAP).ok();

        let tenant = Tenant::with_key().named();
        tenant.fail_next("PutBucketPolicy", 8, 409, "OperationAborted", "conflict");
        let waiting = || tries(&tenant) >= 3;
        let run = signalled(&tenant, signal, 2, waiting);
        // The list is what the orderly end prints.
        assert!(!run.stderr.contains("not tried"), "{run:#?}");
        run.fails(
            code,
            &["again to leave at once", "run the same command again"],
        );
    }
}

/// Runs bootstrap and sends a signal, so many times, when it is time.
fn signalled(tenant: &Tenant, signal: &str, times: usize, now: impl Fn() -> bool) -> Run {
    let mut command = tenant.command(env!("CARGO_BIN_EXE_irsactl"));
    command.args(["bootstrap", "--cluster", "demo", "--yes"]);
    let child = command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let start = Instant::now();
    while !now() {
        assert!(start.elapsed() < Duration::from_secs(30));
        std::thread::sleep(Duration::from_millis(20));
    }
    for _ in 0..times {
        tenant.shell(&format!("kill -{signal} {}", child.id()));
        std::thread::sleep(Duration::from_millis(50));
    }
    child.wait_with_output().unwrap().into()
}

fn tries(tenant: &Tenant) -> usize {
    let changes = tenant.changes();
    changes
        .iter()
        .filter(|call| *call == "s3:PutBucketPolicy")
        .count()
}

#[test]
fn an_answer_that_cannot_be_written_is_no_run_without_changes() {
    let tenant = Tenant::with_key();
    let line = format!(
        "{} bootstrap --cluster demo --yes > /dev/full",
        env!("CARGO_BIN_EXE_irsactl")
    );
    let mut shell = tenant.command("sh");
    let full: Run = shell.args(["-c", &line]).output().unwrap().into();
    assert_eq!(full.code, 5, "{full:#?}");
    assert!(full.stderr.contains("cannot write to standard output"));
    let line = format!("{} --help > /dev/full", env!("CARGO_BIN_EXE_irsactl"));
    let mut shell = tenant.command("sh");
    assert_eq!(shell.args(["-c", &line]).status().unwrap().code(), Some(1));
}
