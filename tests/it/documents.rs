//! Documents are executed: README.md with its two commands, every examples/*.md, tests/help.md and
//! the examples of every help page.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use crate::session::{execute, repository};
use crate::tenant::{Offline, Run};

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
fn the_help_pages_and_their_examples_work() {
    assert!(execute(&repository().join("tests/help.md")) > 10);
    // Every example that a help page shows is run, as a dry run where it would change something.
    let work = Offline::new();
    work.irsactl("keygen").ok();
    let mut examples = 0;
    for command in [
        "keygen",
        "jwks",
        "discovery",
        "publish",
        "flags",
        "provider",
        "bootstrap",
        "policy",
    ] {
        let help = work
            .irsactl(&format!("{command} --help"))
            .ok()
            .replace("\\\n", " ");
        let section = help
            .split_once("Examples:\n")
            .unwrap()
            .1
            .split("\n\n")
            .next()
            .unwrap()
            .to_owned();
        for line in section.lines().map(str::trim) {
            let line = line
                .split(" > ")
                .next()
                .unwrap()
                .strip_prefix("irsactl ")
                .unwrap()
                .to_owned();
            let offline = "--dry-run --offline --account-id 111122223333";
            let line = match command {
                "publish" | "provider" | "bootstrap" => {
                    let kept: Vec<&str> = line
                        .split("--yes")
                        .flat_map(|part| part.split("--dry-run"))
                        .collect();
                    let kept = kept.concat();
                    let kept = kept.replace("--offline --account-id 111122223333", "");
                    format!("{kept} {offline}")
                }
                "flags" | "discovery" if !line.contains("--issuer") => {
                    format!("{line} --account-id 111122223333")
                }
                "jwks" => line.replace("/etc/kubernetes/pki/sa.pub", "issuer/sa-signer.pub"),
                _ => line,
            };
            work.irsactl(&line).ok();
            examples += 1;
        }
    }
    assert!(examples > 12);
}
