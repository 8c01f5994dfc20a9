//! `flags --format`: the executed examples are the golden files, and what they say is checked by the
//! merge rules of each distribution.

use std::fs;

use serde_json::{Value, json};

use crate::cluster::merge_rules::{DEFAULT, in_effect, values, yaml};
use crate::support::session::{execute_offline, repository};
use crate::support::tenant::Offline;

/// Sorts behind every other issuer here, so whoever sorts by value signs with another.
const NEW: &str = "https://zoo.s3.us-west-2.amazonaws.com";
const OTHER: &str = "https://older.example";

#[test]
fn the_examples_of_the_distributions_do_what_they_show() {
    let examples = fs::read_dir(repository().join("examples/distributions")).unwrap();
    let documents: Vec<_> = examples.map(|entry| entry.unwrap().path()).collect();
    assert_eq!(documents.len(), 15);
    for document in documents {
        assert!(execute_offline(&document) > 1, "{}", document.display());
    }
}

const FORMATS: [&str; 24] = [
    "flags",
    "static-pod",
    "kubeadm",
    "kubeadm --kubernetes-version 1.35.1",
    "kubeadm --kubernetes-version 1.35",
    "kubeadm --kubernetes-version 1.35.0",
    "kubeadm --kubernetes-version v1.34.4",
    "kubeadm --kubernetes-version 1.34.3",
    "kubeadm --kubernetes-version 1.33.12",
    "kubeadm --kubernetes-version 1.31.0",
    "kubeadm --kubernetes-version 1.30.14",
    "k3s",
    "rke2",
    "k0s",
    "microk8s",
    "kubespray",
    "cluster-api --cluster demo",
    "cluster-api --cluster demo --cluster-api-version v1beta1",
    "talos",
    "talos --talos-version 1.13",
    "kops",
    "kind",
    "kind --kubernetes-version 1.35",
    "openshift",
];

/// Formats whose key is made by somebody else, or comes in by a Secret.
fn has_key_flags(format: &str) -> bool {
    let own = [
        "cluster-api",
        "talos",
        "kops",
        "kind",
        "openshift",
        "eks-anywhere",
        "typhoon",
    ];
    !own.iter().any(|name| format.starts_with(name))
}

#[test]
fn the_new_issuer_signs_and_every_old_one_stays_accepted_by_every_merge_rule() {
    let work = Offline::new();
    for format in FORMATS {
        for existing in [
            vec![],
            vec![DEFAULT],
            vec![DEFAULT, OTHER, DEFAULT],
            vec![OTHER],
        ] {
            let mut command = format!("flags --format {format} --issuer {NEW}");
            for issuer in &existing {
                command += &format!(" --existing-issuer {issuer}");
            }
            let run = work.irsactl(&command);
            let case = format!("{command}\n{run:#?}");
            if run.code == 4 {
                let one_only =
                    format.starts_with("kind") || existing.len() > 1 && format == "openshift";
                assert!(
                    one_only && !existing.is_empty() && run.stdout.is_empty(),
                    "{case}"
                );
                continue;
            }
            let flags = in_effect(&work, format, &run.ok());
            let issuers = values(&flags, "service-account-issuer");
            assert_eq!(issuers[0], NEW, "{case}");
            // Its operator keeps the current one.
            for issuer in existing.iter().filter(|_| format != "openshift") {
                assert!(
                    issuers.contains(issuer) || format == "static-pod",
                    "{issuers:?} {case}"
                );
            }
            let mut distinct = issuers.clone();
            distinct.sort_unstable();
            distinct.dedup();
            assert_eq!(
                distinct.len(),
                issuers.len(),
                "kube-apiserver: already specified\n{case}"
            );
            if has_key_flags(format) {
                let signing = values(&flags, "service-account-signing-key-file");
                assert_eq!(
                    signing.last(),
                    Some(&"/etc/kubernetes/pki/irsa/sa-signer.key"),
                    "{case}"
                );
                let keys = values(&flags, "service-account-key-file");
                assert!(
                    keys.contains(&"/etc/kubernetes/pki/irsa/sa-signer.pub"),
                    "{case}"
                );
                let is_plain = format == "flags";
                assert!(
                    existing.is_empty() || is_plain || keys.len() > 1,
                    "the old key is lost\n{case}"
                );
            }
            let audiences = values(&flags, "api-audiences").join(",");
            assert!(!audiences.contains("sts.amazonaws.com"), "{case}");
        }
    }
}

#[test]
fn what_has_one_issuer_says_so_and_gives_no_configuration() {
    let work = Offline::new();
    for (format, cause) in [
        ("eks-anywhere", "podIamConfig has one issuer"),
        ("typhoon", "service_account_issuer is one value"),
        ("kind", "only when it creates a cluster"),
        ("talos --talos-version 1.12", "its extraArgs are a map"),
    ] {
        let command = format!("flags --format {format} --issuer {NEW}");
        let flags = in_effect(&work, format, &work.irsactl(&command).ok());
        assert_eq!(values(&flags, "service-account-issuer"), [NEW]);
        let same = work.irsactl(&format!("{command} --existing-issuer {NEW}"));
        assert_eq!(same.code, 0, "{same:#?}");
        let command = format!("{command} --existing-issuer {DEFAULT}");
        work.irsactl(&command)
            .fails(4, &["cannot keep the existing issuer", cause]);
    }
}

#[test]
fn every_form_opens_with_where_it_goes_and_what_it_cannot_do() {
    let work = Offline::new();
    let more = ["eks-anywhere", "typhoon"];
    for format in FORMATS.iter().filter(|name| **name != "flags").chain(&more) {
        for existing in ["", " --existing-issuer https://older.example"] {
            let run = work.irsactl(&format!("flags --format {format} --issuer {NEW}{existing}"));
            if run.code == 4 {
                continue;
            }
            let text = run.ok();
            let comment: Vec<&str> = text
                .lines()
                .take_while(|line| line.starts_with('#'))
                .collect();
            for label in [
                "# Where: ",
                "# Files: ",
                "# Restart: ",
                "# Check: ",
                "# Limits: ",
            ] {
                let is_there = comment.iter().any(|line| line.starts_with(label));
                assert!(is_there, "no {label:?} in {format}{existing}:\n{text}");
            }
            assert!(
                comment.iter().all(|line| line.len() <= 110),
                "{format}:\n{text}"
            );
        }
    }
}

#[test]
fn audiences_stay_as_the_cluster_has_them() {
    let work = Offline::new();
    for format in FORMATS {
        let command =
            format!("flags --format {format} --issuer {NEW} --api-audience kept --api-audience b");
        let run = work.irsactl(&command);
        if format == "openshift" {
            run.fails(
                4,
                &[
                    "cannot set --api-audience",
                    "its operator sets the audiences",
                ],
            );
            continue;
        }
        let text = run.ok();
        let first = match format.starts_with("talos") || format == "kops" {
            true => yaml(&work, &text)[0].clone(),
            false => Value::Null,
        };
        match format {
            "talos" => assert_eq!(first["accepted"]["audiences"], json!(["kept", "b"])),
            "kops" => assert_eq!(
                first["spec"]["kubeAPIServer"]["apiAudiences"],
                json!(["kept", "b"])
            ),
            _ => {
                let flags = in_effect(&work, format, &text);
                assert_eq!(values(&flags, "api-audiences"), ["kept,b"], "{text}");
            }
        }
    }
    for format in ["flags", "k0s", "kubeadm"] {
        let command =
            format!("flags --format {format} --issuer {NEW} --api-audience sts.amazonaws.com");
        let run = work.irsactl(&command);
        assert!(
            run.stderr
                .contains("warning: with sts.amazonaws.com in --api-audiences"),
            "{run:#?}"
        );
        assert!(run.ok().contains("sts.amazonaws.com"));
    }
    let command = format!("flags --issuer {NEW} --api-audience a,b");
    work.irsactl(&command)
        .fails(64, &["repeat the option for several"]);
}

#[test]
fn a_cluster_that_keeps_its_key_gets_no_setting_of_a_key_in_any_form() {
    let work = Offline::new();
    let more = ["eks-anywhere", "typhoon"];
    for format in FORMATS.iter().chain(&more) {
        for existing in [vec![], vec![DEFAULT], vec![OTHER, DEFAULT]] {
            let mut command = format!("flags --format {format} --issuer {NEW} --keep-key");
            for issuer in &existing {
                command += &format!(" --existing-issuer {issuer}");
            }
            let run = work.irsactl(&command);
            if run.code == 4 && !existing.is_empty() {
                continue;
            }
            let case = format!("{command}\n{run:#?}");
            assert!(!run.stderr.contains("put sa-signer.key"), "{case}");
            let text = run.ok();
            let settings = text.lines().filter(|line| !line.starts_with('#'));
            let settings: String = settings.map(|line| format!("{line}\n")).collect();
            for word in ["key-file", "irsa", "sa-signer", "extraMounts", "olumes"] {
                assert!(!settings.contains(word), "{word} in {case}");
            }
            assert!(
                format == &"openshift" || !text.contains("sa-signer"),
                "{case}"
            );
            let mut comment = text.lines().filter(|line| line.starts_with('#'));
            assert!(comment.all(|line| line.len() <= 110), "{case}");
            let flags = in_effect(&work, format, &text);
            assert_eq!(values(&flags, "service-account-issuer")[0], NEW, "{case}");
            for name in [
                "service-account-signing-key-file",
                "service-account-key-file",
            ] {
                let own = values(&flags, name);
                assert!(own.iter().all(|path| !path.contains("irsa")), "{case}");
            }
        }
    }
    for option in [
        "--existing-public-key /a --existing-issuer b",
        "--node-dir /a",
    ] {
        let command = format!("flags --issuer {NEW} --keep-key {option}");
        work.irsactl(&command).fails(64, &["cannot be used with"]);
    }
    let run = work.irsactl(&format!("flags --issuer {NEW} --keep-key"));
    assert!(
        run.stderr.contains("warning: without --existing-issuer"),
        "{run:#?}"
    );
}
