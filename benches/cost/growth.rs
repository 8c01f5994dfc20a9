//! What more keys and more roles cost.

use std::fmt::Write as _;
use std::process::Command;

use crate::measure::{milliseconds, run};
use crate::stage::{Door, Stage, THUMBPRINT};

pub(crate) fn table() {
    let stage = Stage::new();
    println!("## Growth (one run each, HTTP)\n");
    println!(
        "{:<42} {:>7} {:>9} {:>9} {:>8}",
        "", "calls", "wall s", "CPU s", "peak MiB"
    );
    for count in [1, 10, 100] {
        let files: Vec<String> = (0..count).map(|nth| key(&stage, nth)).collect();
        let arguments: String = files
            .iter()
            .map(|file| format!(" --adopt-key {file}"))
            .collect();
        let arguments =
            format!("bootstrap --cluster keys{count} --yes --thumbprint {THUMBPRINT}{arguments}");
        both(&stage, &format!("{count} keys"), &arguments);
    }
    for count in [1, 10, 100] {
        let file = cluster_file(&stage, count);
        let arguments = format!("bootstrap --config {file} --yes --thumbprint {THUMBPRINT}");
        both(&stage, &format!("{count} roles"), &arguments);
    }
}

/// The first run and the one that finds nothing to do.
fn both(stage: &Stage, what: &str, arguments: &str) {
    for state in ["first bootstrap", "no changes"] {
        let seen = stage.requests(0).len();
        let cost = run(stage.irsactl(arguments, Door::Http));
        println!(
            "{:<42} {:>7} {:>9.2} {:>9.2} {:>8.1}",
            format!("{what}, {state}"),
            stage.requests(seen).len(),
            milliseconds(cost.wall) / 1000.0,
            milliseconds(cost.cpu) / 1000.0,
            cost.peak as f64 / f64::from(1 << 20)
        );
    }
}

/// A public key of its own.
fn key(stage: &Stage, nth: usize) -> String {
    let name = format!("key-{nth}.pub");
    if !stage.directory.path().join(&name).exists() {
        let line = format!("openssl genrsa 2048 2>/dev/null | openssl pkey -pubout -out {name}");
        let mut shell = Command::new("sh");
        shell
            .args(["-c", &line])
            .current_dir(stage.directory.path());
        run(shell);
    }
    name
}

fn cluster_file(stage: &Stage, roles: usize) -> String {
    let mut text = format!(
        "apiVersion: irsactl/v1alpha1\nkind: Cluster\nmetadata:\n  name: roles{roles}\nspec:\n  region: us-west-2\n  roles:\n"
    );
    for nth in 0..roles {
        let _ = writeln!(text, "    - serviceAccounts: [apps/app-{nth}]");
    }
    let name = format!("roles-{roles}.yaml");
    std::fs::write(stage.directory.path().join(&name), text).unwrap();
    name
}
