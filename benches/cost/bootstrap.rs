//! The whole bootstrap with a given key, on the same local AWS: against the recipe of the guides as a
//! script, and against one Python process with boto3.
//!
//! irsactl does more: it reads what is there, plans, and reads everything back.

use std::process::Command;

use crate::measure::{Costs, heading, in_turn, target};
use crate::stage::{Door, Stage, THUMBPRINT, peer};

const RUNS: usize = 15;

pub(crate) fn table() {
    heading("Bootstrap, with a given key");
    let stage = Stage::new();
    let mut ratios = Vec::new();
    for (name, door, thumbprint) in [
        ("HTTP", Door::Http, THUMBPRINT),
        ("HTTPS", Door::Https, "-"),
    ] {
        let [ours, script, boto3] = in_turn(
            RUNS,
            sides(&stage, door, thumbprint)
                .each_mut()
                .map(|side| side as _),
        );
        for (side, costs) in [("irsactl", &ours), ("script", &script), ("boto3", &boto3)] {
            println!("{}", costs.row(&format!("{side}, {name}")));
        }
        ratios.push((name, ours, script, boto3));
    }
    println!();
    for (name, ours, script, boto3) in ratios {
        let over = |other: &Costs| ours.cpu() / other.cpu();
        target(
            &format!("CPU, irsactl / script, {name}"),
            over(&script),
            1.0 / 50.0,
        );
        target(
            &format!("CPU, irsactl / boto3, {name}"),
            over(&boto3),
            1.0 / 15.0,
        );
        target(&format!("peak MiB, irsactl, {name}"), ours.peak(), 20.0);
    }
}

/// irsactl, the script, boto3.
fn sides<'s>(
    stage: &'s Stage,
    door: Door,
    thumbprint: &'static str,
) -> [Box<dyn FnMut(usize) -> Command + 's>; 3] {
    let bucket = move |side: &str, nth| format!("bench-{side}-{door:?}-{nth}").to_lowercase();
    [
        Box::new(move |nth| {
            let bucket = bucket("irsactl", nth);
            let mut command = stage.irsactl("bootstrap --cluster bench --yes", door);
            command.args(["--bucket", &bucket]);
            if thumbprint != "-" {
                command.args(["--thumbprint", thumbprint]);
            }
            command
        }),
        Box::new(move |nth| {
            let mut command = stage.command(peer("upstream.sh"), door);
            command.args([&bucket("script", nth), thumbprint]);
            command
        }),
        Box::new(move |nth| {
            let mut command = stage.command(stage.tools.python(), door);
            command.arg(peer("bootstrap.py"));
            command.args([&bucket("boto3", nth), thumbprint]);
            command
        }),
    ]
}
