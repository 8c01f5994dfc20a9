//! How much longer a run takes than the calls that truly wait for one another: 50 ms a request.

use std::process::Command;

use serde_json::Value;

use crate::measure::{heading, in_turn, run, target};
use crate::stage::{Door, Stage, THUMBPRINT};

const RUNS: usize = 15;
const DELAY: &str = r#"{"seconds": 0.05}"#;

pub(crate) fn table() {
    heading("Round trips, 50 ms a request");
    let stage = Stage::new();
    let mut chosen = Vec::new();
    for door in [Door::Http, Door::Https] {
        // The certificates of the names are made when they are first asked for.
        run(first(&stage, door, "warm"));
        stage.control("delay", DELAY);
        let seen = stage.requests(0).len();
        let [bootstrap, again, verify] = in_turn(
            RUNS,
            [
                &mut |nth| first(&stage, door, &nth.to_string()),
                &mut |nth| first(&stage, door, &nth.to_string()),
                &mut |nth| {
                    let mut command = stage.irsactl("verify", door);
                    command.args(["--bucket", &bucket(door, &nth.to_string())]);
                    command
                },
            ],
        );
        stage.control("delay", r#"{"seconds": 0}"#);
        let requests = stage.requests(seen);
        // Each run begins with the question who we are.
        let runs: Vec<&[Value]> = requests
            .chunk_by(|_, next| name_of(next) != "GetCallerIdentity")
            .collect();
        for (side, (name, costs)) in [
            ("first bootstrap", bootstrap),
            ("second bootstrap, no changes", again),
            ("verify", verify),
        ]
        .into_iter()
        .enumerate()
        {
            println!("{}", costs.row(&format!("{name}, {door:?}")));
            let mut chains: Vec<(f64, &[Value], Vec<&Value>)> = runs
                .iter()
                .skip(side)
                .step_by(3)
                .map(|calls| {
                    let chain = longest_chain(calls);
                    (chain.iter().map(|call| seconds(call)).sum(), *calls, chain)
                })
                .collect();
            chains.sort_by(|a, b| a.0.total_cmp(&b.0));
            let (total, calls, chain) = &chains[chains.len() / 2];
            let names: Vec<&str> = chain.iter().map(|call| name_of(call)).collect();
            chosen.push(Chain {
                name: format!("{name}, {door:?}"),
                text: format!(
                    "{} calls, {} of them one after the other, {:.0} ms: {}",
                    calls.len(),
                    chain.len(),
                    total * 1000.0,
                    names.join(" > ")
                ),
                ratio: costs.wall() / total / 1000.0,
            });
        }
    }
    println!("\nThe longest chains (median of the runs):\n");
    for chain in &chosen {
        println!("{}: {}", chain.name, chain.text);
    }
    println!();
    for chain in &chosen {
        target(&format!("wall / chain, {}", chain.name), chain.ratio, 1.3);
    }
}

/// The longest chain of the median run.
struct Chain {
    name: String,
    text: String,
    ratio: f64,
}

fn bucket(door: Door, name: &str) -> String {
    format!("trips-{door:?}-{name}").to_lowercase()
}

fn first(stage: &Stage, door: Door, name: &str) -> Command {
    let mut command = stage.irsactl("bootstrap --cluster bench --yes", door);
    command.args(["--bucket", &bucket(door, name)]);
    if door == Door::Http {
        command.args(["--thumbprint", THUMBPRINT]);
    }
    command
}

/// The chain of calls, each of which needs the one before it, that takes longest at the server.
fn longest_chain(calls: &[Value]) -> Vec<&Value> {
    let mut chains: Vec<(f64, Option<usize>)> = Vec::new();
    for (index, call) in calls.iter().enumerate() {
        let before = (0..index)
            .filter(|&earlier| needs(call, &calls[earlier], &calls[..index]))
            .max_by(|&a, &b| chains[a].0.total_cmp(&chains[b].0));
        let length = seconds(call) + before.map_or(0.0, |before| chains[before].0);
        chains.push((length, before));
    }
    let mut at = (0..chains.len()).max_by(|&a, &b| chains[a].0.total_cmp(&chains[b].0));
    let mut chain = Vec::new();
    while let Some(index) = at {
        chain.push(&calls[index]);
        at = chains[index].1;
    }
    chain.reverse();
    chain
}

/// Whether a call can only be made when an earlier one has been answered.
fn needs(call: &Value, earlier: &Value, all_earlier: &[Value]) -> bool {
    let is_change = |call: &Value| call["changing"] == true;
    // Names and expected owners have the account in them.
    if name_of(earlier) == "GetCallerIdentity" {
        return true;
    }
    // Where the JWK Set is stands in the discovery document.
    let is_public = |call: &Value, end: &str| {
        call["anonymous"] == true && call["path"].as_str().unwrap().ends_with(end)
    };
    if is_public(call, "/keys.json") && is_public(earlier, "/openid-configuration") {
        return !all_earlier.iter().any(is_change);
    }
    match (is_change(call), is_change(earlier)) {
        // The plan is made of all reads; changes are made in the safe order, one by one.
        (true, false) => call["anonymous"] == false && earlier["anonymous"] == false,
        (true, true) => true,
        // What was written is read back.
        (false, true) => call["service"] == earlier["service"],
        (false, false) => false,
    }
}

fn seconds(call: &Value) -> f64 {
    call["ended"].as_f64().unwrap() - call["started"].as_f64().unwrap()
}

fn name_of(call: &Value) -> &str {
    call["operation"].as_str().unwrap()
}
