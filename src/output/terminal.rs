//! Whether somebody is there to be asked, and the questions.

use std::io::{self, IsTerminal, Write};
use std::sync::atomic::{AtomicBool, Ordering};

use crate::error::{Error, Result};

/// Whether this is a CI job: `--ci`, which holds for the whole process, as anstream's colours do.
static CI: AtomicBool = AtomicBool::new(false);

/// In a CI job nobody is asked, and nothing moves.
pub fn set_ci(ci: bool) {
    CI.store(ci, Ordering::Relaxed);
}

pub(super) fn is_ci() -> bool {
    CI.load(Ordering::Relaxed)
}

/// Why nobody can be asked.
pub fn no_one_to_ask() -> Option<&'static str> {
    match io::stdin().is_terminal() && io::stderr().is_terminal() {
        _ if is_ci() => Some("this is a CI job (--ci)"),
        true => None,
        false => Some("there is no terminal"),
    }
}

/// Asks for consent on a terminal.
pub fn confirm(question: &str) -> Result<bool> {
    let answer = ask(&format!("{question} [y/N] "))?;
    Ok(matches!(answer.as_str(), "y" | "Y" | "yes"))
}

/// Asks for consent that nobody gives without reading: a name must be typed.
pub fn confirm_name(question: &str, name: &str) -> Result<bool> {
    let answer = ask(&format!("{question} Type '{name}' to go on: "))?;
    Ok(answer == name)
}

fn ask(question: &str) -> Result<String> {
    let _ = write!(anstream::stderr().lock(), "{question}");
    let mut answer = String::new();
    io::stdin()
        .read_line(&mut answer)
        .map_err(|e| Error::failed("cannot read the answer").because(e))?;
    Ok(answer.trim().to_owned())
}
