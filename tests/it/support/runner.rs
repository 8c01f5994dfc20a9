//! Runs the one job of a GitHub workflow as GitHub's runner does: each `run` with `bash -e`, the files that it may write to,
//! a step's `env`, outputs and PATH.
//!
//! Two actions are stood in for: checkout, since the files are there, and configure-aws-credentials, which gives the steps
//! after it the account's credentials. `gh` is a script that records its calls, and hands out the archive under test.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;
use tempfile::TempDir;

use crate::issuer::generated::yaml;
use crate::support::tenant::{Run, Tenant};

const GH: &str = r#"#!/bin/sh
call=$CALLS/$(printf %03d "$(ls "$CALLS" | grep -c arguments)")
echo "$*" > "$call.arguments"
: > "$call.body"
case $1 in api | issue | label) [ -n "$GH_TOKEN" ] || exit 4 ;; esac
previous=
for argument; do
  case $previous in
  --body-file) cp "$argument" "$call.body" ;;
  --field) cp "${argument#body=@}" "$call.body" ;;
  --pattern) cp "$ARCHIVE" "$argument" ;;
  esac
  previous=$argument
done
case $* in
"issue list"*) printf %s "$OPEN_ISSUE" ;;
*--paginate*) printf %s "$OWN_COMMENTS" ;;
esac
"#;

pub(crate) struct Job<'a> {
    tenant: &'a Tenant,
    job: Value,
    defaults: Value,
    temp: TempDir,
    archive: PathBuf,
    open_issue: &'static str,
    own_comments: &'static str,
    outputs: HashMap<String, String>,
    path: Vec<PathBuf>,
    has_credentials: bool,
}

/// What a job came to.
#[derive(Debug)]
pub(crate) struct Finished {
    pub(crate) summary: String,
    pub(crate) outputs: HashMap<String, String>,
    runs: Vec<Run>,
    calls: Vec<Call>,
}

/// A call of `gh`.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    pub(crate) arguments: String,
    pub(crate) body: String,
}

impl Finished {
    pub(crate) fn succeeded(&self) -> bool {
        self.runs.iter().all(|run| run.code == 0)
    }

    pub(crate) fn gh(&self, command: &str) -> Vec<Call> {
        let calls = self.calls.iter();
        calls
            .filter(|call| call.arguments.starts_with(command))
            .cloned()
            .collect()
    }
}

impl<'a> Job<'a> {
    pub(crate) fn of(tenant: &'a Tenant, workflow: &Path, archive: &Path) -> Self {
        let workflow = yaml(tenant, &fs::read_to_string(workflow).unwrap());
        let jobs = workflow["jobs"].as_object().unwrap();
        let (_, job) = jobs.iter().next().unwrap();
        let temp = TempDir::new().unwrap();
        for name in ["bin", "calls"] {
            fs::create_dir(temp.path().join(name)).unwrap();
        }
        let job = Self {
            tenant,
            job: job.clone(),
            defaults: workflow["defaults"].clone(),
            path: vec![temp.path().join("bin")],
            temp,
            archive: archive.to_owned(),
            open_issue: "",
            own_comments: "",
            outputs: HashMap::new(),
            has_credentials: false,
        };
        fs::write(job.file("bin/gh"), GH).unwrap();
        tenant.shell(&format!("chmod +x {}", job.file("bin/gh").display()));
        job
    }

    pub(crate) fn with_open_issue(mut self, number: &'static str) -> Self {
        self.open_issue = number;
        self
    }

    /// What the question for the job's own comments finds: a number a line.
    pub(crate) fn with_own_comments(mut self, numbers: &'static str) -> Self {
        self.own_comments = numbers;
        self
    }

    pub(crate) fn run(mut self) -> Finished {
        let mut runs = Vec::new();
        let mut succeeded = true;
        let steps = self.job["steps"].as_array().unwrap().clone();
        for step in &steps {
            let wanted = match step["if"].as_str() {
                None => succeeded,
                Some(condition) if condition.starts_with("failure() && ") => !succeeded,
                Some(other) => panic!("what is {other:?}?"),
            };
            match step["uses"].as_str() {
                _ if !wanted => {}
                Some(action) => self.uses(action, &step["with"]),
                None => {
                    let run = self.step(step);
                    succeeded &= run.code == 0;
                    runs.push(run);
                }
            }
        }
        let outputs = self.job["outputs"].as_object().into_iter().flatten();
        let outputs = outputs.map(|(name, value)| (name.clone(), self.expanded(value)));
        let calls = (0..)
            .map(|number| self.file(&format!("calls/{number:03}")))
            .take_while(|call| call.with_extension("arguments").exists())
            .map(|call| {
                let read = |extension| fs::read_to_string(call.with_extension(extension)).unwrap();
                Call {
                    arguments: read("arguments").trim_end().to_owned(),
                    body: read("body"),
                }
            });
        Finished {
            summary: fs::read_to_string(self.file("summary")).unwrap_or_default(),
            outputs: outputs.collect(),
            calls: calls.collect(),
            runs,
        }
    }

    fn file(&self, name: &str) -> PathBuf {
        self.temp.path().join(name)
    }

    fn uses(&mut self, action: &str, with: &Value) {
        match action.split('@').next().unwrap() {
            "actions/checkout" => assert_eq!(with["persist-credentials"], false),
            "aws-actions/configure-aws-credentials" => {
                assert!(
                    self.expanded(&with["role-to-assume"])
                        .starts_with("arn:aws:iam::")
                );
                assert_eq!(self.expanded(&with["aws-region"]), self.tenant.region);
                self.has_credentials = true;
            }
            other => panic!("nobody stands in for {other}"),
        }
    }

    fn step(&mut self, step: &Value) -> Run {
        let mut bash = self.tenant.command("bash");
        fs::write(self.file("script"), step["run"].as_str().unwrap()).unwrap();
        for name in ["output", "path"] {
            fs::write(self.file(name), "").unwrap();
        }
        // As the runner's own documentation has it, for a shell that is named and one that is not.
        match self.defaults["run"]["shell"].as_str() {
            Some("bash") => bash.args(["--noprofile", "--norc", "-eo", "pipefail"]),
            _ => bash.arg("-e"),
        };
        bash.arg(self.file("script"));
        if let Some(directory) = step.get("working-directory") {
            bash.current_dir(self.expanded(directory));
        }
        let inherited = std::env::var_os("PATH").unwrap();
        let path = self
            .path
            .iter()
            .cloned()
            .chain(std::env::split_paths(&inherited));
        bash.env("PATH", std::env::join_paths(path).unwrap())
            .env("GITHUB_ACTIONS", "true")
            .env("RUNNER_TEMP", self.temp.path())
            .env("GITHUB_REPOSITORY", "acme/clusters")
            .env("GITHUB_OUTPUT", self.file("output"))
            .env("GITHUB_PATH", self.file("path"))
            .env("GITHUB_STEP_SUMMARY", self.file("summary"))
            .env("CALLS", self.file("calls"))
            .env("ARCHIVE", &self.archive)
            .env("OPEN_ISSUE", self.open_issue)
            .env("OWN_COMMENTS", self.own_comments);
        if !self.has_credentials {
            for name in ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_REGION"] {
                bash.env_remove(name);
            }
        }
        for (name, value) in step["env"].as_object().into_iter().flatten() {
            bash.env(name, self.expanded(value));
        }
        let run = bash.output().unwrap().into();
        let read = |name| fs::read_to_string(self.file(name)).unwrap();
        let (output, path) = (read("output"), read("path"));
        self.path.splice(0..0, path.lines().map(PathBuf::from));
        if let Some(id) = step["id"].as_str() {
            let variables = output.lines().filter_map(|line| line.split_once('='));
            let named = variables
                .map(|(name, value)| (format!("steps.{id}.outputs.{name}"), value.to_owned()));
            self.outputs.extend(named);
        }
        run
    }

    /// The text with its `${{ }}` replaced by what a runner would know.
    fn expanded(&self, text: &Value) -> String {
        let mut expanded = String::new();
        let mut rest = text.as_str().unwrap();
        while let Some((front, back)) = rest.split_once("${{") {
            let (expression, back) = back.split_once("}}").unwrap();
            let version = concat!("v", env!("CARGO_PKG_VERSION"));
            expanded += front;
            expanded += match expression.trim() {
                "github.token" => "token",
                "github.server_url" => "https://github.example",
                "github.repository" => "acme/clusters",
                "github.run_id" => "1",
                "github.event.pull_request.number" => "7",
                "runner.temp" => self.temp.path().to_str().unwrap(),
                "vars.AWS_REGION" => &self.tenant.region,
                "vars.IRSACTL_REPOSITORY" => "acme/irsactl",
                "vars.IRSACTL_VERSION" => version,
                role if role.starts_with("vars.IRSA_") => "arn:aws:iam::111122223333:role/ci",
                other => match self.outputs.get(other) {
                    Some(output) => output,
                    None => panic!("nobody knows {other:?}"),
                },
            };
            rest = back;
        }
        expanded + rest
    }
}
