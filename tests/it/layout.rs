//! The house rules that a compiler does not check.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Who may import what, as the picture in src/lib.rs has it. What is not listed imports all.
const MAY_IMPORT: [(&str, &[&str]); 11] = [
    ("oidc", &[]),
    ("iam", &[]),
    ("error", &[]),
    ("system", &["error"]),
    ("plan", &["oidc", "iam", "error"]),
    ("cluster", &["oidc", "iam", "plan", "error"]),
    ("aws", &["oidc", "iam", "plan", "error"]),
    ("probe", &["oidc", "iam", "plan", "error", "output"]),
    ("verify", &["oidc", "iam", "plan", "error"]),
    ("output", &["oidc", "iam", "plan", "verify", "error"]),
    ("config", &["oidc", "iam", "plan", "error", "aws", "output"]),
];

fn sources(directory: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        match path.is_dir() {
            true => sources(&path, found),
            false => found.push(path),
        }
    }
}

#[test]
fn imports_point_one_way() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    sources(&src, &mut files);
    let mut seen = 0;
    for file in files {
        let relative = file.strip_prefix(&src).unwrap();
        let module = relative
            .components()
            .next()
            .unwrap()
            .as_os_str()
            .to_str()
            .unwrap();
        let module = module.trim_end_matches(".rs");
        let Some((_, allowed)) = MAY_IMPORT.iter().find(|(name, _)| *name == module) else {
            continue;
        };
        let text = fs::read_to_string(&file).unwrap();
        let code = text
            .lines()
            .filter(|line| !line.trim_start().starts_with("//"));
        for line in code {
            for path in line.split("crate::").skip(1) {
                let end = path
                    .find(|c: char| !c.is_ascii_alphanumeric() && c != '_')
                    .unwrap_or(path.len());
                let imported = &path[..end];
                assert!(
                    imported == module || allowed.contains(&imported),
                    "{} must not import crate::{imported}",
                    relative.display()
                );
                seen += 1;
            }
        }
    }
    assert!(seen > 50, "only {seen} imports were looked at");
}

#[test]
fn sha_1_lives_in_one_file_and_the_rsa_crate_meets_no_private_key() {
    let mut files = Vec::new();
    sources(
        &Path::new(env!("CARGO_MANIFEST_DIR")).join("src"),
        &mut files,
    );
    for file in files {
        let text = fs::read_to_string(&file).unwrap();
        assert_eq!(
            text.contains("use sha1::"),
            file.ends_with("iam/thumbprint.rs"),
            "{}",
            file.display()
        );
        assert!(!text.contains("rsa::RsaPrivateKey"), "{}", file.display());
    }
}

#[test]
fn there_is_one_tls_stack_and_one_http_stack() {
    let mut tree = Command::new(env!("CARGO"));
    tree.args([
        "tree",
        "--offline",
        "--edges",
        "normal",
        "--prefix",
        "none",
        "--format",
        "{p}",
    ]);
    let output = tree
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:#?}");
    let packages: BTreeSet<String> = String::from_utf8(output.stdout)
        .unwrap()
        .lines()
        .map(|line| line.trim_end_matches(" (*)").to_owned())
        .collect();
    let count = |name: &str| {
        packages
            .iter()
            .filter(|package| package.starts_with(&format!("{name} v")))
            .count()
    };
    assert_eq!(
        (
            count("rustls"),
            count("hyper"),
            count("aws-lc-rs"),
            count("ring")
        ),
        (1, 1, 1, 0)
    );
}

/// SECURITY.md, "The signing key": `.cargo/config.toml` reaches the build of AWS-LC.
#[test]
fn the_generator_is_seeded_without_cpu_jitter() {
    let has = |symbol: &str| {
        let mut grep = Command::new("grep");
        grep.args(["-aq", symbol, env!("CARGO_BIN_EXE_irsactl")]);
        grep.status().unwrap().success()
    };
    // Of AWS-LC, crypto/fipsmodule/rand/entropy: there are symbols to be found at all.
    assert!(has("opt_out_cpu_jitter"));
    assert!(!has("jent_"));
}
