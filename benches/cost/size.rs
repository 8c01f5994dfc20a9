//! The size of the binary as it is released.

use std::process::Command;

use crate::measure::target;

pub(crate) fn table() {
    println!("## Size of the release binary\n");
    let binary = env!("CARGO_BIN_EXE_irsactl");
    let mib = std::fs::metadata(binary).unwrap().len() as f64 / f64::from(1 << 20);
    let sections = Command::new("size").args(["-A", "-d", binary]).output();
    match sections {
        Ok(output) if output.status.success() => {
            let text = String::from_utf8(output.stdout).unwrap();
            let mut parts: Vec<(u64, &str)> = text.lines().filter_map(section).collect();
            parts.sort_unstable_by(|a, b| b.cmp(a));
            for (bytes, name) in parts.iter().take(6) {
                println!("{name:<20} {:>8.2} MiB", *bytes as f64 / f64::from(1 << 20));
            }
        }
        _ => println!("its parts: 'size' of binutils is not there"),
    }
    println!("by crate: cargo bloat --release --crates (cargo install cargo-bloat)\n");
    target("stripped, MiB", mib, 10.0);
}

fn section(line: &str) -> Option<(u64, &str)> {
    let mut words = line.split_whitespace();
    let name = words.next().filter(|name| name.starts_with('.'))?;
    Some((words.next()?.parse().ok()?, name))
}
