//! What it costs to start, against a program that does nothing but say hello.

use std::process::Command;

use tempfile::TempDir;

use crate::measure::{heading, in_turn, target};
use crate::stage::irsactl;

const RUNS: usize = 101;

pub(crate) fn table() {
    heading("Start-up");
    let directory = TempDir::new().unwrap();
    let source = directory.path().join("hello.rs");
    let hello = directory.path().join("hello");
    std::fs::write(&source, "fn main() { println!(\"Hello, world!\"); }\n").unwrap();
    let mut rustc = Command::new(std::env::var_os("RUSTC").unwrap_or("rustc".into()));
    rustc.arg("-O").arg("-o").arg(&hello).arg(&source);
    crate::measure::run(rustc);
    let mut keygen = irsactl("keygen");
    keygen.current_dir(directory.path());
    crate::measure::run(keygen);

    let command = |arguments: &'static str| {
        let directory = directory.path().to_owned();
        move |_: usize| {
            let mut command = irsactl(arguments);
            command.current_dir(&directory);
            command
        }
    };
    let dry_run =
        "bootstrap --cluster demo --region us-west-2 --account-id 111122223333 --dry-run --offline";
    let [base, version, help, flags, plan] = in_turn(
        RUNS,
        [
            &mut |_| Command::new(&hello),
            &mut command("--version"),
            &mut command("--help"),
            &mut command("flags --issuer https://oidc.example.com"),
            &mut command(dry_run),
        ],
    );
    println!("{}", base.row("hello, world (rustc -O)"));
    let rows = [
        ("--version", version, 2.0),
        ("--help", help, 2.0),
        ("flags", flags, 3.0),
        ("bootstrap --dry-run --offline", plan, 5.0),
    ];
    for (name, costs, _) in &rows {
        println!("{}", costs.row(&format!("irsactl {name}")));
    }
    println!();
    for (name, costs, at_most) in rows {
        target(
            &format!("wall, irsactl {name} / hello"),
            costs.wall() / base.wall(),
            at_most,
        );
    }
}
