//! What went wrong: what, where and why, the next command, and the exit code.
//!
//! The pure modules have small error enums of their own; this is what they become at the edge,
//! where it is known what the user was doing.

use std::fmt;
use std::path::Path;

/// How a run ended. The numbers are an interface for scripts and are never renumbered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Exit {
    /// Done, or nothing to do.
    Done = 0,
    /// The run failed before a change was confirmed.
    Failed = 1,
    /// Changes are pending (only with `--detailed-exitcode`, as terraform does).
    Pending = 2,
    /// A check failed, or what is there differs from what was written.
    Drift = 3,
    /// Refused: not ours, unsafe, or a precondition is missing. Nothing was changed.
    Refused = 4,
    /// Interrupted part-way; what was done is printed, and running again converges.
    Interrupted = 5,
    /// The command line is wrong (`EX_USAGE` of sysexits.h; clap's own 2 means "pending" here).
    Usage = 64,
    /// No credentials, or a permission is missing (`EX_NOPERM` of sysexits.h).
    Permission = 77,
    /// `--timeout` ran out (as timeout(1)).
    Deadline = 124,
    /// SIGINT arrived (128 + 2).
    Sigint = 130,
    /// SIGTERM arrived (128 + 15).
    Sigterm = 143,
}

/// The known word that a misspelt one is most like.
pub fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let word = word.to_lowercase();
    let distance = |known: &str| strsim::damerau_levenshtein(&word, &known.to_lowercase());
    let (distance, nearest) = known
        .into_iter()
        .map(|known| (distance(known), known))
        .min_by_key(|(distance, _)| *distance)?;
    (distance <= 3).then_some(nearest)
}

/// A path or a value as a POSIX shell takes it: hints and flags are there to be pasted.
pub fn shell_quoted(text: &str) -> String {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"-._~/:,@%+=".contains(&b);
    if !text.is_empty() && text.bytes().all(plain) {
        text.to_owned()
    } else {
        format!("'{}'", text.replace('\'', r"'\''"))
    }
}

/// A path as a shell takes it, and as no program takes it for an option.
pub fn shell_path(path: &Path) -> String {
    let text = path.display().to_string();
    if text.starts_with('-') {
        shell_quoted(&format!("./{text}"))
    } else {
        shell_quoted(&text)
    }
}

/// An error on one screen: what could not be done, why, and the next command.
#[derive(Debug)]
pub struct Error {
    what: String,
    causes: Vec<String>,
    hint: Option<String>,
    exit: Exit,
    code: Option<Box<str>>,
}

/// The result of everything that can fail at the edge.
pub type Result<T> = std::result::Result<T, Error>;

impl Error {
    fn new(exit: Exit, what: impl Into<String>) -> Self {
        Self {
            what: what.into(),
            causes: Vec::new(),
            hint: None,
            exit,
            code: None,
        }
    }

    /// Something failed: exit code 1.
    pub fn failed(what: impl Into<String>) -> Self {
        Self::new(Exit::Failed, what)
    }

    /// Refused before any change: exit code 4.
    pub fn refused(what: impl Into<String>) -> Self {
        Self::new(Exit::Refused, what)
    }

    /// The command line is wrong: exit code 64.
    pub fn usage(what: impl Into<String>) -> Self {
        Self::new(Exit::Usage, what)
    }

    /// No credentials or no permission: exit code 77.
    pub fn permission(what: impl Into<String>) -> Self {
        Self::new(Exit::Permission, what)
    }

    /// The deadline passed: exit code 124.
    pub fn deadline(what: impl Into<String>) -> Self {
        Self::new(Exit::Deadline, what)
    }

    /// Adds a cause, the nearest one first.
    pub fn because(mut self, cause: impl fmt::Display) -> Self {
        self.causes.push(cause.to_string());
        self
    }

    /// Sets the hint: the next command, or what to look at.
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// The same error with another exit code.
    pub fn with_exit(mut self, exit: Exit) -> Self {
        self.exit = exit;
        self
    }

    /// Keeps the error code of AWS.
    pub fn with_code(mut self, code: Option<String>) -> Self {
        self.code = code.map(String::into_boxed_str);
        self
    }

    /// The error code of AWS, where it answered with one.
    pub fn code(&self) -> Option<&str> {
        self.code.as_deref()
    }

    /// What could not be done. Text from outside may be in it, as in the causes and the hint:
    /// print them through [`crate::output::sanitized`].
    pub fn what(&self) -> &str {
        &self.what
    }

    /// What and why, on one line.
    pub fn in_short(&self) -> String {
        let parts = std::iter::once(self.what()).chain(self.causes.iter().map(String::as_str));
        parts.collect::<Vec<_>>().join(": ")
    }

    /// Why, the nearest cause first.
    pub fn causes(&self) -> &[String] {
        &self.causes
    }

    /// The next command.
    pub fn hint_text(&self) -> Option<&str> {
        self.hint.as_deref()
    }

    /// The exit code that the process ends with.
    pub fn exit(&self) -> Exit {
        self.exit
    }
}

/// An error after something was changed: what it was decides the exit code no more, unless it was
/// the time, a signal, or that AWS shows something else than was written.
pub(crate) fn after_changes(error: Error) -> Error {
    match error.exit() {
        Exit::Deadline | Exit::Drift | Exit::Sigint | Exit::Sigterm => error,
        _ => error.with_exit(Exit::Interrupted),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shell_reads_back_the_same_value() {
        assert_eq!(shell_quoted("/etc/kubernetes/pki"), "/etc/kubernetes/pki");
        assert_eq!(shell_quoted("/my dir/it's"), r"'/my dir/it'\''s'");
    }
}
