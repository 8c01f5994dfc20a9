//! `migrate`: in every form no stage refuses a token that the stage before it gave out.

pub(crate) mod cluster;
pub(crate) mod evidence;
pub(crate) mod state;

use std::fs;
use std::os::unix::fs::PermissionsExt;

use serde_json::Value;

use crate::cluster::merge_rules::{DEFAULT, Flag, in_effect, values};
use crate::support::tenant::{Offline, Run};

/// Sorts behind every other issuer here, so whoever sorts by value signs with another.
pub(crate) const NEW: &str = "https://zoo.s3.us-west-2.amazonaws.com";
const OTHER: &str = "https://older.example";
const NEW_KEY: &str = "/etc/kubernetes/pki/irsa/sa-signer";
pub(crate) const WITH_OLD_KEY: &str = " --existing-public-key /keys/old.pub";

pub(crate) const STATE: &str = "issuer/migration.json";

/// A directory with a key.
pub(crate) fn work() -> Offline {
    let work = Offline::new();
    work.irsactl("keygen").ok();
    work
}

pub(crate) fn start(work: &Offline, options: &str) -> Run {
    let command = format!("migrate start --issuer {NEW} --existing-issuer {DEFAULT}");
    work.irsactl(&format!("{command} {options}"))
}

pub(crate) fn state(work: &Offline) -> String {
    fs::read_to_string(work.path(STATE)).unwrap()
}

pub(crate) fn stage_of(work: &Offline) -> String {
    let state: Value = serde_json::from_str(&state(work)).unwrap();
    state["stage"].as_str().unwrap().to_owned()
}

fn flags_of(work: &Offline, format: &str, answer: &Value) -> Vec<Flag> {
    in_effect(work, format, answer["text"].as_str().unwrap())
}

fn contains(flags: &[Flag], name: &str, value: &str) -> bool {
    values(flags, name).contains(&value)
}

/// From stage to stage, and back: whatever signs in one is accepted in the next.
fn walk(format: &str, options: &str, has_new_key: bool) {
    let case = format!("{format}{options}");
    let work = work();
    let first = start(&work, &format!("--format {format}{options} -o json"));
    let add = first.json();
    assert_eq!(add["stage"], "add", "{case}");
    let flags = flags_of(&work, format, &add);
    let issuers = values(&flags, "service-account-issuer");
    assert_eq!(issuers[0], DEFAULT, "{case}");
    assert!(issuers.contains(&NEW), "{case}: {issuers:?}");
    let signing = values(&flags, "service-account-signing-key-file");
    assert!(
        !signing.iter().any(|path| path.contains("irsa")),
        "{case}: {signing:?}"
    );
    let public = format!("{NEW_KEY}.pub");
    assert_eq!(
        contains(&flags, "service-account-key-file", &public),
        has_new_key,
        "{case}"
    );
    assert!(
        !flags
            .iter()
            .any(|(name, _)| name == "service-account-jwks-uri"),
        "{case}"
    );
    let audiences = values(&flags, "api-audiences").join(",");
    // k0s has its own, with another issuer.
    let has_old = audiences.is_empty() || audiences.contains(DEFAULT) || format == "k0s";
    assert!(has_old, "{case}: {audiences}");

    let swap = work.irsactl("migrate next --assume-done -o json").json();
    let flags = flags_of(&work, format, &swap);
    let issuers = values(&flags, "service-account-issuer");
    assert_eq!(issuers[0], NEW, "{case}");
    assert!(issuers.contains(&DEFAULT), "{case}: {issuers:?}");
    if has_new_key {
        let signing = values(&flags, "service-account-signing-key-file");
        assert_eq!(
            signing.last(),
            Some(&format!("{NEW_KEY}.key").as_str()),
            "{case}"
        );
        assert!(
            contains(&flags, "service-account-key-file", &public),
            "{case}"
        );
        assert!(
            values(&flags, "service-account-key-file").len() > 1,
            "the old key is lost: {case}"
        );
    }

    let wait = work.irsactl("migrate next --assume-done -o json").json();
    assert_eq!(
        (&wait["stage"], &wait["flags"]),
        (&"wait".into(), &swap["flags"]),
        "{case}"
    );
    assert_eq!(wait["text"], swap["text"]);
    let drop = work.irsactl("migrate next --drop --assume-done -o json");
    if format == "static-pod" {
        drop.fails(4, &["cannot drop an issuer in the form static-pod"]);
        assert_eq!(stage_of(&work), "wait");
        return;
    }
    let drop = drop.json();
    let flags = flags_of(&work, format, &drop);
    assert_eq!(values(&flags, "service-account-issuer"), [NEW], "{case}");
    // Token Secrets never expire.
    let keys = values(&flags, "service-account-key-file");
    assert!(!has_new_key || keys.len() > 1, "{case}: {keys:?}");
    let audiences = values(&flags, "api-audiences").join(",");
    // k0s has its own, with another issuer.
    let has_old = audiences.is_empty() || audiences.contains(DEFAULT) || format == "k0s";
    assert!(has_old, "{case}: {audiences}");

    for expected in [&wait, &swap, &add] {
        let back = work.irsactl("migrate back -o json").json();
        for field in ["stage", "text", "flags", "see", "next", "back"] {
            assert_eq!(back[field], expected[field], "{case}");
        }
    }
    let before = state(&work);
    work.irsactl("migrate back")
        .fails(4, &["it is the first one", "rm issuer/migration.json"]);
    assert_eq!(state(&work), before);
}

#[test]
fn no_stage_refuses_what_the_one_before_gave_out_in_any_form() {
    for format in [
        "flags",
        "static-pod",
        "kubeadm",
        "kubeadm --kubernetes-version 1.35.0",
        "kubeadm --kubernetes-version 1.30.14",
        "k3s",
        "rke2",
        "k0s",
        "microk8s",
        "kubespray",
    ] {
        walk(format, WITH_OLD_KEY, true);
        walk(format, " --keep-key", false);
    }
    for format in [
        "kubeadm --kubernetes-version 1.35.0",
        "k3s",
        "kubespray",
        "k0s",
    ] {
        walk(format, &format!(" --existing-issuer {OTHER}"), true);
    }
    for format in [
        "cluster-api --cluster demo",
        "cluster-api --cluster demo --cluster-api-version v1beta1",
        "talos",
        "talos --talos-version 1.13",
        "kops",
    ] {
        walk(format, " --keep-key", false);
    }
}

#[test]
fn k3s_signs_with_the_first_existing_issuer_wherever_its_own_is_among_them() {
    for (existing, expected) in [
        (vec![DEFAULT, OTHER], vec![DEFAULT, OTHER, NEW]),
        (vec![OTHER, DEFAULT], vec![OTHER, DEFAULT, NEW]),
        (vec![OTHER], vec![OTHER, NEW]),
    ] {
        let work = work();
        let existing = existing
            .iter()
            .map(|issuer| format!(" --existing-issuer {issuer}"));
        let existing: String = existing.collect();
        let run = work.irsactl(&format!(
            "migrate start --issuer {NEW}{existing} --format k3s"
        ));
        let flags = in_effect(&work, "k3s", &run.ok());
        assert_eq!(values(&flags, "service-account-issuer"), expected);
    }
}

#[test]
fn the_text_is_a_file_with_its_explanation_and_the_state_holds_no_secret() {
    let work = work();
    let run = start(&work, "--format kubeadm -vvv");
    assert!(
        run.stderr
            .contains("put sa-signer.key (mode 0600, owner root)"),
        "{run:#?}"
    );
    let text = run.ok();
    for (stage, count, what) in [
        ("add", 1, "the existing one still signs"),
        ("swap", 2, "the new issuer signs"),
        ("wait", 3, "serviceaccount_stale_tokens_total"),
        ("drop", 4, "optional"),
    ] {
        let text = match stage {
            "add" => text.clone(),
            "drop" => {
                let run = work.irsactl("migrate next --assume-done --drop");
                assert!(
                    run.stderr.contains("warning: once this is rolled out"),
                    "{run:#?}"
                );
                run.ok()
            }
            _ => work.irsactl("migrate next --assume-done").ok(),
        };
        assert_eq!(work.irsactl("migrate status").ok(), text);
        assert!(
            text.starts_with(&format!("# Stage:   {stage}, {count} of 4: ")),
            "{text}"
        );
        assert!(text.contains(what), "{text}");
        for label in [
            "# From: ",
            "# To: ",
            "# Since: ",
            "# See: ",
            "# Next: ",
            "# Back: ",
            "# Restart: ",
        ] {
            assert!(text.contains(label), "no {label} in {text}");
        }
        let mut comment = text.lines().filter(|line| line.starts_with('#'));
        assert!(comment.all(|line| line.len() <= 110), "{text}");
    }
    let state = state(&work);
    let key = fs::read_to_string(work.path("issuer/sa-signer.key")).unwrap();
    let mut lines = key.lines().filter(|line| line.len() == 64);
    assert!(lines.all(|line| !state.contains(line)));
    let state: Value = serde_json::from_str(&state).unwrap();
    assert_eq!(state["format_version"], "1.0");
    assert_eq!(
        state["migration"]["key"]["kid"],
        work.kid("issuer/sa-signer.pub")
    );
    let mode = fs::metadata(work.path(STATE)).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o644);
}

#[test]
fn one_control_plane_node_and_openshift_begin_with_the_swap() {
    for options in [
        "--single-node --format k3s",
        "--format openshift --keep-key",
    ] {
        let work = work();
        let answer = start(&work, &format!("{options} -o json")).json();
        assert_eq!(answer["stage"], "swap");
        let back = work.irsactl("migrate back -o json");
        match options.contains("openshift") {
            true => back.fails(4, &["cannot accept a second issuer"]),
            // Not to where the tokens of the new issuer are refused.
            false => assert_eq!(back.json()["stage"], "add"),
        }
    }
}
