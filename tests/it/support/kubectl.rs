//! What is printed is given to the real kubectl, and what kubectl says is looked at.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Stdio;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::support::local_cluster::LocalCluster;
use crate::support::tenant::{Offline, Tenant};
use crate::verify::{check, failed};

#[test]
fn kubectl_takes_every_manifest() {
    let mut work = Offline::new();
    let _cluster = LocalCluster::start(&mut work);
    let binary = env!("CARGO_BIN_EXE_irsactl");
    let role = "--role-arn arn:aws:iam::111122223333:role/app";
    for (line, objects) in [
        ("webhook --region us-west-2".to_owned(), 11),
        (
            "webhook --region us-west-2 --certificate self-signed --failure-policy Fail".to_owned(),
            7,
        ),
        (
            format!("echoer --service-account default/app --region us-west-2 {role}"),
            1,
        ),
    ] {
        for dry_run in ["client", "server"] {
            let apply =
                format!("{binary} {line} 2> said.txt | kubectl apply --dry-run={dry_run} -f -");
            let applied = work.shell(&apply);
            let created = applied.lines().filter(|line| line.ends_with("dry run)"));
            let created = created.filter(|line| line.contains(" created (")).count();
            assert_eq!(created, objects, "{line}: {applied}");
        }
    }
}

#[test]
fn the_live_cluster_is_looked_at_through_kubectl() {
    let mut tenant = Tenant::bootstrapped().0;
    let cluster = LocalCluster::start(&mut tenant.offline);
    let kubeconfig = tenant.environment["KUBECONFIG"].clone();
    let verify = format!("verify --cluster demo --kubeconfig {kubeconfig} -o json");
    // As kubeadm made it, the API server signs for another issuer, with another key.
    assert_eq!(
        failed(&tenant, &verify).0,
        ["cluster issuer", "cluster keys"]
    );
    let flags = tenant.irsactl("flags --cluster demo").ok();
    tenant.write("kube-apiserver.flags", flags);
    assert_eq!(failed(&tenant, &verify).0, Vec::<String>::new());
    tenant.shell("kubectl create token default --audience sts.amazonaws.com > pod.jwt");
    let (names, report) = failed(&tenant, &format!("{verify} --token pod.jwt"));
    assert_eq!(names, Vec::<String>::new());
    assert_eq!(
        check(&report, "subject")["actual"],
        "system:serviceaccount:default:default"
    );

    // The rotation, as far as the API server has come.
    let rotate = |step: &str| -> Value {
        tenant
            .irsactl(&format!("rotate {step} --cluster demo -o json"))
            .json()["stage"]
            .clone()
    };
    rotate("prepare --yes");
    let activate = format!("activate --kubeconfig {kubeconfig}");
    // The nodes' directory is the issuer directory here, whose sa-signer.pub holds both keys already.
    assert_eq!(rotate(&activate), "sign");
    let flags = fs::read_to_string(tenant.path("kube-apiserver.flags")).unwrap();
    let next = tenant.shell("cd issuer; ls sa-signer-*.key");
    tenant.write(
        "kube-apiserver.flags",
        flags.replace("sa-signer.key", next.trim()),
    );
    assert_eq!(rotate(&activate), "active");

    let webhook = "verify --webhook kubectl -o json";
    assert_eq!(failed(&tenant, webhook).0, ["webhook"]);
    let make = "webhook --certificate self-signed";
    tenant.write("webhook.yaml", tenant.irsactl(make).ok());
    tenant.shell("kubectl apply --server-side -f webhook.yaml -f issuer/webhook-certificate.yaml");
    let (names, report) = failed(&tenant, webhook);
    assert_eq!(names, Vec::<String>::new());
    assert_eq!(check(&report, "webhook certificate")["outcome"], "pass");
    tenant.write(
        "other.yaml",
        tenant.irsactl(&format!("{make} --dir other")).ok(),
    );
    tenant.shell("kubectl apply --server-side -f other.yaml");
    assert_eq!(failed(&tenant, webhook).0, ["webhook certificate"]);
    drop(cluster);
    tenant
        .irsactl(webhook)
        .fails(1, &["cannot ask the cluster for its webhooks", "refused"]);
}

#[test]
fn a_kubectl_that_never_ends_does_not_hold_the_run_up() {
    let mut work = Offline::new();
    let kubectl = work.write("kubectl", "#!/bin/sh\nexec sleep 60\n");
    fs::set_permissions(&kubectl, fs::Permissions::from_mode(0o755)).unwrap();
    let path = format!(
        "{}:{}",
        work.dir.path().display(),
        std::env::var("PATH").unwrap()
    );
    work.environment.insert("PATH", path);
    let start = Instant::now();
    work.irsactl("verify --webhook kubectl --timeout 1")
        .fails(124, &["within 1 s"]);
    assert!(start.elapsed() < Duration::from_secs(30));
    // No more than a writer of standard input that never writes.
    let mut decode = work.command(env!("CARGO_BIN_EXE_irsactl"));
    decode.args(["token", "decode", "--timeout", "1"]);
    let mut decode = decode.stdin(Stdio::piped()).spawn().unwrap();
    let _open = decode.stdin.take();
    let start = Instant::now();
    assert_eq!(decode.wait().unwrap().code(), Some(124));
    assert!(start.elapsed() < Duration::from_secs(30));
}
