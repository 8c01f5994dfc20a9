//! Answers of a cluster, of AWS and of files that are not what they should be: data, and no more of it than fits.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::process::{Child, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use serde_json::json;

use crate::support::tenant::{Offline, Tenant};

/// What a cluster calls a name is not an option of kubectl.
#[test]
fn names_from_a_cluster_are_no_options_of_kubectl() {
    let mut work = Offline::new();
    let log = work.path("log");
    let webhook = |service: &str, namespace: &str| {
        json!({ "items": [{ "kind": "MutatingWebhookConfiguration", "metadata": { "name": "pod-identity-webhook" }, "webhooks": [{
            "name": "pod-identity-webhook.amazonaws.com", "admissionReviewVersions": ["v1beta1"], "failurePolicy": "Ignore",
            "clientConfig": { "caBundle": "YQ==", "service": { "name": service, "namespace": namespace } } }] }] })
    };
    let deployment = |secret: &str| {
        json!({ "kind": "Deployment", "metadata": { "name": "hook", "namespace": "kube-system" }, "spec": { "template": { "spec": {
            "volumes": [{ "name": "cert", "secret": { "secretName": secret } }] } } } })
    };
    work.write(
        "kubectl",
        format!(
            "#!/bin/sh\ncd {}\nfor one; do echo \"$one\" >> log; done; echo >> log\ncase $* in *mutating*) cat webhook.json ;; *deployment*) cat deployment.json ;; esac\n",
            work.dir.path().display()
        ),
    );
    work.shell("chmod +x kubectl");
    let path = format!(
        "{}:{}",
        work.dir.path().display(),
        std::env::var("PATH").unwrap()
    );
    work.environment.insert("PATH", path);
    for (service, namespace, secret) in [
        ("hook", "kube-system", "--server=https://127.0.0.1:23202"),
        ("hook", "kube-system", "-w"),
        ("--kubeconfig=/tmp/x", "kube-system", "cert"),
        ("hook", "--server=https://127.0.0.1:23202", "cert"),
        ("hook", "kube-system", "cert"),
    ] {
        let _ = std::fs::remove_file(&log);
        work.write("webhook.json", webhook(service, namespace).to_string());
        work.write("deployment.json", deployment(secret).to_string());
        let run = work.irsactl("verify --webhook kubectl");
        let arguments = std::fs::read_to_string(&log).unwrap();
        for strange in [
            "--server=https://127.0.0.1:23202",
            "-w",
            "--kubeconfig=/tmp/x",
        ] {
            assert!(!arguments.lines().any(|one| one == strange), "{arguments}");
        }
        let is_sound = (service, secret) == ("hook", "cert") && namespace == "kube-system";
        assert_eq!(
            run.stdout.contains("is no name of an object"),
            !is_sound,
            "{run:#?}"
        );
        if is_sound {
            assert!(arguments.contains("\n--\nsecret\ncert\n"), "{arguments}");
        }
    }
}

/// `rotation.json` is what gets copied from machine to machine.
#[test]
fn what_a_file_calls_a_kid_is_one() {
    let tenant = Tenant::bootstrapped().0;
    tenant.irsactl("rotate prepare --cluster demo --yes").ok();
    let path = tenant.path("issuer/rotation.json");
    let state: serde_json::Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
    for member in ["old", "new"] {
        let mut broken = state.clone();
        broken[member] = json!("\n::add-mask::x");
        std::fs::write(&path, broken.to_string()).unwrap();
        for command in ["status", "activate", "prepare --yes"] {
            let run = tenant.irsactl(&format!("rotate {command} --cluster demo"));
            let said = format!("{}{}", run.stdout, run.stderr);
            assert!(
                !said.lines().any(|line| line.trim_start().starts_with("::")),
                "{run:#?}"
            );
            run.fails(4, &["rotation.json", "is no kid"]);
        }
    }
}

/// Commands of Azure Pipelines and TeamCity, and characters that nobody sees, in a document of somebody else.
#[test]
fn no_runner_obeys_a_document() {
    let tenant = Tenant::bootstrapped().0;
    let strange = "##vso[task.setvariable variable=PATH;]x ##teamcity[buildStop] \u{ad}\u{3164}";
    let discovery = json!({ "issuer": strange, "jwks_uri": "https://a.example/keys.json" });
    let target = format!("/{}/.well-known/openid-configuration", tenant.bucket());
    tenant.call(
        "s3",
        "PUT",
        &target,
        "Content-Type: application/json\r\n",
        &discovery.to_string(),
    );
    for form in ["text", "json", "yaml", "markdown"] {
        let run = tenant.irsactl(&format!("verify --cluster demo -o {form}"));
        let said = format!("{}{}", run.stdout, run.stderr);
        for part in ["##vso", "##teamcity", "\u{ad}", "\u{3164}"] {
            assert!(!said.contains(part), "{form}: {said}");
        }
    }
}

/// How a program ended, and how much memory it took at most. What wait4(2) says is of no use: a child begins with the
/// figure of whoever started it, here of all tests (exec_mmap in fs/exec.c).
#[cfg(target_os = "linux")]
fn ended(mut child: Child) -> (ExitStatus, u64) {
    let path = format!("/proc/{}/status", child.id());
    let mut peak = 0;
    loop {
        let text = fs::read_to_string(&path).unwrap_or_default();
        let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let kilobytes = line.and_then(|line| line.trim().strip_suffix(" kB")?.parse().ok());
        peak = peak.max(kilobytes.unwrap_or(0) * 1024);
        if let Some(status) = child.try_wait().unwrap() {
            return (status, peak);
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[cfg(not(target_os = "linux"))]
fn ended(mut child: Child) -> (ExitStatus, u64) {
    let end = wait4::Wait4::wait4(&mut child).unwrap();
    (end.status, end.rusage.maxrss)
}

/// An S3 that never stops talking, and does not say how much it is.
#[test]
fn an_endless_answer_is_given_up() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            std::thread::spawn(move || {
                let mut stream = stream.unwrap();
                let mut request = [0; 16384];
                let read = stream.read(&mut request).unwrap_or(0);
                let request = String::from_utf8_lossy(&request[..read]).into_owned();
                if request.starts_with("HEAD") {
                    let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nx-amz-bucket-region: us-west-2\r\nConnection: close\r\n\r\n");
                    return;
                }
                // A gigabyte, where nobody hangs up.
                let mut sent = stream.write_all(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n");
                for _ in 0..16_384 {
                    if sent.is_err() {
                        return;
                    }
                    sent = stream.write_all(&[b' '; 65536]);
                }
            });
        }
    });
    let tenant = Tenant::with_key();
    for command in [
        "publish --bucket endless --dry-run",
        "provider --issuer https://endless.s3.us-west-2.amazonaws.com --dry-run --no-thumbprint",
    ] {
        let mut run = tenant.command(env!("CARGO_BIN_EXE_irsactl"));
        run.args(command.split(' '))
            .env("AWS_ENDPOINT_URL_S3", &endpoint)
            .env("AWS_MAX_ATTEMPTS", "1");
        let start = Instant::now();
        let child = run
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let (status, peak) = ended(child);
        assert!(!status.success());
        assert!(start.elapsed() < Duration::from_secs(60));
        assert!(
            peak > 1 << 20 && peak < 200 << 20,
            "{command}: {peak} bytes"
        );
    }
}

/// Only who has the new key takes the old one away, and a look moves nothing.
#[test]
fn a_machine_without_the_new_key_retires_nothing() {
    let tenant = Tenant::bootstrapped().0;
    let prepared = tenant
        .irsactl("rotate prepare --cluster demo --yes -o json")
        .json();
    let new = prepared["new"].as_str().unwrap();
    let path = tenant.path("issuer/rotation.json");
    let mut state: serde_json::Value =
        serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
    state["activated"] = json!(1);
    std::fs::write(&path, state.to_string()).unwrap();
    tenant.shell(&format!("mv issuer/sa-signer-{new}.key elsewhere"));
    let files = || tenant.shell("cd issuer; ls; cat *");
    let before = files();
    let status = tenant
        .irsactl("rotate status --cluster demo -o json")
        .json();
    assert_eq!(files(), before);
    assert_eq!(status.as_array().unwrap().len(), 2, "{status:#}");
    for retire in ["--assume-done", "--compromised"] {
        tenant
            .irsactl(&format!("rotate retire --cluster demo {retire} --yes"))
            .fails(
                4,
                &["cannot retire", "is neither in issuer nor in a key store"],
            );
    }
    assert_eq!(files(), before);
    tenant.shell(&format!("mv elsewhere issuer/sa-signer-{new}.key"));
    tenant
        .irsactl("rotate retire --cluster demo --assume-done --yes")
        .ok();
    assert_eq!(tenant.irsactl("keygen").ok().trim(), new);
}
