//! What a release is made of: workflows, formula, krew manifest, image, and the scripts that fill them.

use std::fs;
use std::process::Command;

use serde_json::Value;

use crate::inputs::files::allowed;
use crate::issuer::generated::yaml;
use crate::release::archive::{self, TARGET, archive};
use crate::support::linters::lint;
use crate::support::session::repository;
use crate::support::tenant::{Offline, Run};

const REPOSITORY: &str = "https://github.com/acme/irsactl";
const TARGETS: [&str; 4] = [
    TARGET,
    "aarch64-unknown-linux-musl",
    "x86_64-apple-darwin",
    "aarch64-apple-darwin",
];

#[test]
fn the_workflows_and_the_container_file_pass_their_linters() {
    let workflows = [".github/workflows/ci.yml", ".github/workflows/release.yml"];
    lint("actionlint", &workflows);
    lint(
        "zizmor",
        &["--offline", "--quiet", workflows[0], workflows[1]],
    );
    lint("hadolint", &["packaging/Containerfile"]);
}

/// Every action is pinned by a commit, with its version beside it; zizmor says so of the first half.
#[test]
fn each_archive_of_the_workflow_is_one_that_the_manifests_name() {
    let work = Offline::new();
    let workflow = fs::read_to_string(repository().join(".github/workflows/release.yml")).unwrap();
    let pins = workflow.lines().filter(|line| line.contains("uses: "));
    assert!(pins.clone().count() > 8);
    for pin in pins {
        assert!(pin.contains(" # v"), "{pin}");
    }
    let workflow = yaml(&work, &workflow);
    let matrix = workflow["jobs"]["build"]["strategy"]["matrix"]["include"]
        .as_array()
        .unwrap();
    let built: Vec<&str> = matrix
        .iter()
        .map(|one| one["target"].as_str().unwrap())
        .collect();
    assert_eq!(built, [TARGETS[0], TARGETS[1], TARGETS[2], TARGETS[3]]);
}

/// The formula and the manifest of a release whose archives are all the one under test.
fn manifests() -> Offline {
    let work = Offline::new();
    let version = env!("CARGO_PKG_VERSION");
    let sum = work.shell(&format!("sha256sum {}", archive().display()));
    let sums = TARGETS.map(|target| format!("{}  irsactl-{target}-v{version}.tgz\n", &sum[..64]));
    work.write("SHA256SUMS", sums.concat());
    run(
        &work,
        &format!("packaging/manifests {REPOSITORY} SHA256SUMS ."),
    )
    .ok();
    work
}

fn run(work: &Offline, script: &str) -> Run {
    let mut shell = work.command("sh");
    let line = format!("exec {}/{script}", repository().display());
    shell.args(["-c", &line]).output().unwrap().into()
}

#[test]
fn the_formula_installs_what_the_archive_has() {
    let work = manifests();
    let stand_in = repository().join("tests/release/formula.rb");
    let script = format!(
        "ruby -c irsactl.rb; tar -xzf {}; here=$PWD; cd irsactl-*/; ruby {} $here/irsactl.rb $here/prefix",
        archive().display(),
        stand_in.display()
    );
    let said = work.shell(&script);
    let formula: Value = serde_json::from_str(said.lines().last().unwrap()).unwrap();
    assert_eq!(formula["facts"]["version"], env!("CARGO_PKG_VERSION"));
    let downloads = formula["downloads"].as_array().unwrap();
    let on: Vec<&str> = downloads
        .iter()
        .map(|one| one["on"].as_str().unwrap())
        .collect();
    assert_eq!(on, ["macos arm", "macos intel", "linux arm", "linux intel"]);
    let here = archive::release_url(REPOSITORY, TARGET);
    assert_eq!(downloads[3]["url"], here.as_str());
    // `brew style`: at most 80 characters with the name, and no full stop.
    let desc = formula["facts"]["desc"].as_str().unwrap();
    assert!(
        desc.len() + "irsactl: ".len() <= 90 && !desc.ends_with('.'),
        "{desc}"
    );
    assert!(
        work.shell("prefix/bin/irsactl --version")
            .starts_with("irsactl ")
    );
    work.shell("test -s prefix/share/man/man1/irsactl-bootstrap.1; test -s prefix/etc/bash_completion.d/irsactl");
}

/// krew takes the files out of the archive and makes the link; kubectl itself then finds the plugin.
#[test]
fn kubectl_runs_the_plugin_that_krew_would_install_and_its_help_says_kubectl() {
    let work = manifests();
    let manifest = yaml(
        &work,
        &fs::read_to_string(work.path("irsa-issuer.yaml")).unwrap(),
    );
    assert_eq!(
        manifest["apiVersion"],
        "krew.googlecontainertools.github.com/v1alpha2"
    );
    assert_eq!(
        (&manifest["kind"], &manifest["metadata"]["name"]),
        (&"Plugin".into(), &"irsa-issuer".into())
    );
    let spec = &manifest["spec"];
    assert_eq!(spec["version"], concat!("v", env!("CARGO_PKG_VERSION")));
    assert_eq!(spec["homepage"], REPOSITORY);
    // "It should not exceed a few words"; krew's index refuses more than 50 characters.
    let short = spec["shortDescription"].as_str().unwrap();
    assert!(short.len() <= 50 && !short.ends_with('.'), "{short}");
    assert!(spec["description"].is_string());
    let platforms = spec["platforms"].as_array().unwrap();
    assert_eq!(platforms.len(), 4);
    let here = archive::release_url(REPOSITORY, TARGET);
    let platform = platforms
        .iter()
        .find(|one| one["uri"] == here.as_str())
        .unwrap();
    assert_eq!(
        platform["selector"]["matchLabels"],
        serde_json::json!({"os": "linux", "arch": "amd64"})
    );

    let sum = platform["sha256"].as_str().unwrap();
    let archive = archive().display().to_string();
    work.shell(&format!("echo '{sum}  {archive}' | sha256sum --check; mkdir unpacked plugin bin; tar -xzf {archive} -C unpacked"));
    for file in platform["files"].as_array().unwrap() {
        assert_eq!(file["to"], ".");
        work.shell(&format!(
            "cp unpacked/{} plugin",
            file["from"].as_str().unwrap()
        ));
    }
    let bin = platform["bin"].as_str().unwrap();
    work.shell(&format!(
        "ln -s ../plugin/{bin} bin/kubectl-irsa_issuer; ls plugin/LICENSE-MIT"
    ));

    let kubectl = |arguments: &str| -> Run {
        let mut kubectl = work.command("sh");
        let line = format!("PATH=$PWD/bin:$PATH exec kubectl irsa-issuer {arguments}");
        kubectl.args(["-c", &line]).output().unwrap().into()
    };
    let help = kubectl("bootstrap --help").ok();
    assert!(
        help.contains("Usage: kubectl irsa-issuer bootstrap [OPTIONS]"),
        "{help}"
    );
    assert!(
        help.contains(
            "\n  kubectl irsa-issuer bootstrap --cluster demo --region us-west-2 --dry-run\n"
        ),
        "{help}"
    );
    assert!(!help.contains(" irsactl "), "{help}");
    kubectl("jwks").fails(4, &["hint: ", "kubectl irsa-issuer keygen"]);
    kubectl("keygen").ok();
    assert!(kubectl("jwks").ok().contains("RS256"));
}

#[test]
fn a_release_without_one_of_its_archives_has_no_manifests() {
    let work = manifests();
    work.shell("sed -i 1d SHA256SUMS; rm irsactl.rb irsa-issuer.yaml");
    let run = run(
        &work,
        &format!("packaging/manifests {REPOSITORY} SHA256SUMS ."),
    );
    assert!(
        run.code != 0 && run.stderr.contains("is an archive missing"),
        "{run:#?}"
    );
    assert!(!work.path("irsactl.rb").exists());
}

#[test]
fn cargo_binstall_finds_the_archive_and_the_binary_in_it() {
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args([
        "metadata",
        "--no-deps",
        "--offline",
        "--format-version",
        "1",
    ]);
    let metadata: Run = cargo.current_dir(repository()).output().unwrap().into();
    let metadata = metadata.json();
    let binstall = &metadata["packages"][0]["metadata"]["binstall"];
    assert_eq!(binstall["pkg-fmt"], "tgz");
    let filled = |template: &str| {
        let values = [
            ("repo", REPOSITORY),
            ("name", "irsactl"),
            ("bin", "irsactl"),
            ("target", TARGET),
            ("version", env!("CARGO_PKG_VERSION")),
            ("archive-suffix", ".tgz"),
            ("binary-ext", ""),
        ];
        let template = binstall[template].as_str().unwrap().to_owned();
        values.iter().fold(template, |text, (name, value)| {
            text.replace(&format!("{{ {name} }}"), value)
        })
    };
    assert_eq!(filled("pkg-url"), archive::release_url(REPOSITORY, TARGET));
    let work = Offline::new();
    let files = work.shell(&format!("tar -tzf {}", archive().display()));
    assert!(
        files.lines().any(|file| file == filled("bin-dir")),
        "{files}"
    );
}

#[test]
fn a_tag_that_is_not_the_version_is_not_released() {
    let work = Offline::new();
    work.shell(&format!(
        "mkdir packaging; cp {}/packaging/release-notes packaging",
        repository().display()
    ));
    work.write(
        "Cargo.toml",
        "[package]\nversion = \"1.2.3\"\n[dependencies]\nversion = \"9\"\n",
    );
    work.write("CHANGELOG.md", "# Changelog\n\n## Unreleased\n\n- no\n\n## 1.2.3 - 2026-11-22\n\n- yes\n\n## 1.2.2\n\n- no\n");
    assert_eq!(work.shell("packaging/release-notes v1.2.3").trim(), "- yes");
    for tag in ["v1.2.2", "1.2.3", "v9"] {
        work.shell(&format!(
            "! packaging/release-notes {tag} > notes; test ! -s notes"
        ));
    }
}

/// The static binary of a release is tried with the same script; here it is the dynamic one with its libraries.
#[test]
fn the_binary_needs_nothing_around_it() {
    let test = "the_binary_needs_nothing_around_it";
    if !allowed(test, "chroot", &["/", "true"]) {
        return;
    }
    let work = Offline::new();
    let binary = env!("CARGO_BIN_EXE_irsactl");
    let tried = run(
        &work,
        &format!("packaging/bare-chroot --with-libraries {binary}"),
    )
    .ok();
    assert_eq!(tried.matches("ok    ").count(), 11, "{tried}");
    let dynamic = run(&work, &format!("packaging/bare-chroot {binary}"));
    assert!(
        dynamic.code == 1 && dynamic.stderr.contains("FAILED: -- --version"),
        "{dynamic:#?}"
    );
}
