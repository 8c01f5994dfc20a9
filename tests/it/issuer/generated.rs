//! What is generated without AWS: the documents of an offline dry run, and the API server's settings.

use std::fs;

use serde_json::Value;

use crate::support::tenant::{Offline, TOOLS};

const OFFLINE: &str = "bootstrap --dry-run --offline --account-id 111122223333 --cluster demo --region us-west-2 --documents docs -o json";

#[test]
fn an_offline_dry_run_is_complete_and_deterministic_and_needs_nothing() {
    let mut work = Offline::new();
    // Whoever connects anyway fails.
    for name in ["HTTPS_PROXY", "HTTP_PROXY", "AWS_ENDPOINT_URL"] {
        work.environment
            .insert(name, "http://127.0.0.1:9".to_owned());
    }
    work.irsactl(OFFLINE).fails(
        4,
        &["issuer/sa-signer.key", "make one with: irsactl keygen"],
    );
    let kid = work.irsactl("keygen").ok();
    let first = work.irsactl(OFFLINE).ok();
    let documents = |work: &Offline| -> Vec<(String, String)> {
        let entries = fs::read_dir(work.path("docs"))
            .unwrap()
            .map(|entry| entry.unwrap().path());
        let mut documents: Vec<_> = entries
            .map(|path| {
                (
                    path.file_name().unwrap().to_str().unwrap().to_owned(),
                    fs::read_to_string(path).unwrap(),
                )
            })
            .collect();
        documents.sort();
        documents
    };
    let written = documents(&work);
    assert_eq!(
        written
            .iter()
            .map(|(name, _)| name.as_str())
            .collect::<Vec<_>>(),
        [
            "bucket-policy.json",
            "discovery.json",
            "flags.txt",
            "keys.json",
            "plan.json",
            "provider.json",
            "public-access-block.json"
        ]
    );
    let plan: Value = serde_json::from_str(&first).unwrap();
    assert_eq!(plan["changes"].as_array().unwrap().len(), 6);
    assert!(first.contains(kid.trim()));
    // What an online plan would have more is said in the plan itself.
    assert!(
        plan["notes"][0]
            .as_str()
            .unwrap()
            .starts_with("offline, so the thumbprint is left to IAM")
    );
    let given = format!("{OFFLINE} --thumbprint 990f4193972f2becf12ddeda5237f9c952f20d9e");
    assert_eq!(work.irsactl(&given).json()["notes"], serde_json::json!([]));
    work.irsactl(OFFLINE).ok();
    for (name, text) in &written {
        let lower = text.to_lowercase();
        assert!(
            !lower.contains('<') && !lower.contains("placeholder") && !lower.contains("todo"),
            "{name}: {text}"
        );
        assert!(
            text.ends_with('\n')
                && (name == "flags.txt" || serde_json::from_str::<Value>(text).is_ok()),
            "{name}"
        );
    }
    let text = |wanted: &str| {
        written
            .iter()
            .find(|(name, _)| name == wanted)
            .unwrap()
            .1
            .clone()
    };
    assert_eq!(text("plan.json"), first);
    assert_eq!(text("keys.json"), work.irsactl("jwks").ok());
    let names = "--cluster demo --region us-west-2 --account-id 111122223333";
    assert_eq!(
        text("discovery.json"),
        work.irsactl(&format!("discovery {names}")).ok()
    );
    assert_eq!(
        text("flags.txt"),
        work.irsactl(&format!("flags {names}")).ok()
    );
    assert_eq!(work.irsactl(OFFLINE).ok(), first);
    assert_eq!(documents(&work), written);
}

#[test]
fn a_symlink_is_neither_followed_nor_replaced_by_a_document() {
    let work = Offline::new();
    work.irsactl("keygen").ok();
    let victim = work.write("victim", "precious");
    fs::create_dir(work.path("docs")).unwrap();
    std::os::unix::fs::symlink(&victim, work.path("docs/plan.json")).unwrap();
    work.irsactl(OFFLINE).fails(
        4,
        &[
            "docs/plan.json",
            "something else than a document of a dry run",
        ],
    );
    assert_eq!(fs::read_to_string(victim).unwrap(), "precious");
    // All or none.
    assert_eq!(fs::read_dir(work.path("docs")).unwrap().count(), 1);
}

/// The YAML judge is PyYAML.
pub(crate) fn yaml(work: &Offline, text: &str) -> Value {
    work.write("config.yaml", text);
    let mut python = work.command(TOOLS.python());
    python.args([
        "-c",
        "import json, yaml; print(json.dumps(yaml.safe_load(open('config.yaml'))))",
    ]);
    let output = python.output().unwrap();
    assert!(output.status.success(), "{output:#?}");
    serde_json::from_slice(&output.stdout).unwrap()
}

#[test]
fn kubeadm_gets_a_v1beta4_configuration_in_the_right_order() {
    let work = Offline::new();
    let issuer = "https://b.s3.us-west-2.amazonaws.com";
    let kubeadm = format!("flags --format kubeadm --issuer {issuer}");
    let config = yaml(&work, &work.irsactl(&kubeadm).ok());
    assert_eq!(config["apiVersion"], "kubeadm.k8s.io/v1beta4");
    assert_eq!(config["kind"], "ClusterConfiguration");
    let arguments = |config: &Value| -> Vec<String> {
        let list = config["apiServer"]["extraArgs"].as_array().unwrap();
        list.iter()
            .map(|a| {
                format!(
                    "--{}={}\n",
                    a["name"].as_str().unwrap(),
                    a["value"].as_str().unwrap()
                )
            })
            .collect()
    };
    assert_eq!(
        arguments(&config).concat(),
        work.irsactl(&format!("flags --issuer {issuer}")).ok()
    );
    assert!(
        arguments(&config)
            .concat()
            .contains("--api-audiences=https://kubernetes.default.svc.cluster.local,https://b.")
    );
    let volume = serde_json::json!([{
        "name": "irsa-keys", "hostPath": "/etc/kubernetes/pki/irsa", "mountPath": "/etc/kubernetes/pki/irsa",
        "readOnly": true, "pathType": "Directory",
    }]);
    assert_eq!(config["apiServer"]["extraVolumes"], volume);
    assert_eq!(config["controllerManager"]["extraVolumes"], volume);
    assert_eq!(
        config["controllerManager"]["extraArgs"],
        serde_json::json!([{ "name": "service-account-private-key-file", "value": "/etc/kubernetes/pki/irsa/sa-signer.key" }])
    );

    let old = "https://kubernetes.default.svc.cluster.local";
    let live = yaml(
        &work,
        &work
            .irsactl(&format!(
                "{kubeadm} --existing-issuer {old} --node-dir /keys"
            ))
            .ok(),
    );
    assert_eq!(
        arguments(&live),
        [
            format!("--service-account-issuer={issuer}\n"),
            format!("--service-account-issuer={old}\n"),
            "--service-account-signing-key-file=/keys/sa-signer.key\n".to_owned(),
            "--service-account-key-file=/keys/sa-signer.pub\n".to_owned(),
            "--service-account-key-file=/etc/kubernetes/pki/sa.pub\n".to_owned(),
            format!("--service-account-jwks-uri={issuer}/keys.json\n"),
            format!("--api-audiences={old},{issuer}\n"),
        ]
    );
    // The old key goes on signing legacy tokens, which never expire.
    assert_eq!(live.get("controllerManager"), None);
    let plain = work.irsactl(&format!("flags --issuer {issuer} --existing-issuer {old}"));
    assert!(
        plain
            .stderr
            .contains("warning: without --existing-public-key"),
        "{plain:#?}"
    );
}
