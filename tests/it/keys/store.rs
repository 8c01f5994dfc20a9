//! The signing key in a store of AWS: what one job has put there, the next one finds, on a disk that has
//! nothing.

pub(crate) mod forged;
pub(crate) mod kind;
pub(crate) mod owner;
pub(crate) mod policy;
pub(crate) mod refusals;
pub(crate) mod resume;
pub(crate) mod rotate;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::{Child, Stdio};

use serde_json::json;

pub(crate) use crate::keys::store::kind::{Kind, STORES, Tags, lose_disk};
use crate::support::tenant::{Run, Tenant};

fn is_there(tenant: &Tenant) -> bool {
    tenant.path("issuer").exists()
}

#[test]
fn every_command_works_with_the_key_that_another_job_has_made() {
    for store in STORES {
        let tenant = Tenant::new();
        let options = store.options();
        let run = |command: &str| tenant.irsactl(&format!("{command} {options}"));
        let made = run("keygen -o json").json();
        assert_eq!(made["created"], true);
        let arn = made["key_store"].as_str().unwrap().to_owned();
        assert!(arn.contains("irsactl/demo/signing-key"), "{arn}");
        let key = fs::read_to_string(tenant.path("issuer/sa-signer.key")).unwrap();
        assert_eq!(store.value(&tenant, ""), key);

        // What only reads leaves nothing on the disk.
        lose_disk(&tenant);
        let plan = run("bootstrap --dry-run -o json").json();
        assert!(
            plan["notes"]
                .as_array()
                .unwrap()
                .iter()
                .any(|note| note.as_str().unwrap().contains(&arn)),
            "{plan}"
        );
        let set = run("jwks").ok();
        assert!(set.contains(made["kid"].as_str().unwrap()), "{set}");
        run("token mint --out token").ok();
        assert!(!is_there(&tenant));
        tenant.irsactl("keygen --dir other").ok();
        let other = tenant.irsactl("token decode token --public-key other/sa-signer.pub");
        assert_eq!(other.code, 3, "{other:#?}");

        let issuer = run("bootstrap --yes -o json").json();
        assert_eq!(
            (&issuer["kid"], &issuer["key_store"]),
            (&made["kid"], &json!(arn))
        );
        let path = tenant.path("issuer/sa-signer.key");
        assert_eq!(fs::read_to_string(&path).unwrap(), key);
        assert_eq!(
            fs::metadata(&path).unwrap().permissions().mode() & 0o777,
            0o600
        );
        tenant
            .irsactl("token decode token --public-key issuer/sa-signer.pub")
            .ok();

        lose_disk(&tenant);
        assert!(run("bootstrap --yes").stderr.contains("no changes"));
        assert!(is_there(&tenant));
        lose_disk(&tenant);
        let again = run("keygen -o json").json();
        assert_eq!(
            (&again["kid"], &again["created"]),
            (&made["kid"], &json!(false))
        );
        lose_disk(&tenant);
        let verified = run("verify").ok();
        let line = format!(
            "pass     signing key published: {}",
            made["kid"].as_str().unwrap()
        );
        assert!(verified.contains(&line), "{verified}");
        assert!(!is_there(&tenant));
        let destroyed = run("destroy --confirm demo");
        assert!(
            destroyed
                .stderr
                .contains(&format!("delete it: aws --region us-west-2 {}", store.flag)),
            "{destroyed:#?}"
        );
        destroyed.ok();
        assert_eq!(store.value(&tenant, ""), key);
        // Marked as its issuer's, once that was known.
        assert_eq!(store.changes(&tenant), [store.put, store.tag]);
    }
}

#[test]
fn a_bootstrap_makes_the_key_and_a_dry_run_none() {
    for store in STORES {
        let tenant = Tenant::new();
        let options = store.options();
        let run = |command: &str| tenant.irsactl(&format!("{command} {options}"));
        let hint = format!("irsactl keygen {options}");
        run("bootstrap --dry-run").fails(4, &["there is no key file", &hint]);
        run("jwks").fails(4, &[&hint]);
        assert!(tenant.changes().is_empty() && !is_there(&tenant));
        let issuer = run("bootstrap --yes -o json").json();
        assert_eq!(issuer["changes"], 7);
        assert_eq!(tenant.changes()[0], format!("{}:{}", store.flag, store.put));
        let key = fs::read_to_string(tenant.path("issuer/sa-signer.key")).unwrap();
        assert_eq!(store.value(&tenant, ""), key);

        // A directory that has a key, and a store that has none.
        let other = Tenant::with_key();
        let run = |command: &str| other.irsactl(&format!("{command} {options}"));
        let plan = run("bootstrap --dry-run").ok();
        let note = format!(
            "will be kept in {}",
            if store.flag == "ssm" {
                "SSM"
            } else {
                "Secrets"
            }
        );
        assert!(plan.contains(&note), "{plan}");
        assert!(other.changes().is_empty());
        let calls = other.log().len();
        let offline = format!(
            "bootstrap --dry-run --offline --account-id {}",
            other.account
        );
        assert!(run(&offline).ok().contains("was not looked at"));
        assert_eq!(other.log().len(), calls);
        run("bootstrap --yes").ok();
        let key = fs::read_to_string(other.path("issuer/sa-signer.key")).unwrap();
        assert_eq!(store.value(&other, ""), key);
    }
}

#[test]
fn the_largest_key_fits() {
    for store in STORES {
        let tenant = Tenant::new();
        let options = store.options();
        tenant
            .irsactl(&format!("keygen --bits 4096 {options}"))
            .ok();
        assert!(store.value(&tenant, "").len() > 3200);
    }
}

#[test]
fn the_cluster_file_names_the_store() {
    let tenant = Tenant::new();
    let file = |store: &str| {
        format!(
            "apiVersion: irsactl/v1alpha1\nkind: Cluster\nmetadata: {{name: demo}}\nspec: {{keys: {{store: {store}}}}}\n"
        )
    };
    tenant.write("irsactl.yaml", file("ssm"));
    let values = tenant.irsactl("config print --config irsactl.yaml").ok();
    assert!(values.contains("file spec.keys.store"), "{values}");
    tenant.irsactl("keygen --config irsactl.yaml").ok();
    assert!(STORES[1].value(&tenant, "").contains("PRIVATE KEY"));
    lose_disk(&tenant);
    tenant.irsactl("bootstrap --config irsactl.yaml --yes").ok();
    tenant
        .irsactl("jwks --config irsactl.yaml --key-store file --dir none")
        .fails(4, &["none/sa-signer"]);
    tenant.write("irsactl.yaml", file("vault"));
    tenant.irsactl("keygen --config irsactl.yaml").fails(
        64,
        &[
            "cannot use 'vault' as spec.keys.store",
            "it can be: file, secretsmanager, ssm",
        ],
    );
    tenant
        .irsactl("keygen --key-store ssm")
        .fails(64, &["give --cluster"]);
}

fn start(tenant: &Tenant, arguments: &str) -> Child {
    let mut command = tenant.command(env!("CARGO_BIN_EXE_irsactl"));
    command.args(arguments.split(' '));
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    command.spawn().unwrap()
}

#[test]
fn of_two_jobs_at_once_one_key_wins() {
    for store in STORES {
        let tenant = Tenant::new().named();
        let options = store.options();
        tenant.delay_next(store.put, 3);
        let first = start(&tenant, &format!("keygen --dir first {options}"));
        std::thread::sleep(std::time::Duration::from_secs(1));
        let kid = tenant
            .irsactl(&format!("keygen --dir second {options}"))
            .ok();
        let first: Run = first.wait_with_output().unwrap().into();
        first.fails(
            4,
            &[
                "which another run has made meanwhile",
                kid.trim(),
                "run again",
            ],
        );
        assert!(!tenant.path("first").exists());
        assert_eq!(
            tenant
                .irsactl(&format!("keygen --dir first {options}"))
                .ok(),
            kid
        );
        assert_eq!(store.changes(&tenant), [store.put]);
    }
}

/// The put is done, and nobody is told: the next run finds what is there.
#[test]
fn a_lost_answer_is_made_good_by_the_next_run() {
    for store in STORES {
        let tenant = Tenant::new().named();
        let options = store.options();
        // The first look of an account takes the local AWS a while.
        let look = tenant.irsactl(&format!("bootstrap --dry-run {options}"));
        look.fails(4, &["there is no key file"]);
        tenant.delay_next(store.put, 6);
        tenant
            .irsactl(&format!("bootstrap --yes --timeout 5 {options}"))
            .fails(124, &["cannot finish within 5 s"]);
        assert!(!is_there(&tenant));
        std::thread::sleep(std::time::Duration::from_secs(3));
        let stored = store.value(&tenant, "");
        tenant.irsactl(&format!("bootstrap --yes {options}")).ok();
        let key = fs::read_to_string(tenant.path("issuer/sa-signer.key")).unwrap();
        assert_eq!(
            (key, store.changes(&tenant)),
            (stored, vec![store.put.to_owned()])
        );

        // The SDK's own second try: of a put that was done the first says "exists", or nothing at all.
        let other = Tenant::new().named();
        other.fail_next(store.put, 1, 500, "InternalServiceError", "try again");
        other.irsactl(&format!("keygen {options}")).ok();
        assert_eq!(store.changes(&other), [store.put]);
    }
}

#[test]
fn what_fails_after_the_key_was_put_says_so() {
    for store in STORES {
        let tenant = Tenant::new().named();
        let options = store.options();
        tenant.fail_next(store.put, 1, 400, "AccessDeniedException", "no");
        tenant
            .irsactl(&format!("bootstrap --yes {options}"))
            .fails(77, &[&format!("{}:{}", store.flag, store.put), "grant"]);
        assert!(tenant.changes().iter().all(|one| one.contains(store.put)) && !is_there(&tenant));
        tenant.fail_next("CreateBucket", 1, 403, "AccessDenied", "no");
        tenant
            .irsactl(&format!("bootstrap --yes {options}"))
            .fails(5, &["s3:CreateBucket"]);
        assert!(is_there(&tenant));
        tenant.irsactl(&format!("bootstrap --yes {options}")).ok();
        assert_eq!(store.changes(&tenant), [store.put]);
    }
}
