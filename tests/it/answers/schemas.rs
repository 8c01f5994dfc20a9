//! The JSON Schemas of the answers: those in the tree are the types', and every answer in JSON that a test
//! of this suite sees fits its own, as jsonschema has it.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::PathBuf;
use std::process::{Child, Stdio};
use std::sync::{LazyLock, Mutex};

use clap::CommandFactory;
use irsactl::cli::Cli;
use irsactl::schemas::schemas;
use serde_json::{Value, json};

use crate::support::session::repository;
use crate::support::tenant::{Offline, Run, TOOLS, Tenant};

/// Commands that print documents of a form of their own.
const DOCUMENTS: [&str; 6] = [
    "jwks",
    "discovery",
    "policy",
    "config schema",
    "completions",
    "man",
];

fn directory() -> PathBuf {
    repository().join("schemas")
}

fn file_name(command: &str) -> String {
    format!("{}.schema.json", command.replace(' ', "-"))
}

struct Judge(Child);

impl Judge {
    fn start() -> Mutex<Self> {
        let mut python = std::process::Command::new(TOOLS.python());
        python.arg(TOOLS.judges().join("json_schema.py"));
        python.arg(directory()).stdin(Stdio::piped());
        Mutex::new(Self(python.stdout(Stdio::piped()).spawn().unwrap()))
    }

    fn verdict(&mut self, schema: &str, answer: &Value) -> String {
        let stdin = self.0.stdin.as_mut().unwrap();
        let question = json!({ "schema": schema, "answer": answer });
        writeln!(stdin, "{question}").unwrap();
        let mut verdict = String::new();
        // One line is there for each question, so nothing is lost with the buffer.
        BufReader::new(self.0.stdout.as_mut().unwrap())
            .read_line(&mut verdict)
            .unwrap();
        verdict.trim_end().to_owned()
    }
}

/// What the judge says of a command's answer.
fn verdict(command: &str, answer: &Value) -> String {
    static JUDGE: LazyLock<Mutex<Judge>> = LazyLock::new(Judge::start);
    JUDGE.lock().unwrap().verdict(&file_name(command), answer)
}

/// The words of a command line that name the command.
fn command_of(arguments: &[&str]) -> String {
    let mut words = Vec::new();
    let mut level = Cli::command();
    level.build();
    for argument in arguments {
        if let Some(below) = level.find_subcommand(argument).cloned() {
            words.push(*argument);
            level = below;
        }
    }
    words.join(" ")
}

/// Looks at what a run answered in JSON, where it did.
#[track_caller]
pub(crate) fn judge(arguments: &str, run: &Run) {
    let words: Vec<&str> = arguments.split_whitespace().collect();
    let command = command_of(&words);
    let has = |option: [&str; 2]| words.windows(2).any(|pair| pair == option);
    let is_document = DOCUMENTS.contains(&command.as_str())
        || words.contains(&"--print-trust-policy")
        || has(["--out", "-"]);
    if !has(["-o", "json"]) || is_document || run.stdout.is_empty() {
        return;
    }
    let answer = serde_json::from_str(&run.stdout).unwrap();
    assert_eq!(verdict(&command, &answer), "ok", "{arguments}: {answer:#}");
}

#[test]
fn the_schemas_in_the_tree_are_the_types_and_every_command_has_one() {
    let mut names = Vec::new();
    for (command, schema) in schemas() {
        let path = directory().join(file_name(command));
        let text = format!("{schema:#}\n");
        if std::env::var_os("UPDATE").is_some() {
            fs::write(&path, &text).unwrap();
        }
        let kept = fs::read_to_string(&path).unwrap_or_default();
        assert_eq!(text, kept, "UPDATE=1 cargo test --test it answers");
        names.push(file_name(command));
    }
    let kept = fs::read_dir(directory()).unwrap();
    let mut kept: Vec<String> = kept
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.push("README.md".to_owned());
    names.sort();
    kept.sort();
    assert_eq!(names, kept);

    let mut commands = Vec::new();
    let mut tree = Cli::command();
    tree.build();
    for command in tree.get_subcommands() {
        let name = command.get_name();
        let mut below = command.get_subcommands().peekable();
        match below.peek() {
            None => commands.push(name.to_owned()),
            Some(_) => commands.extend(below.map(|below| format!("{name} {}", below.get_name()))),
        }
    }
    let known = schemas().into_iter().map(|(command, _)| command);
    let mut known: Vec<&str> = known.chain(DOCUMENTS).collect();
    known.sort_unstable();
    commands.sort();
    assert_eq!(commands, known);
}

#[test]
fn every_commands_answer_fits_and_another_member_would_not() {
    let tenant = Tenant::new();
    let issuer = "https://kubernetes.default.svc.cluster.local";

    let mut judged = Vec::new();
    for line in [
        "keygen",
        "bootstrap --cluster demo --dry-run",
        "bootstrap --cluster demo --yes",
        "bootstrap --cluster demo --tag team=platform --dry-run --out plan.json",
        "apply plan.json",
        "report --cluster demo --html report.html",
        "emit terraform --cluster demo",
        "publish --cluster demo --yes",
        "provider --cluster demo --dry-run",
        "provider --cluster demo --yes",
        "thumbprint --cluster demo",
        "flags --cluster demo",
        "role --cluster demo --service-account default/app --dry-run",
        "role --cluster demo --service-account default/app --yes",
        "webhook --certificate self-signed",
        "echoer --cluster demo --service-account default/app",
        "verify --cluster demo",
        "verify --dangling",
        "explain RegionDisabledException",
        "token mint --cluster demo --subject default/app --out token",
        "token decode token",
        "config print --cluster demo",
        "migrate start --cluster demo --format kubeadm --existing-issuer ISSUER",
        "migrate next --assume-done",
        "migrate back",
        "migrate status",
        "rotate prepare --cluster demo --yes",
        "rotate activate --cluster demo",
        "rotate status --cluster demo",
        "rotate retire --cluster demo --compromised --dry-run",
        "rotate retire --cluster demo --compromised --yes",
        "destroy --cluster demo --roles --dry-run",
        "destroy --cluster demo --roles --confirm demo",
    ] {
        // Offline::irsactl has each of them judged.
        let run = tenant.irsactl(&format!("{line} -o json").replace("ISSUER", issuer));
        assert!(!run.stdout.is_empty(), "{line}: {run:#?}");
        let words: Vec<&str> = line.split(' ').collect();
        judged.push(command_of(&words));
    }
    let missing = schemas().into_iter().map(|(command, _)| command);
    let missing: Vec<&str> = missing
        .filter(|command| !judged.iter().any(|one| one == command))
        .collect();
    assert!(missing.is_empty(), "{missing:?}");

    let work = Offline::new();
    let mut answer = work.irsactl("keygen -o json").json();
    answer["more"] = json!(1);
    assert_eq!(
        verdict("keygen", &answer),
        "$: Additional properties are not allowed ('more' was unexpected)"
    );
    answer = json!({ "format_version": "1.0" });
    assert!(verdict("keygen", &answer).contains("is a required property"));
}
