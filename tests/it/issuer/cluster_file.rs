//! The cluster file: what it says counts in every command, and a flag wins over it.

use std::fs;

use serde_json::Value;

use crate::support::session::repository;
use crate::support::tenant::{Offline, TOOLS, Tenant};

fn example() -> String {
    fs::read_to_string(repository().join("examples/irsactl.yaml")).unwrap()
}

#[test]
fn issuer_and_roles_come_up_together_and_are_found_again() {
    let tenant = Tenant::new();
    tenant.write("irsactl.yaml", example());
    let config = "--config irsactl.yaml";
    let offline = format!(
        "bootstrap {config} --dry-run --offline --account-id {} -o json",
        tenant.account
    );
    tenant.irsactl("keygen").ok();
    let plan = tenant.irsactl(&offline).json();
    let planned: Vec<&str> = plan["changes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|change| change["operation"].as_str().unwrap())
        .collect();
    let answer = tenant
        .irsactl(&format!("bootstrap {config} --yes -o json"))
        .json();
    assert_eq!(tenant.changes(), planned);
    assert_eq!(planned[5], "iam:CreateOpenIDConnectProvider");
    assert_eq!(answer["role_arns"].as_array().unwrap().len(), 2);
    for again in ["bootstrap", "role", "provider", "publish"] {
        let run = tenant.irsactl(&format!("{again} {config} --yes"));
        assert!(run.stderr.contains("no changes"), "{run:#?}");
    }
    let verify = format!(
        "verify {config} --subject backup/restic --role-arn {}",
        answer["role_arns"][1].as_str().unwrap()
    );
    tenant.irsactl(&verify).ok();
    let granted = tenant.irsactl(&format!("policy bootstrap {config}")).json();
    let roles = granted["Statement"].as_array().unwrap().last().unwrap();
    assert_eq!(roles["Resource"], answer["role_arns"]);
}

#[test]
fn a_flag_wins_over_the_file_and_the_file_over_the_environment() {
    let mut work = Offline::new();
    work.write("irsactl.yaml", example());
    work.environment
        .insert("AWS_REGION", "eu-west-1".to_owned());
    let value = |arguments: &str, name: &str| {
        let print = format!("config print -o json --config irsactl.yaml {arguments}");
        let values = work.irsactl(&print).json();
        let entry = values
            .as_array()
            .unwrap()
            .iter()
            .find(|entry| entry["name"] == name);
        entry.map(|entry| (entry["value"].clone(), entry["origin"].clone()))
    };
    let pair = |value: &str, origin: &str| Some((Value::from(value), Value::from(origin)));
    assert_eq!(value("", "region"), pair("us-west-2", "file spec.region"));
    assert_eq!(
        value("--region us-east-1", "region"),
        pair("us-east-1", "flag")
    );
    assert_eq!(value("", "tags"), pair("team=platform", "file spec.tags"));
    assert_eq!(value("--tag a=b", "tags"), pair("a=b", "flag"));
    assert_eq!(value("", "directory"), pair("issuer", "default"));
    let joined = work
        .irsactl("config print -o json --config=irsactl.yaml")
        .json();
    assert_eq!(joined[0]["origin"], "file spec.region");
    work.irsactl("--config irsactl.yaml config print --config other.yaml")
        .fails(64, &["other.yaml"]);
    let values = work.irsactl("config print -o json").json();
    assert_eq!(values[0]["origin"], "environment AWS_REGION");
}

#[test]
fn what_the_file_must_not_say_is_refused_with_its_place() {
    let work = Offline::new();
    for (from, to, words) in [
        ("region:", "regoin:", "did you mean 'region'?"),
        ("policyARNs:", "policyArns:", "did you mean 'policyARNs'?"),
        ("name: demo\n", "name: Demo\n", "metadata.name of bad.yaml"),
        (
            "default/app",
            "default-app",
            "service account 'default-app'",
        ),
        (
            "backup/velero",
            "backup/*",
            "allowWildcard in the cluster file",
        ),
        ("demo-backup", "demo/backup", "a role name has"),
        ("Statement:", "Statements:", "no Statement"),
        (
            "demo-backup",
            "demo-default-app",
            "two roles called demo-default-app",
        ),
        ("kind: Cluster", "kind: Clutter", "unknown variant"),
        ("irsactl/v1alpha1", "irsactl/v9", "unknown variant"),
        ("spec:", "spec: [", "bad.yaml"),
        ("team: platform", "a=b: platform", "'a=b' has a = in it"),
        (
            "serviceAccounts:\n        - default/app",
            "name: a\n      serviceAccounts: []",
            "nobody may assume",
        ),
        (
            "team: platform",
            "aws:team: platform",
            "spec.tags of bad.yaml",
        ),
    ] {
        let changed = example().replacen(from, to, 1);
        assert_ne!(changed, example(), "{from}");
        work.write("bad.yaml", changed);
        work.irsactl("role --config bad.yaml --dry-run --offline --account-id 111122223333")
            .fails(64, &[words]);
    }
    work.write("irsactl.yaml", example());
    let role = "role --config irsactl.yaml --dry-run --offline --account-id 111122223333";
    work.irsactl(&format!("{role} --policy-arn arn:aws:iam::aws:policy/A"))
        .fails(64, &["--service-account"]);
    let trust = role.replace("--dry-run --offline", "--print-trust-policy");
    assert!(work.irsactl(&trust).json()["demo-backup"]["Statement"].is_array());
    work.irsactl("flags --config absent.yaml")
        .fails(64, &["absent.yaml", "No such file"]);
}

#[test]
fn the_schema_in_the_tree_is_the_types_and_takes_the_example() {
    let work = Offline::new();
    let schema = work.irsactl("config schema").ok();
    let kept = fs::read_to_string(repository().join("examples/irsactl.schema.json")).unwrap();
    assert_eq!(
        schema, kept,
        "irsactl config schema > examples/irsactl.schema.json"
    );
    work.write("schema.json", schema);
    let judge = |text: String| {
        work.write("file.yaml", text);
        let mut python = work.command(TOOLS.python());
        python.args([
            "-c",
            "import json, yaml, jsonschema; jsonschema.Draft202012Validator(json.load(open('schema.json'))).validate(yaml.safe_load(open('file.yaml')))",
        ]);
        python.output().unwrap().status.success()
    };
    assert!(judge(example()));
    assert!(!judge(example().replace("region:", "regoin:")));
}
