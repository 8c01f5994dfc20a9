//! Linters, and a runner for GitLab's jobs, that others wrote: installed once under target/, pinned.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;

use crate::support::local_aws::{install_once, install_python};
use crate::support::session::repository;
use crate::support::tenant::{Run, TOOLS};

static HOME: LazyLock<PathBuf> = LazyLock::new(|| {
    let sources = repository().join("tests/release");
    install_once("linters", &sources, |home| {
        install_python(home, &sources);
        TOOLS.npm_ci(&home.join("npm"), &sources);
    })
});

/// A linter, run where the sources are.
pub(crate) fn linter(name: &str) -> Command {
    let programs = HOME.join("venv/bin");
    let mut command = Command::new(programs.join(name));
    // actionlint looks for shellcheck on PATH.
    let inherited = std::env::var_os("PATH").unwrap();
    let path = [programs]
        .into_iter()
        .chain(std::env::split_paths(&inherited));
    command
        .env("PATH", std::env::join_paths(path).unwrap())
        .current_dir(repository());
    command
}

/// Asserts that a linter has nothing to say.
#[track_caller]
pub(crate) fn lint(name: &str, arguments: &[&str]) {
    let run: Run = linter(name).args(arguments).output().unwrap().into();
    assert_eq!(run.code, 0, "{name} {arguments:?}: {run:#?}");
}

/// Node.js and the script that runs a .gitlab-ci.yml on this machine.
pub(crate) fn gitlab_ci_local() -> (PathBuf, PathBuf) {
    let script = Path::new("npm/node_modules/gitlab-ci-local/dist/index.js");
    (TOOLS.node(), HOME.join(script))
}
