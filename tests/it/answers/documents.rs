//! Documents are executed: README.md with its two commands, every examples/*.md, tests/help.md and
//! the examples of every help page.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::support::session::{execute, repository};
use crate::support::tenant::{Offline, Run, Tenant};

#[test]
fn the_readme_does_what_it_shows() {
    assert!(execute(&repository().join("README.md")) > 8);
}

/// The README's two commands outside of a session.
#[test]
fn the_demo_ends_with_a_token_that_others_accept_and_ci_runs_the_readmes_tests() {
    let readme = fs::read_to_string(repository().join("README.md")).unwrap();
    let ci = fs::read_to_string(repository().join(".ci/run")).unwrap();
    assert!(readme.contains("```sh\ncargo test\n```"));
    assert!(ci.lines().any(|line| line == "cargo test"));
    assert!(readme.contains("```sh\ncargo run --example demo\n```"));
    let mut demo = Command::new(env!("CARGO"));
    demo.args(["run", "--quiet", "--example", "demo"]);
    let demo: Run = demo.current_dir(repository()).output().unwrap().into();
    assert!(demo.stderr.contains("no changes"), "{demo:#?}");
    let shown = demo.ok();
    assert!(
        shown.contains("proof: assumed arn:aws:sts::111122223333:assumed-role/demo-default-app/")
    );
    assert!(shown.contains("fail     JWK Set: HTTP status 403"));
    assert!(shown.contains("keys.json or the discovery document is not public"));
    for judge in ["PyJWT", "openid-client and jose"] {
        assert!(
            shown.contains(&format!("accepted by {judge}: {{\"aud\"")),
            "{shown}"
        );
    }
}

#[test]
fn the_examples_do_what_they_show() {
    let examples = fs::read_dir(repository().join("examples")).unwrap();
    let mut documents: Vec<PathBuf> = examples.map(|entry| entry.unwrap().path()).collect();
    documents.retain(|path| path.extension().is_some_and(|extension| extension == "md"));
    assert!(documents.len() >= 2);
    for document in documents {
        assert!(execute(&document) > 2, "{}", document.display());
    }
}

#[test]
fn the_help_pages_are_as_written() {
    assert!(execute(&repository().join("tests/help.md")) > 10);
}

/// As they stand, in the order in which a person would come by them.
#[test]
fn every_example_of_a_help_page_works() {
    let mut tenant = Tenant::new();
    let binary = Path::new(env!("CARGO_BIN_EXE_irsactl"));
    let path = std::env::var("PATH").unwrap();
    let here = tenant.dir.path().display();
    let path = format!("{here}:{}:{path}", binary.parent().unwrap().display());
    tenant.offline.environment.insert("PATH", path);
    // A cluster with the key of the issuer directory.
    let kubectl = "#!/bin/sh
        cd HERE
        case \"$*\" in
        *jwks) irsactl jwks ;;
        *) irsactl discovery --cluster demo ;;
        esac";
    // It is run in no directory of ours.
    let here = tenant.dir.path().display().to_string();
    tenant.write("kubectl", kubectl.replace("HERE", &here));
    tenant.shell("chmod +x kubectl");
    let file = repository().join("examples/irsactl.yaml");
    fs::copy(file, tenant.path("irsactl.yaml")).unwrap();
    let mut examples = 0;
    for command in [
        "",
        "keygen",
        "jwks",
        "discovery",
        "apply",
        "bootstrap",
        "publish",
        "thumbprint",
        "provider",
        "flags",
        "role",
        "webhook",
        "echoer",
        "migrate start",
        "migrate",
        "migrate status",
        "migrate next",
        "migrate back",
        "verify",
        "report",
        "explain",
        "token mint",
        "token decode",
        "policy",
        "config print",
        "config schema",
        "emit",
        "emit terraform",
        "config",
        "token",
        "completions",
        "man",
        "rotate prepare",
        "rotate activate",
        "rotate",
        "rotate status",
        "rotate retire",
        "destroy",
    ] {
        let help = tenant.irsactl(&format!("{command} --help")).ok();
        let (_, section) = help.split_once("Examples:\n").unwrap();
        let section = section.split("\n\n").next().unwrap();
        for line in section.replace("\\\n", " ").lines() {
            // The one file of somebody else's machine.
            let line = match command {
                "flags" => line.to_owned(),
                _ => line.replace("/etc/kubernetes/pki/sa.pub", "issuer/sa-signer.pub"),
            };
            tenant.shell(&line);
            examples += 1;
        }
    }
    assert_eq!(examples, 83);
}

#[test]
fn the_local_aws_example_serves_what_it_prints() {
    let mut example = Command::new(env!("CARGO"));
    example.args(["run", "--quiet", "--example", "local-aws"]);
    example.current_dir(repository()).stdout(Stdio::piped());
    let mut example = example.spawn().unwrap();
    let mut lines = BufReader::new(example.stdout.take().unwrap()).lines();
    let shown: Vec<String> = lines
        .by_ref()
        .map(Result::unwrap)
        .take_while(|line| !line.contains("Ctrl-C"))
        .collect();
    let exports = shown.join("\n");
    let work = Offline::new();
    let binary = env!("CARGO_BIN_EXE_irsactl");
    work.shell(&format!(
        "{exports}\n{binary} bootstrap --cluster demo --yes 2> progress.txt"
    ));
    example.kill().unwrap();
    example.wait().unwrap();
}
