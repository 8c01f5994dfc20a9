//! Runs the shell sessions of a Markdown document.
//!
//! A `console` block is a shell session. `$ ` starts a command and `> ` goes on with it; what follows
//! is its output, stdout and stderr together, with `[..]` for a part of a line and `...` for lines.
//! `? N` names an exit code other than 0. Key IDs, thumbprints, times and durations may be others than the
//! document's, since they are others in each run. All blocks of a document share a directory, with
//! examples/irsactl.yaml in it, a local AWS, and a stand-in for a cluster where kubectl is used. With
//! UPDATE=1 the outputs of a document that does not fit are written anew.

use std::fs;
use std::path::Path;

use snapbox::{Assert, Data};
use tempfile::TempDir;

use crate::support::local_aws::LocalAws;
use crate::support::local_cluster::LocalCluster;
use crate::support::tenant::{Offline, TOOLS};

/// Where the sources are.
pub(crate) fn repository() -> &'static Path {
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

/// The text with times, such as 2026-11-22T05:56:32Z, replaced by what they are.
fn without_times(text: &str) -> String {
    let shape = "dddd-dd-ddTdd:dd:ddZ";
    let is_time = |text: &str| {
        let fits = |(a, b): (u8, u8)| {
            if b == b'd' {
                a.is_ascii_digit()
            } else {
                a == b
            }
        };
        text.len() >= shape.len() && text.bytes().zip(shape.bytes()).all(fits)
    };
    let mut replaced = String::new();
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let taken = match is_time(rest) {
            true => {
                replaced += "TIME";
                shape.len()
            }
            false => {
                replaced.push(c);
                c.len_utf8()
            }
        };
        rest = &rest[taken..];
    }
    replaced
}

/// The text with key IDs, thumbprints and durations replaced by what they are; equal key IDs stay
/// equal, through the whole document.
fn normalized(text: &str, names: &mut Vec<String>) -> String {
    let is_word = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    const FRONT: &str = "sa-signer-";
    let mut name = |kid: &str| {
        let known = names.iter().position(|name| name == kid);
        if known.is_none() {
            names.push(kid.to_owned());
        }
        format!("KID{}", known.unwrap_or(names.len() - 1))
    };
    let mut normalized = String::new();
    let mut rest = text;
    while !rest.is_empty() {
        let end = rest.find(|c| !is_word(c)).unwrap_or(rest.len());
        let (word, after) = rest.split_at(end);
        let digits = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
        // Files are called by key IDs too.
        let (front, core) = match word.strip_prefix(FRONT) {
            Some(core) => (FRONT, core),
            None => ("", word),
        };
        let (core, back) = core.split_at(core.find('.').unwrap_or(core.len()));
        let replaced = match word.split_once('.') {
            Some((seconds, tenths))
                if digits(seconds) && digits(tenths) && after.starts_with(" s\n") =>
            {
                "DURATION".to_owned()
            }
            _ if core.len() == 43 => format!("{front}{}{back}", name(core)),
            None if word.len() == 40 && word.bytes().all(|b| b.is_ascii_hexdigit()) => {
                "THUMBPRINT".to_owned()
            }
            _ => word.to_owned(),
        };
        normalized += &replaced;
        let separator = after.chars().next().map_or(0, char::len_utf8);
        normalized += &after[..separator];
        rest = &after[separator..];
    }
    normalized
}

/// Runs every session of a document; returns how many commands it had.
pub(crate) fn execute(document: &Path) -> usize {
    let state = TempDir::new().unwrap();
    let aws = LocalAws::start(&TOOLS, state.path());
    let mut work = Offline::new();
    let file = "irsactl.yaml";
    fs::copy(repository().join("examples").join(file), work.path(file)).unwrap();
    work.environment
        .extend(aws.environment("111122223333", "us-west-2"));
    let text = fs::read_to_string(document).unwrap();
    let _cluster = text
        .contains("$ kubectl")
        .then(|| LocalCluster::start(&mut work));
    execute_in(work, document)
}

/// The same for a document whose commands need no AWS.
pub(crate) fn execute_offline(document: &Path) -> usize {
    execute_in(Offline::new(), document)
}

fn execute_in(mut work: Offline, document: &Path) -> usize {
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
    let (mut shown, mut written) = (Vec::new(), Vec::new());
    let (mut steps, mut all_fit) = (0, true);
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
        let result = assert.try_eq(
            Some(&step.command),
            Data::text(normalized(&without_times(&actual), &mut shown)),
            Data::text(normalized(&without_times(&expected), &mut written)),
        );
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
        } else if !fits || !expected.contains("[..]") {
            step.expected = actual.lines().map(str::to_owned).collect();
            step.code = output.status.code().unwrap();
        }
        all_fit &= fits;
        steps += 1;
    }
    if !all_fit {
        fs::write(document, render(&parts)).unwrap();
    }
    steps
}
