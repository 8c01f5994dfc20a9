//! What a GitHub Actions runner wants to know: the summary of a job, the outputs of a step, annotations.
//!
//! The runner names files in GITHUB_STEP_SUMMARY and GITHUB_OUTPUT ("Workflow commands for GitHub
//! Actions"); what is there is added to, never replaced.

use std::fs::OpenOptions;
use std::io::Write;

use crate::output::form::{self, Answer, variables};

/// Whether this is a job of GitHub Actions.
pub(super) fn is_here() -> bool {
    std::env::var_os("GITHUB_ACTIONS").is_some_and(|value| value == "true")
}

/// Adds an answer to the job's summary and to the step's outputs. A runner that cannot be told is no
/// reason to fail.
pub(super) fn publish(answer: &impl Answer) {
    if !is_here() || !answer.is_for_ci() {
        return;
    }
    append("GITHUB_OUTPUT", &variables(&form::value(answer)));
    append("GITHUB_STEP_SUMMARY", &answer.markdown());
}

fn append(variable: &str, text: &str) {
    let Some(path) = std::env::var_os(variable).filter(|path| !path.is_empty()) else {
        return;
    };
    let file = OpenOptions::new().append(true).create(true).open(path);
    if let Ok(mut file) = file {
        let _ = file.write_all(text.as_bytes());
    }
}

/// An error as an annotation.
pub(super) fn annotation(message: &str) -> Option<String> {
    is_here().then(|| format!("::error title=irsactl::{}", escaped(message)))
}

/// The text of a workflow command, escaped as the runner's own toolkit does it.
pub(super) fn escaped(text: &str) -> String {
    text.replace('%', "%25")
        .replace('\r', "%0D")
        .replace('\n', "%0A")
}
