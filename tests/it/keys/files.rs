//! `flags --secret-file`, and the options that a form does not look at.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use serde_json::Value;

use crate::cluster::merge_rules::{DEFAULT, yaml};
use crate::support::tenant::Offline;

const NEW: &str = "https://zoo.s3.us-west-2.amazonaws.com";

#[test]
fn the_signing_key_goes_into_a_private_file_and_nowhere_else() {
    let work = Offline::new();
    work.irsactl("keygen").ok();
    let public = work.shell("openssl pkey -in issuer/sa-signer.key -pubout");
    let base64 = |value: &Value| {
        work.write("encoded", value.as_str().unwrap());
        work.shell("base64 -d encoded")
    };
    for (format, name) in [
        ("cluster-api --cluster demo", "secret.yaml"),
        ("talos", "talos.yaml"),
        ("talos --talos-version 1.13", "talos-1.13.yaml"),
    ] {
        let command = format!("flags --format {format} --issuer {NEW} -vvv");
        let without = work.irsactl(&command);
        assert!(without.stdout.contains("--secret-file"), "{without:#?}");
        let run = work.irsactl(&format!("{command} -o json --secret-file {name}"));
        let said = format!("{run:?}{without:?}");
        let secret = fs::read_to_string(work.path(name)).unwrap();
        let mode = fs::metadata(work.path(name)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        let first = yaml(&work, &secret)[0].clone();
        let key = match format {
            "talos" => first["issuer"]["privateKey"].as_str().unwrap().to_owned(),
            "talos --talos-version 1.13" => base64(&first["cluster"]["serviceAccount"]["key"]),
            _ => {
                assert_eq!(first["metadata"]["name"], "demo-sa");
                let label = &first["metadata"]["labels"]["cluster.x-k8s.io/cluster-name"];
                assert_eq!(
                    (first["kind"].as_str(), label.as_str()),
                    (Some("Secret"), Some("demo"))
                );
                assert_eq!(base64(&first["data"]["tls.crt"]), public);
                base64(&first["data"]["tls.key"])
            }
        };
        work.write("key.pem", &key);
        assert_eq!(work.shell("openssl pkey -in key.pem -pubout"), public);
        let body = key.lines().nth(3).unwrap();
        work.write("line", body);
        assert!(
            !said.contains(body) && !said.contains("PRIVATE KEY"),
            "{said}"
        );
        assert!(
            !said.contains(work.shell("base64 -w0 line").trim_end_matches('=')),
            "{said}"
        );

        let again = work.irsactl(&format!("{command} --secret-file {name}"));
        again.fails(4, &["something is there already"]);
        assert_eq!(fs::read_to_string(work.path(name)).unwrap(), secret);
    }
    std::os::unix::fs::symlink(work.path("nowhere"), work.path("link")).unwrap();
    let command = format!("flags --format talos --issuer {NEW} --secret-file");
    work.irsactl(&format!("{command} link"))
        .fails(4, &["something is there already"]);
    work.irsactl(&format!("{command} new.yaml --dir none"))
        .fails(4, &["none/sa-signer.key"]);
    assert!(!work.path("nowhere").exists() && !work.path("new.yaml").exists());
    for format in ["cluster-api --cluster demo", "talos --talos-version 1.13"] {
        let command = format!("flags --format {format} --issuer {NEW} --existing-issuer {DEFAULT}");
        let run = work.irsactl(&format!("{command} --secret-file new.yaml"));
        run.fails(
            4,
            &["every pod that has a token now", "leave --secret-file away"],
        );
        assert!(!work.path("new.yaml").exists());
    }
    let live = format!("{command} live.yaml --existing-issuer {DEFAULT}");
    work.irsactl(&live)
        .fails(4, &["without the old public key", "--existing-public-key"]);
    assert!(!work.path("live.yaml").exists());
    // Talos takes the key itself, so its file is one of this machine.
    let kept = format!("{live} --existing-public-key issuer/sa-signer.pub");
    work.irsactl(&kept).ok();
}

#[test]
fn options_that_a_form_does_not_look_at_are_mistakes() {
    let work = Offline::new();
    for (options, words) in [
        ("--secret-file x", "--secret-file with --format flags"),
        (
            "--format k3s --kubernetes-version 1.30",
            "it is for kubeadm and kind",
        ),
        ("--format kubeadm --talos-version 1.13", "it is for talos"),
        (
            "--format kind --cluster-api-version v1beta1",
            "it is for cluster-api",
        ),
        ("--format cluster-api", "--cluster"),
        (
            "--format kubeadm --kubernetes-version 1.21",
            "a single issuer",
        ),
        (
            "--format kubeadm --kubernetes-version 1.x",
            "a version looks like",
        ),
        (
            "--format talos --existing-issuer a --existing-public-key /none",
            "cannot read /none",
        ),
    ] {
        let run = work.irsactl(&format!("flags --issuer {NEW} {options}"));
        let code = if options.contains("/none") { 1 } else { 64 };
        run.fails(code, &[words]);
    }
}
