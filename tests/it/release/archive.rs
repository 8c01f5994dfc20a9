//! packaging/archive, and what a newcomer does with what it makes.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;

use tempfile::TempDir;

use crate::inputs::files::allowed;
use crate::support::linters::lint;
use crate::support::session::repository;
use crate::support::tenant::{Offline, Run};

pub(crate) const TARGET: &str = "x86_64-unknown-linux-musl";

static DIST: LazyLock<TempDir> = LazyLock::new(|| {
    let dist = TempDir::new().unwrap();
    pack(dist.path()).ok();
    dist
});

fn pack(dist: &Path) -> Run {
    let mut archive = Command::new(repository().join("packaging/archive"));
    archive.args([TARGET, env!("CARGO_BIN_EXE_irsactl")]);
    archive.arg(dist).output().unwrap().into()
}

/// An archive of the binary under test. It is the dev profile's, and calls itself a musl build all the same.
pub(crate) fn archive() -> PathBuf {
    let version = env!("CARGO_PKG_VERSION");
    DIST.path().join(format!("irsactl-{TARGET}-v{version}.tgz"))
}

/// Where a release has the archive of a target.
pub(crate) fn release_url(repository: &str, target: &str) -> String {
    let version = env!("CARGO_PKG_VERSION");
    format!("{repository}/releases/download/v{version}/irsactl-{target}-v{version}.tgz")
}

#[test]
fn the_scripts_pass_shellcheck() {
    let scripts = [
        "archive",
        "bare-chroot",
        "install",
        "manifests",
        "release-notes",
    ];
    let scripts = scripts.map(|name| format!("packaging/{name}"));
    lint("shellcheck", &scripts.each_ref().map(String::as_str));
}

/// The README's two commands, below a prefix that needs no sudo.
#[test]
fn two_commands_install_the_binary_its_manual_and_its_completions() {
    let work = Offline::new();
    let archive = archive();
    let name = archive.file_stem().unwrap().to_str().unwrap();
    fs::copy(&archive, work.path(&format!("{name}.tgz"))).unwrap();
    let readme = fs::read_to_string(repository().join("README.md")).unwrap();
    let commands = "tar -xzf irsactl-*.tgz\nsudo irsactl-*/install\n";
    assert!(readme.contains(commands), "the README has other commands");
    let commands = commands
        .replace("sudo ", "")
        .replace("/install", "/install usr");
    work.shell(&commands.replace('\n', " ; "));

    let path = "PATH=usr/bin:$PATH; ";
    let version = work.shell(&format!("{path} command -v irsactl; irsactl --version"));
    assert_eq!(
        version,
        format!("usr/bin/irsactl\nirsactl {}\n", env!("CARGO_PKG_VERSION"))
    );
    let page = work.shell(&format!("{path} MANWIDTH=100 man irsactl-bootstrap"));
    assert!(
        page.contains("Do all of it in order, and read everything back"),
        "{page}"
    );
    // Where bash-completion looks, by the name of the command.
    work.write(
        "complete.bash",
        ". usr/share/bash-completion/completions/irsactl
        COMP_WORDS=(irsactl boot) COMP_CWORD=1
        _irsactl irsactl boot irsactl
        printf '%s\\n' \"${COMPREPLY[@]}\"\n",
    );
    assert_eq!(work.shell("bash complete.bash"), "bootstrap\n");
    for file in [
        "zsh/site-functions/_irsactl",
        "fish/vendor_completions.d/irsactl.fish",
    ] {
        let script = fs::read_to_string(work.path("usr/share").join(file)).unwrap();
        assert!(script.contains("bootstrap"), "{file}");
    }
    let readable = work.shell("find usr ! -perm -a+r -o ! -user root");
    assert_eq!(readable, "");
}

#[test]
fn the_same_binary_gives_the_same_archive_and_its_sum() {
    let again = TempDir::new().unwrap();
    pack(again.path()).ok();
    let (first, second) = (archive(), again.path().join(archive().file_name().unwrap()));
    assert!(fs::read(&first).unwrap() == fs::read(second).unwrap());
    let mut check = Command::new("sha256sum");
    check.args(["--check", "--strict", "SHA256SUMS"]);
    let checked: Run = check
        .current_dir(first.parent().unwrap())
        .output()
        .unwrap()
        .into();
    assert_eq!(
        checked.ok(),
        format!("{}: OK\n", first.file_name().unwrap().display())
    );
}

/// As in the container of a CI job, where git refuses the checkout unless it is told to take it.
#[test]
fn a_checkout_that_belongs_to_another_user_is_packed_too() {
    let work = Offline::new();
    let of = repository().display().to_string();
    work.shell(&format!(
        "mkdir -p checkout/examples; cp {of}/examples/report.png checkout/examples
        cp -r {of}/packaging {of}/README.md {of}/CHANGELOG.md {of}/LICENSE-* checkout
        cd checkout; git init -q; git -c user.name=a -c user.email=a@example.com commit -q --allow-empty -m a"
    ));
    let test = "a_checkout_that_belongs_to_another_user_is_packed_too";
    let checkout = work.path("checkout").display().to_string();
    if !allowed(test, "chown", &["-R", "12345", &checkout]) {
        return;
    }
    work.shell("! git -C checkout log");
    let binary = env!("CARGO_BIN_EXE_irsactl");
    work.shell(&format!("checkout/packaging/archive {TARGET} {binary} ."));
}
