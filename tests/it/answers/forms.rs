//! The forms of an answer: each is read by a program that others wrote.

use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::issuer::generated::yaml;
use crate::support::tenant::{Offline, Tenant};

const OFFLINE: &str =
    "bootstrap --cluster demo --region us-west-2 --account-id 111122223333 --dry-run --offline";

fn offline() -> Offline {
    let work = Offline::new();
    work.irsactl("keygen").ok();
    work
}

#[test]
fn json_and_yaml_say_the_same_and_documents_are_left_as_they_are() {
    let work = offline();
    let json = work.irsactl(&format!("{OFFLINE} -o json")).json();
    assert_eq!(json["format_version"], "1.0");
    let text = work.irsactl(&format!("{OFFLINE} -o yaml")).ok();
    assert!(text.starts_with("format_version: "), "{text}");
    assert_eq!(yaml(&work, &text), json);
    let keygen = work.irsactl("keygen -o json").json();
    assert_eq!(keygen["format_version"], "1.0");
    let set = work.irsactl("jwks -o json").json();
    assert_eq!(set.as_object().unwrap().len(), 1);
    assert_eq!(yaml(&work, &work.irsactl("jwks -o yaml").ok()), set);
}

#[test]
fn a_shell_reads_the_variables() {
    let (tenant, answer) = Tenant::bootstrapped();
    let env = tenant.irsactl("bootstrap --cluster demo --yes -o env").ok();
    tenant.write("outputs", &env);
    let issuer = tenant.shell("set -a; . ./outputs; printf %s \"$issuer\"");
    assert_eq!(issuer, answer["issuer"].as_str().unwrap());
    assert!(env.lines().all(|line| line.contains('=')), "{env}");
    assert!(env.contains("changes=0\n"), "{env}");
}

#[test]
fn what_was_verified_is_a_table_and_a_picture_of_what_is_there() {
    let (tenant, _) = Tenant::bootstrapped();
    let picture = |tenant: &Tenant| {
        let report = tenant.irsactl("verify --cluster demo -o markdown").stdout;
        let (table, picture) = report.split_once("```mermaid\n").unwrap();
        assert!(table.contains("| pass | discovery issuer |"), "{report}");
        assert!(picture.ends_with("```\n"), "{report}");
        picture.to_owned()
    };
    let without_roles = picture(&tenant);
    assert!(without_roles.contains("n2 --> n3"), "{without_roles}");
    assert!(!without_roles.contains("n4"), "{without_roles}");
    let role = "role --cluster demo --service-account default/app --yes";
    tenant.irsactl(role).ok();
    let whole = picture(&tenant);
    for link in [
        "n0[\"cluster: demo\"]",
        "n1[\"issuer: https://demo-oidc",
        "n2[\"S3: s3://demo-oidc",
        "n3[\"provider: arn:aws:iam::",
        "n4[\"roles: demo-default-app\"]",
    ] {
        assert!(whole.contains(link), "{link}: {whole}");
    }
}

#[test]
fn a_review_is_a_table_with_documents_and_a_picture() {
    let work = offline();
    let plan = work
        .irsactl(&format!("{OFFLINE} -o markdown --color always"))
        .ok();
    assert!(!plan.contains('\u{1b}'), "{plan}");
    assert!(
        plan.starts_with("### irsactl: plan: 5 to create, 1 to update, 0 to remove\n"),
        "{plan}"
    );
    assert_eq!(plan.matches("\n| + | ").count(), 5);
    assert!(
        plan.contains("<details><summary>bucket policy of s3://demo-oidc-"),
        "{plan}"
    );
    assert!(
        plan.contains("\n- BlockPublicPolicy: true → false\n"),
        "{plan}"
    );
    for link in [
        "cluster: demo",
        "issuer: https://demo-oidc",
        "S3: s3://demo-oidc",
        "provider: arn:aws:iam::111122223333",
    ] {
        assert!(plan.contains(&format!("[\"{link}")), "{link}: {plan}");
    }
    let webhook = work.irsactl("webhook --region us-west-2 -o markdown").ok();
    assert!(webhook.starts_with("```text\n# The Amazon EKS") && webhook.ends_with("```\n"));
}

#[test]
fn a_github_job_gets_its_summary_its_outputs_and_an_annotation() {
    let mut tenant = Tenant::with_key();
    let files = ["summary", "outputs"].map(|name| tenant.path(name).to_str().unwrap().to_owned());
    let environment = &mut tenant.offline.environment;
    environment.insert("GITHUB_ACTIONS", "true".to_owned());
    environment.insert("GITHUB_STEP_SUMMARY", files[0].clone());
    environment.insert("GITHUB_OUTPUT", files[1].clone());
    let read = |path: &str| fs::read_to_string(Path::new(path)).unwrap();
    tenant.irsactl("bootstrap --cluster demo --dry-run").ok();
    tenant.irsactl("bootstrap --cluster demo --yes").ok();
    tenant.irsactl("verify --cluster demo").ok();
    let summary = read(&files[0]);
    assert!(
        summary.contains("plan: 5 to create") && summary.contains("verify of `https://demo"),
        "{summary}"
    );
    assert!(
        read(&files[1]).contains("\nchanges=6\n"),
        "{}",
        read(&files[1])
    );
    // What is nobody's business is not handed over.
    tenant.irsactl("token mint --cluster demo --stdout").ok();
    assert!(!read(&files[1]).contains("eyJ") && !read(&files[0]).contains("eyJ"));
    let failed = tenant.irsactl("publish --cluster demo --bucket no.dots --yes");
    assert!(
        failed
            .stderr
            .starts_with("::error title=irsactl::cannot use this bucket name: "),
        "{failed:#?}"
    );
    assert_eq!(failed.stderr.matches("::error").count(), 1);
}

#[test]
fn completions_and_manual_pages_come_from_the_binary() {
    let work = Offline::new();
    for (shell, word) in [
        ("bash", "complete -F _irsactl"),
        ("zsh", "#compdef irsactl"),
        ("fish", "complete -c irsactl"),
        ("powershell", "Register-ArgumentCompleter"),
    ] {
        let script = work.irsactl(&format!("completions {shell}")).ok();
        assert!(
            script.contains(word) && script.contains("dangling"),
            "{shell}"
        );
    }
    // bash itself completes with it.
    work.write("irsactl.bash", work.irsactl("completions bash").ok());
    let completed = work.shell(
        "bash -c '. ./irsactl.bash; COMP_WORDS=(irsactl rotate pre); COMP_CWORD=2; _irsactl irsactl pre rotate; echo \"${COMPREPLY[@]}\"'",
    );
    assert_eq!(completed.trim(), "prepare");
    let page = work.irsactl("man").ok();
    assert!(page.contains(".TH irsactl 1"), "{page}");
    work.irsactl("man man1").ok();
    let pages: Vec<String> = fs::read_dir(work.path("man1"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    for page in ["irsactl.1", "irsactl-bootstrap.1", "irsactl-token-mint.1"] {
        assert!(pages.iter().any(|name| name == page), "{page}: {pages:?}");
    }
    let page = fs::read_to_string(work.path("man1/irsactl-bootstrap.1")).unwrap();
    assert!(
        page.starts_with(".ie") && page.contains("irsactl bootstrap"),
        "{page}"
    );
}

#[test]
fn every_json_answer_says_its_version() {
    let (tenant, _) = Tenant::bootstrapped();
    for command in [
        "verify",
        "report --html report.html",
        "role --service-account default/app --yes",
        "publish --yes",
        "provider --yes",
        "discovery",
    ] {
        let answer: Value = serde_json::from_str(
            &tenant
                .irsactl(&format!("{command} --cluster demo -o json"))
                .stdout,
        )
        .unwrap();
        let expected = if command == "discovery" {
            Value::Null
        } else {
            "1.0".into()
        };
        assert_eq!(answer["format_version"], expected, "{command}");
    }
}
