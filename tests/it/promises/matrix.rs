//! Every changing command × every call that it makes × everything that can happen to a call, then
//! the same command again: see tests/README.md.

pub(crate) mod case;
pub(crate) mod fault;
pub(crate) mod forks;
pub(crate) mod invariants;
pub(crate) mod scenario;
pub(crate) mod secret;
pub(crate) mod somebody_else;

use std::io::Write;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use tempfile::TempDir;

use crate::promises::matrix::case::{Case, Outcome};
use crate::promises::matrix::fault::FAULTS;
use crate::promises::matrix::forks::Original;
use crate::promises::matrix::scenario::{SCENARIOS, Scenario};
use crate::support::tenant::{Offline, Run};

/// How many failures are shown in full.
const SHOWN: usize = 5;

/// How many cases run at once: each one mostly waits.
const JOBS: usize = 10;

#[test]
fn whatever_happens_to_a_call_the_next_run_converges() {
    let start = Instant::now();
    let offline = Offline::new();
    offline.irsactl("keygen").ok();
    let home = TempDir::new().unwrap();
    let wanted = std::env::var("MATRIX_CASE").unwrap_or_default();
    let mut wanted = wanted.split(':').filter(|part| !part.is_empty());
    let mut part = || wanted.next().filter(|part| *part != "*");
    let [command, nth, fault] = [part(), part(), part()];
    let prepared: Vec<(&Scenario, (Original, PathBuf), Vec<bool>)> = SCENARIOS
        .iter()
        .filter(|scenario| command.is_none_or(|command| command == scenario.name))
        .map(|scenario| {
            let prepared = scenario.prepare(home.path(), &offline.path("issuer"));
            let calls = calls(scenario, &prepared);
            (scenario, prepared, calls)
        })
        .collect();
    let ends = Mutex::default();
    let mut cases = Vec::new();
    for (scenario, prepared, calls) in &prepared {
        let numbers = (1..).zip(calls);
        for (nth, is_changing) in
            numbers.filter(|(n, _)| nth.is_none_or(|nth| nth == n.to_string()))
        {
            let faults = FAULTS
                .iter()
                .filter(|one| one.is_for(*is_changing))
                .filter(|one| fault.is_none_or(|fault| fault == one.name));
            cases.extend(faults.map(|fault| Case {
                scenario,
                prepared,
                nth,
                fault,
                ends: &ends,
            }));
        }
    }
    // The slow ones first, so that none is left alone at the end.
    cases.sort_by_key(|case| std::cmp::Reverse(case.fault.timeout() < 60));
    let Results {
        mut failures,
        missed,
        unchanged,
    } = run(&cases);
    let ends = ends.lock().unwrap().len();
    failures.sort();
    let calls: usize = prepared.iter().map(|(_, _, calls)| calls.len()).sum();
    let line = format!(
        "matrix: {} commands, {calls} calls, {} faults: {} cases ({unchanged} left nothing behind, {ends} ends), {} failed, {} not reached, {} s",
        prepared.len(),
        FAULTS.len(),
        cases.len(),
        failures.len(),
        missed.len(),
        start.elapsed().as_secs()
    );
    // Past the test harness, which shows nothing of a test that passes.
    writeln!(std::io::stderr(), "{line}").unwrap();
    let names: Vec<String> = failures
        .iter()
        .map(|(name, why)| format!("{name}: {}", why.lines().next().unwrap_or_default()))
        .collect();
    let shown: String = failures
        .iter()
        .take(SHOWN)
        .map(|(name, why)| format!("\nMATRIX_CASE={name} cargo test --test it matrix\n{why}\n"))
        .collect();
    assert!(failures.is_empty(), "{line}\n{names:#?}\n{shown}");
    assert!(missed.is_empty(), "{line}\nnot reached: {missed:#?}");
    assert!(!cases.is_empty(), "there is no such case");
}

/// The calls of a run that meets no fault, and whether each changes something; the next run makes no change.
fn calls(scenario: &Scenario, prepared: &(Original, PathBuf)) -> Vec<bool> {
    let home = TempDir::new().unwrap();
    let stage = scenario.stage(prepared, home.path());
    let before = stage.aws.0.log().len();
    let run = || -> Run {
        let mut command = stage.aws.0.command(&stage.directory, scenario.command);
        command.output().unwrap().into()
    };
    run().ok();
    let calls = stage.aws.0.log().split_off(before);
    let again = run();
    assert!(scenario.is_settled(&again), "{again:#?}");
    calls.iter().map(|call| call["changing"] == true).collect()
}

#[derive(Default)]
struct Results {
    failures: Vec<(String, String)>,
    /// Cases whose call never came.
    missed: Vec<String>,
    /// Cases in which the first run had no effect at all.
    unchanged: usize,
}

/// Runs the cases, many at once.
fn run(cases: &[Case<'_>]) -> Results {
    let next = AtomicUsize::new(0);
    let results = Mutex::new(Results::default());
    let jobs = std::env::var("MATRIX_JOBS").map_or(JOBS, |jobs| jobs.parse().unwrap());
    let work = || {
        while let Some(case) = cases.get(next.fetch_add(1, Ordering::Relaxed)) {
            let outcome = catch_unwind(AssertUnwindSafe(|| case.check()))
                .unwrap_or_else(|_| Outcome::Failed("the test itself panicked".to_owned()));
            let mut results = results.lock().unwrap();
            match outcome {
                Outcome::Passed => {}
                Outcome::Unchanged => results.unchanged += 1,
                Outcome::NotReached => results.missed.push(case.name()),
                Outcome::Failed(why) => results.failures.push((case.name(), why)),
            }
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..jobs {
            scope.spawn(work);
        }
    });
    results.into_inner().unwrap()
}
