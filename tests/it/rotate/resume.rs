//! Rotations that were cut, begun twice, or begun by two at once.

use std::fs;
use std::process::Stdio;

use serde_json::{Value, json};

use crate::rotate::{NAMES, install, kids};
use crate::support::tenant::{Run, Tenant};

/// A run that is cut after its write was committed: what the next step speaks of is there.
#[test]
fn a_cut_after_publishing_leaves_no_step_without_its_files() {
    let tenant = Tenant::bootstrapped().0.named();
    tenant.delay_next("PutObject", 4);
    tenant
        .irsactl(&format!("rotate prepare {NAMES} --yes --timeout 3"))
        .fails(124, &["time is up"]);
    std::thread::sleep(std::time::Duration::from_secs(2));
    assert_eq!(kids(&tenant).len(), 2);
    let answer = tenant
        .irsactl(&format!("rotate activate {NAMES} --single-node -o json"))
        .json();
    install(&tenant, &answer);
    let served = tenant
        .irsactl("jwks --public-key node/sa-signer.pub -o json")
        .json();
    let signing = tenant
        .irsactl("jwks --public-key node/sa-signer.key -o json")
        .json();
    assert_eq!(served["keys"].as_array().unwrap().len(), 2);
    assert!(
        served["keys"]
            .as_array()
            .unwrap()
            .contains(&signing["keys"][0])
    );
}

/// Each place where a run can be cut: the next one goes on with the same key, and never makes a third.
#[test]
fn a_cut_run_is_gone_on_with() {
    let tenant = Tenant::bootstrapped().0.named();
    let prepare = format!("rotate prepare {NAMES} --yes -o json");
    tenant.fail_next("PutObject", 1, 403, "AccessDenied", "no");
    tenant.irsactl(&prepare).fails(77, &["AccessDenied"]);
    let keys = || {
        tenant
            .shell("cd issuer; ls sa-signer-*.key")
            .trim()
            .to_owned()
    };
    let first = keys();
    fs::remove_file(tenant.path("issuer/rotation.json")).unwrap();
    let prepared = tenant.irsactl(&prepare).json();
    assert_eq!(
        first,
        format!("sa-signer-{}.key", prepared["new"].as_str().unwrap())
    );
    assert_eq!(keys(), first);

    // Cut after the rotation was claimed, before its key was written: nobody has that key.
    let other = Tenant::bootstrapped().0;
    let claim = json!({
        "format_version": 1, "issuer": format!("https://{}.s3.us-west-2.amazonaws.com", other.bucket()),
        "old": kids(&other)[0], "new": "never-written-".to_owned() + &"x".repeat(29),
    });
    other.write("issuer/rotation.json", claim.to_string());
    let prepared = other.irsactl(&prepare).json();
    assert!(!prepared["new"].as_str().unwrap().starts_with("never"));
    assert_eq!(kids(&other).len(), 2);

    // Cut between the renames of an activation.
    let new = prepared["new"].as_str().unwrap();
    let mut state: Value =
        serde_json::from_slice(&fs::read(other.path("issuer/rotation.json")).unwrap()).unwrap();
    state["activated"] = json!(1);
    other.write("issuer/rotation.json", state.to_string());
    let old = state["old"].as_str().unwrap();
    other.shell(&format!(
        "cd issuer; mv sa-signer.key sa-signer-{old}.key; mv sa-signer.pub sa-signer-{old}.pub"
    ));
    other.irsactl(&format!("rotate activate {NAMES}")).ok();
    assert_eq!(other.irsactl("keygen").ok().trim(), new);
    other
        .irsactl(&format!("rotate retire {NAMES} --yes --assume-done"))
        .ok();
    assert_eq!(kids(&other), [new]);
}

#[test]
fn of_two_runs_at_once_one_wins() {
    let tenant = Tenant::bootstrapped().0.named();
    let prepare = format!("rotate prepare {NAMES} --yes -o json");
    tenant.delay_next("PutObject", 4);
    let mut first = tenant.command(env!("CARGO_BIN_EXE_irsactl"));
    first
        .args(prepare.split(' '))
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let first = first.spawn().unwrap();
    while !tenant.path("issuer/rotation.json").exists() {
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
    // The same directory: it goes on with the same key. Another machine: it loses the write.
    tenant.shell("mkdir -m 700 other; cp -p issuer/sa-signer.key issuer/sa-signer.pub other");
    let second = tenant.irsactl(&format!("{prepare} --dir other")).json();
    let first = Run::from(first.wait_with_output().unwrap());
    first.fails(4, &["PreconditionFailed", "somebody else published"]);
    assert_eq!(kids(&tenant).len(), 2);
    assert!(kids(&tenant).contains(&second["new"].as_str().unwrap().to_owned()));
}

#[test]
fn a_rotation_that_is_begun_twice_is_still_of_the_clusters_own_key() {
    let tenant = Tenant::with_key();
    tenant.shell("mkdir control-plane; mv issuer/sa-signer.* control-plane");
    tenant
        .irsactl("bootstrap --cluster demo --adopt-key control-plane/sa-signer.pub --yes")
        .ok();
    tenant
        .irsactl("rotate prepare --cluster demo --key-only")
        .ok();
    let prepare = "rotate prepare --cluster demo --yes --adopt -o json";
    let prepared = tenant.irsactl(prepare).json();
    // What is next takes nothing over.
    let next = prepared["next"].as_str().unwrap();
    assert!(next.contains("rotate activate --cluster demo") && !next.contains("--adopt"));
    let accept = tenant
        .irsactl("rotate activate --cluster demo --single-node -o json")
        .json();
    let flags = accept["flags"].as_array().unwrap();
    assert!(!flags.is_empty(), "{accept:#}");
}
