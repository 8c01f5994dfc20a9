//! One case: a run that meets a fault, a clean run, and one that finds nothing to do.

use std::collections::{BTreeSet, HashSet};
use std::fs::{self, File};
use std::path::Path;
use std::process::{Child, Command, ExitStatus};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::promises::matrix::fault::{Fault, What};
use crate::promises::matrix::forks::Original;
use crate::promises::matrix::scenario::{Scenario, Stage};
use crate::promises::matrix::somebody_else::SOMEBODY_ELSE;
use crate::promises::matrix::{invariants, secret};
use crate::support::tenant::Run;

const TICK: Duration = Duration::from_millis(4);

/// The nth call of a command meets a fault.
pub(super) struct Case<'m> {
    pub(super) scenario: &'m Scenario,
    pub(super) prepared: &'m (Original, std::path::PathBuf),
    pub(super) nth: usize,
    pub(super) fault: &'m Fault,
    /// The ends that were seen to leave nothing to do: of all cases.
    pub(super) ends: &'m Mutex<HashSet<String>>,
}

pub(super) enum Outcome {
    Passed,
    /// As passed: the run had changed nothing, so that the next one is the counted one over again.
    Unchanged,
    /// The run made fewer calls than the one that was counted.
    NotReached,
    Failed(String),
}

/// A run of the binary and the calls that it made.
struct Made {
    run: Run,
    calls: Vec<Value>,
}

impl Case<'_> {
    pub(super) fn name(&self) -> String {
        format!("{}:{}:{}", self.scenario.name, self.nth, self.fault.name)
    }

    pub(super) fn check(&self) -> Outcome {
        // Where a machine is slow, a short `--timeout` can be over before the call comes.
        match self.check_within(self.fault.timeout()) {
            // Below the SDK's own 30 s for an attempt, after which it would make the call again.
            Outcome::NotReached => self.check_within(20),
            outcome => outcome,
        }
    }

    fn check_within(&self, timeout: u32) -> Outcome {
        let home = TempDir::new().unwrap();
        let stage = self.scenario.stage(self.prepared, home.path());
        let mut seen = stage.aws.0.log().len();
        let issuer = stage.directory.join("issuer");
        let files = invariants::files(&issuer);
        let faulty = match self.run_with_fault(&stage, home.path(), &mut seen, timeout) {
            Ok(made) => made,
            Err(why) => return Outcome::Failed(why),
        };
        let Some(call) = faulty.calls.iter().find(|call| call["fault"].is_string()) else {
            return Outcome::NotReached;
        };
        let is_unchanged =
            invariants::effects(&faulty.calls).is_empty() && files == invariants::files(&issuer);
        let mut made = vec![];
        let verdict = self
            .judge_first(&stage, home.path(), &faulty, call)
            .and_then(|()| match is_unchanged && faulty.run.code != 0 {
                true => Ok(()),
                false => self.judge_later(&stage, home.path(), &mut seen, &faulty, &mut made),
            });
        match verdict {
            Ok(()) if made.is_empty() => Outcome::Unchanged,
            Ok(()) => Outcome::Passed,
            Err(why) => {
                made.insert(0, faulty.run);
                Outcome::Failed(format!("{why} ({})\n{made:#?}", call["operation"]))
            }
        }
    }

    /// The run that met the fault.
    fn judge_first(
        &self,
        stage: &Stage,
        home: &Path,
        faulty: &Made,
        call: &Value,
    ) -> Result<(), String> {
        invariants::bucket_behind_provider(&stage.aws.0)?;
        let confirmed = invariants::confirmed(&faulty.calls);
        self.fault.judge(&faulty.run, call, confirmed)?;
        self.judge_neighbour(stage, home, faulty.run.code)?;
        secret::is_nowhere(&stage.directory.join("issuer"), &texts(faulty))
    }

    /// The runs after it.
    fn judge_later(
        &self,
        stage: &Stage,
        home: &Path,
        seen: &mut usize,
        faulty: &Made,
        later: &mut Vec<Run>,
    ) -> Result<(), String> {
        // The log has what the neighbour may have done once more.
        *seen = stage.aws.0.log().len();
        let clean = self.run(stage, home, seen);
        secret::is_nowhere(&stage.directory.join("issuer"), &texts(&clean))?;
        let (first, second) = (
            invariants::effects(&faulty.calls),
            invariants::effects(&clean.calls),
        );
        let mut settled = self.scenario.is_settled(&clean.run) && second.is_empty();
        let (code, nothing_left) = (clean.run.code, settled || faulty.run.code != 0);
        later.push(clean.run);
        if self.keeps_neighbour(later.last()) {
            return invariants::neighbour_is_public(&stage.aws.0);
        }
        is(code == 0 || settled, "the clean run fails")?;
        is(
            nothing_left,
            "exit code 0, and the next run finds something to do",
        )?;
        if !matches!(self.fault.what, What::Writes(_)) {
            let again: BTreeSet<&String> =
                first.iter().filter(|one| second.contains(one)).collect();
            is(again.is_empty(), &format!("made again: {again:?}"))?;
            invariants::made_once(first.iter().chain(&second))?;
        }
        self.judge_neighbour(stage, home, code)?;
        invariants::bucket_behind_provider(&stage.aws.0)?;
        // The same changes of the same things, and the same files: the same end.
        let all: BTreeSet<&String> = first.iter().chain(&second).collect();
        let files = invariants::files(&stage.directory.join("issuer"));
        let files: Vec<(_, &Vec<u8>)> = files.iter().map(|(p, f)| (p.file_name(), f)).collect();
        let end = format!("{} {all:?} {files:?}", self.scenario.name);
        settled |= self.ends.lock().unwrap().contains(&end);
        if !settled {
            let third = self.run(stage, home, seen);
            settled = self.scenario.is_settled(&third.run);
            let effects = invariants::effects(&third.calls);
            later.push(third.run);
            is(
                settled && effects.is_empty(),
                "the third run finds something to do",
            )?;
            self.ends.lock().unwrap().insert(end);
        }
        invariants::one_new_key(self.scenario, &stage.directory.join("issuer"))
    }

    /// A run without a fault.
    fn run(&self, stage: &Stage, home: &Path, seen: &mut usize) -> Made {
        let mut child = self.spawn(stage, home, 60, true);
        let status = child.wait().unwrap();
        made(stage, home, status, seen)
    }

    fn spawn(&self, stage: &Stage, home: &Path, timeout: u32, retries: bool) -> Child {
        let arguments = format!("{} --timeout {timeout}", self.scenario.command);
        let mut command = stage.aws.0.command(&stage.directory, &arguments);
        if !retries {
            command.env("AWS_MAX_ATTEMPTS", "1");
        }
        let file = |name: &str| File::create(home.join(name)).unwrap();
        command.stdout(file("stdout")).stderr(file("stderr"));
        command.spawn().unwrap()
    }

    fn run_with_fault(
        &self,
        stage: &Stage,
        home: &Path,
        seen: &mut usize,
        timeout: u32,
    ) -> Result<Made, String> {
        let (fault, aws) = (self.fault, &stage.aws.0);
        aws.control("fault", &fault.plan(self.nth));
        let mut child = self.spawn(stage, home, timeout, fault.retries);
        let status = match fault.what {
            What::Signals(signals, _) => signalled(&mut child, stage, home, signals),
            What::Writes(writer) => self.overtaken(&mut child, stage, home, writer),
            _ => Ok(child.wait().unwrap()),
        };
        // Whoever is gone has its call done all the same, unless it never got there.
        let commit = matches!(
            fault.what,
            What::Signals(["INT", ..] | ["TERM", ..], _) | What::Writes(_)
        );
        let is_held = home.join("aws/held").exists();
        aws.control("go", &json!({ "commit": commit }));
        aws.control("fault", &json!({ "nth": 0 }));
        let start = Instant::now();
        while is_held && !aws.log().iter().any(|call| call["fault"].is_string()) {
            if start.elapsed() > Duration::from_secs(10) {
                return Err("the held call is not in the log".to_owned());
            }
            std::thread::sleep(TICK);
        }
        Ok(made(stage, home, status?, seen))
    }
}

/// Waits for the end, or for something else that may come first.
pub(super) fn until(
    child: &mut Child,
    what: &str,
    now: &dyn Fn() -> bool,
) -> Result<Option<ExitStatus>, String> {
    let start = Instant::now();
    loop {
        if let Some(status) = child.try_wait().unwrap() {
            return Ok(Some(status));
        }
        if now() {
            return Ok(None);
        }
        if start.elapsed() > Duration::from_secs(90) {
            child.kill().unwrap();
            return Err(format!("{what} never came"));
        }
        std::thread::sleep(TICK);
    }
}

/// Sends the signals while the call is held, and lets it go on where the first only asks to stop.
fn signalled(
    child: &mut Child,
    stage: &Stage,
    home: &Path,
    signals: &[&str],
) -> Result<ExitStatus, String> {
    let held = home.join("aws/held");
    if let Some(status) = until(child, "the call", &|| held.exists())? {
        return Ok(status);
    }
    for (index, signal) in signals.iter().enumerate() {
        let mut kill = Command::new("kill");
        kill.arg(format!("-{signal}")).arg(child.id().to_string());
        assert!(kill.status().unwrap().success());
        let asked = || {
            let stderr = fs::read_to_string(home.join("stderr")).unwrap();
            stderr.contains("finishing the call in hand")
        };
        let may_go_on = index == 0 && *signal != "KILL";
        let ended = until(child, "the end after a signal", &|| may_go_on && asked())?;
        if let Some(status) = ended {
            return Ok(status);
        }
    }
    stage.aws.0.control("go", &json!({ "commit": true }));
    until(child, "the end", &|| false)?.ok_or_else(|| "no end".to_owned())
}

fn made(stage: &Stage, home: &Path, status: ExitStatus, seen: &mut usize) -> Made {
    let read = |name: &str| fs::read_to_string(home.join(name)).unwrap();
    let mut calls = stage.aws.0.log().split_off(*seen);
    *seen += calls.len();
    calls.retain(|call| call["app"] != SOMEBODY_ELSE);
    Made {
        run: Run {
            code: status.code().unwrap_or(-1),
            stdout: read("stdout"),
            stderr: read("stderr"),
        },
        calls,
    }
}

/// All that left the process.
fn texts(made: &Made) -> Vec<String> {
    let calls = made.calls.iter().map(Value::to_string);
    let outputs = [&made.run.stdout, &made.run.stderr].map(String::clone);
    calls.chain(outputs).collect()
}

pub(super) fn is(ok: bool, what: &str) -> Result<(), String> {
    match ok {
        true => Ok(()),
        false => Err(what.to_owned()),
    }
}
