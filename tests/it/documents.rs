//! Documents are executed: README.md, every examples/*.md and tests/help.md.
//!
//! A `console` block is a shell session. `$ ` starts a command and `> ` goes on with it; what follows
//! is its output, stdout and stderr together, with `[..]` for a part of a line and `...` for lines.
//! `? N` names an exit code other than 0. Key IDs, thumbprints and durations may be others than the
//! document's, since they are others in each run. All blocks of a document share a directory and a local
//! AWS. With UPDATE=1 the outputs are written anew.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;
use snapbox::{Assert, Data};
use tempfile::TempDir;

use crate::local_aws::LocalAws;
use crate::tenant::{Offline, Run, TOOLS};

fn repository() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

struct Step {
    command: String,
    expected: Vec<String>,
    code: i32,
}

/// A document as what is between the steps, and the steps.
enum Part {
    Prose(String),
    Step(Step),
}

fn parse(text: &str) -> Vec<Part> {
    let mut parts = Vec::new();
    let mut in_session = false;
    for line in text.lines() {
        match parts.last_mut() {
            _ if !in_session => {
                in_session = line == "```console";
                parts.push(Part::Prose(line.to_owned()));
            }
            _ if line == "```" => {
                in_session = false;
                parts.push(Part::Prose(line.to_owned()));
            }
            _ if line.starts_with("$ ") => {
                parts.push(Part::Step(Step {
                    command: line[2..].to_owned(),
                    expected: Vec::new(),
                    code: 0,
                }));
            }
            Some(Part::Step(step)) => match (line.strip_prefix("> "), line.strip_prefix("? ")) {
                (Some(more), _) if step.expected.is_empty() => step.command += &format!("\n{more}"),
                (_, Some(code)) if step.expected.is_empty() => step.code = code.parse().unwrap(),
                _ => step.expected.push(line.to_owned()),
            },
            _ => panic!("a console block starts with '$ ', not with {line:?}"),
        }
    }
    parts
}

fn render(parts: &[Part]) -> String {
    let mut text = String::new();
    for part in parts {
        match part {
            Part::Prose(line) => text += &format!("{line}\n"),
            Part::Step(step) => {
                text += &format!("$ {}\n", step.command.replace('\n', "\n> "));
                if step.code != 0 {
                    text += &format!("? {}\n", step.code);
                }
                for line in &step.expected {
                    text += &format!("{line}\n");
                }
            }
        }
    }
    text
}

/// The text with key IDs, thumbprints and durations replaced by what they are.
fn normalized(text: &str) -> String {
    let is_word = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    let mut normalized = String::new();
    let mut rest = text;
    while !rest.is_empty() {
        let end = rest.find(|c| !is_word(c)).unwrap_or(rest.len());
        let (word, after) = rest.split_at(end);
        let digits = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
        normalized += match word.split_once('.') {
            Some((seconds, tenths))
                if digits(seconds) && digits(tenths) && after.starts_with(" s\n") =>
            {
                "DURATION"
            }
            None if word.len() == 43 => "KID",
            None if word.len() == 40 && word.bytes().all(|b| b.is_ascii_hexdigit()) => "THUMBPRINT",
            _ => word,
        };
        let separator = after.chars().next().map_or(0, char::len_utf8);
        normalized += &after[..separator];
        rest = &after[separator..];
    }
    normalized
}

/// Runs every session of a document; returns how many commands it had.
fn execute(document: &Path) -> usize {
    let state = TempDir::new().unwrap();
    let aws = LocalAws::start(&TOOLS, state.path());
    let mut work = Offline::new();
    work.environment
        .extend(aws.environment("111122223333", "us-west-2"));
    let binaries = Path::new(env!("CARGO_BIN_EXE_irsactl"))
        .parent()
        .unwrap()
        .to_owned();
    let judges = TOOLS.program("");
    let path = std::env::join_paths(
        [binaries, judges]
            .into_iter()
            .chain(std::env::split_paths(&std::env::var_os("PATH").unwrap())),
    );
    work.environment.insert("COLUMNS", "100".to_owned());
    let mut parts = parse(&fs::read_to_string(document).unwrap());
    let assert = Assert::new().normalize_paths(false);
    let text = |text: &str| Data::text(normalized(text));
    let mut steps = 0;
    for part in &mut parts {
        let Part::Step(step) = part else { continue };
        let mut shell = work.command("sh");
        shell
            .args(["-c", &format!("exec 2>&1; {}", step.command)])
            .env("PATH", path.as_ref().unwrap());
        if step.command.starts_with("cargo ") {
            shell
                .current_dir(repository())
                .env("HOME", std::env::var_os("HOME").unwrap_or_default());
        }
        let output = shell.output().unwrap();
        let actual = String::from_utf8(output.stdout).unwrap();
        let expected = step.expected.join("\n") + if step.expected.is_empty() { "" } else { "\n" };
        let result = assert.try_eq(Some(&step.command), text(&actual), text(&expected));
        let fits = result.is_ok() && output.status.code() == Some(step.code);
        if std::env::var_os("UPDATE").is_none() {
            assert!(
                fits,
                "{}: $ {}\ncode {:?}, expected {}\n{}",
                document.display(),
                step.command,
                output.status.code(),
                step.code,
                result.err().map(|e| e.to_string()).unwrap_or_default()
            );
        } else if !fits {
            step.expected = actual.lines().map(str::to_owned).collect();
            step.code = output.status.code().unwrap();
        }
        steps += 1;
    }
    if std::env::var_os("UPDATE").is_some() {
        fs::write(document, render(&parts)).unwrap();
    }
    steps
}

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

/// The YAML judge is PyYAML.
fn yaml(work: &Offline, text: &str) -> Value {
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
