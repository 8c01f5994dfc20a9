//! The cost of whole processes, and what is said of it.

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use wait4::Wait4;

/// What one process cost.
#[derive(Clone, Copy)]
pub(crate) struct Cost {
    pub(crate) wall: Duration,
    /// User and system time, its children's included.
    pub(crate) cpu: Duration,
    /// Its largest resident set, in bytes.
    pub(crate) peak: u64,
}

/// Runs a program that must succeed; its stdout is read by nobody.
pub(crate) fn run(mut command: Command) -> Cost {
    command.stdin(Stdio::null()).stdout(Stdio::null());
    // What it says is shown when it fails.
    let said = tempfile::NamedTempFile::new().unwrap();
    command.stderr(said.reopen().unwrap());
    let start = Instant::now();
    let child = command
        .spawn()
        .unwrap_or_else(|e| panic!("{command:?}: {e}"));
    let usage = child.wait4().unwrap();
    let wall = start.elapsed();
    let stderr = std::fs::read_to_string(said.path()).unwrap();
    assert!(usage.status.success(), "{command:?}: {stderr}");
    Cost {
        wall,
        cpu: usage.rusage.utime + usage.rusage.stime,
        peak: usage.rusage.maxrss,
    }
}

/// All costs of one side.
#[derive(Clone, Default)]
pub(crate) struct Costs(Vec<Cost>);

/// Runs the sides in turn, `times` each; a side makes the command of its nth run.
pub(crate) fn in_turn<const N: usize>(
    times: usize,
    mut sides: [&mut dyn FnMut(usize) -> Command; N],
) -> [Costs; N] {
    let mut costs = std::array::from_fn(|_| Costs::default());
    for nth in 0..times {
        for (side, costs) in sides.iter_mut().zip(&mut costs) {
            let cost = run(side(nth));
            costs.0.push(cost);
        }
    }
    costs
}

impl Costs {
    pub(crate) fn wall(&self) -> f64 {
        median(self.0.iter().map(|cost| milliseconds(cost.wall)))
    }

    pub(crate) fn cpu(&self) -> f64 {
        median(self.0.iter().map(|cost| milliseconds(cost.cpu)))
    }

    /// For what is random, such as the search for primes.
    pub(crate) fn mean_cpu(&self) -> f64 {
        let sum: f64 = self.0.iter().map(|cost| milliseconds(cost.cpu)).sum();
        sum / self.0.len() as f64
    }

    /// In MiB.
    pub(crate) fn peak(&self) -> f64 {
        median(self.0.iter().map(|cost| cost.peak as f64)) / f64::from(1 << 20)
    }

    /// A row's figures: runs, medians of wall and CPU in ms, mean of CPU, peak in MiB.
    pub(crate) fn row(&self, name: &str) -> String {
        format!(
            "{name:<42} {:>5} {:>9.1} {:>9.1} {:>9.1} {:>8.1}",
            self.0.len(),
            self.wall(),
            self.cpu(),
            self.mean_cpu(),
            self.peak()
        )
    }
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    match values.len() % 2 {
        0 => (values[middle - 1] + values[middle]) / 2.0,
        _ => values[middle],
    }
}

pub(crate) fn milliseconds(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1000.0
}

/// The heading of a table of [`Costs::row`]s.
pub(crate) fn heading(title: &str) {
    println!("## {title}\n");
    println!(
        "{:<42} {:>5} {:>9} {:>9} {:>9} {:>8}",
        "", "runs", "wall ms", "CPU ms", "mean CPU", "peak MiB"
    );
}

/// A ratio beside what it is to be at most.
pub(crate) fn target(name: &str, ratio: f64, at_most: f64) {
    let verdict = if ratio <= at_most {
        "reached"
    } else {
        "MISSED"
    };
    println!("{name:<58} {ratio:>9.4}   at most {at_most:<7.4} {verdict}");
}
