//! Parts of a job's log that its reader can fold.
//!
//! "Workflow commands for GitHub Actions", Grouping log lines; "CI/CD job logs" of GitLab, Custom
//! collapsible sections.

use std::io::{self, Write};
use std::time::{SystemTime, UNIX_EPOCH};

use crate::output::github;
use crate::output::sanitize::sanitized;
use crate::output::step::say;

/// A part of the log, until it is dropped. They do not nest: GitHub's cannot.
#[derive(Debug)]
#[must_use]
pub struct Section {
    name: &'static str,
    runner: Option<Runner>,
}

#[derive(Clone, Copy, Debug)]
enum Runner {
    GitHub,
    GitLab,
}

impl Section {
    /// Starts a part: what it is called, in letters and hyphens, and the line that stays when it is folded.
    pub fn start(name: &'static str, title: &str) -> Self {
        let runner = runner();
        match runner {
            Some(Runner::GitHub) => say(format_args!("::group::{}", github::escaped(title))),
            Some(Runner::GitLab) => {
                mark("start", name, &format!("{}\n", sanitized(title)));
            }
            None => {}
        }
        Self { name, runner }
    }
}

impl Drop for Section {
    fn drop(&mut self) {
        match self.runner {
            Some(Runner::GitHub) => say("::endgroup::"),
            Some(Runner::GitLab) => mark("end", self.name, ""),
            None => {}
        }
    }
}

fn runner() -> Option<Runner> {
    let is_gitlab = std::env::var_os("GITLAB_CI").is_some_and(|value| value == "true");
    if github::is_here() {
        Some(Runner::GitHub)
    } else {
        is_gitlab.then_some(Runner::GitLab)
    }
}

/// GitLab's marker has an escape sequence in it, which no setting of colours may take away.
fn mark(what: &str, name: &str, text: &str) {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    let now = now.unwrap_or_default().as_secs();
    let line = format!("\x1b[0Ksection_{what}:{now}:irsactl_{name}\r\x1b[0K{text}");
    let _ = io::stderr().write_all(line.as_bytes());
}
