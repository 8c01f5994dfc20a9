//! What irsactl costs, beside what people use today: `cargo bench`, or `cargo bench -- keys start`.
//!
//! Both sides of a ratio run in turn, in this one process's children, so that whatever else the machine
//! does falls on both. Figures are of whole processes, as the kernel counts them (wait4(2)). Nothing here
//! fails a build: a target that is missed is printed as missed.

// A panic is how a benchmark says that it cannot go on.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod bootstrap;
mod growth;
mod keys;
mod measure;
mod round_trips;
mod size;
mod stage;
mod start;

fn main() {
    let tables: [(&str, fn()); 6] = [
        ("size", size::table),
        ("start", start::table),
        ("keys", keys::table),
        ("bootstrap", bootstrap::table),
        ("round-trips", round_trips::table),
        ("growth", growth::table),
    ];
    // cargo hands over --bench.
    let wanted: Vec<String> = std::env::args()
        .skip(1)
        .filter(|argument| !argument.starts_with("--"))
        .collect();
    let known = |name: &String| tables.iter().any(|(table, _)| table == name);
    if let Some(unknown) = wanted.iter().find(|name| !known(name)) {
        let names: Vec<&str> = tables.iter().map(|(name, _)| *name).collect();
        eprintln!("no table '{unknown}'; there are: {}", names.join(" "));
        std::process::exit(64);
    }
    for (name, table) in tables {
        if wanted.is_empty() || wanted.iter().any(|one| one == name) {
            table();
            println!();
        }
    }
}
