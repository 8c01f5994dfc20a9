//! What people and programs read: the answer on stdout, the conversation on stderr.

mod form;
mod github;
mod hcl;
pub mod html;
pub mod markdown;
pub mod plan;
pub mod program;
pub mod report;
mod sanitize;
mod section;
mod step;
pub mod target;
pub mod terraform;

use std::fmt::Display;
use std::io::{self, IsTerminal, Write};
use std::sync::atomic::{AtomicBool, Ordering};

use crate::error::{Error, Result};
pub use crate::output::form::{Answer, FORMAT_VERSION, Format};
pub use crate::output::sanitize::{escaped_json, path, sanitized, sanitized_json};
pub use crate::output::section::Section;
pub use crate::output::step::Step;

/// Prints the answer on stdout. A reader that has gone away (`| head`) is no error.
pub fn print(answer: &impl Answer, format: Format) -> Result<()> {
    let text = form::render(answer, format);
    // Each part is escaped where it is put in; this is for the one that was forgotten.
    if !sanitize::is_harmless(&form::plain(&text)) {
        return Err(Error::refused("cannot print the answer")
            .because("it has characters that nobody sees, or a line that a CI runner would obey")
            .hint("see it with -o json, which escapes them"));
    }
    print_bytes(text.as_bytes())?;
    github::publish(answer);
    Ok(())
}

/// Prints bytes on stdout, with no form of their own.
pub fn print_bytes(bytes: &[u8]) -> Result<()> {
    let written = step::at_rest(|| {
        let mut stdout = anstream::stdout().lock();
        stdout.write_all(bytes).and_then(|()| stdout.flush())
    });
    match written {
        Err(e) if e.kind() != io::ErrorKind::BrokenPipe => {
            Err(Error::failed("cannot write to standard output").because(e))
        }
        _ => Ok(()),
    }
}

/// Says something on stderr; nothing can be done when nobody listens.
pub fn say(line: impl Display) {
    let _ = step::at_rest(|| writeln!(anstream::stderr().lock(), "{line}"));
}

/// Shows a message beside the job's log, where a CI system has a place for it.
pub fn annotate(message: &str) {
    if let Some(annotation) = github::annotation(message) {
        say(annotation);
    }
}

/// Prints an error on stderr, with colours on a terminal.
pub fn print_error(error: &Error) {
    let parts = std::iter::once(error.what()).chain(error.causes().iter().map(String::as_str));
    let told: Vec<String> = parts.map(sanitized).collect();
    annotate(&told.join(": "));
    const RED: anstyle::Style = anstyle::AnsiColor::Red.on_default().bold();
    const BOLD: anstyle::Style = anstyle::Style::new().bold();
    say(format_args!(
        "{RED}error:{RED:#} {}",
        sanitized(error.what())
    ));
    for cause in error.causes() {
        say(format_args!("  caused by: {}", sanitized(cause)));
    }
    if let Some(hint) = error.hint_text() {
        let hint = program::named(&sanitized(hint));
        say(format_args!("  {BOLD}hint:{BOLD:#} {hint}"));
    }
}

/// Whether this is a CI job: `--ci`, which holds for the whole process, as anstream's colours do.
static CI: AtomicBool = AtomicBool::new(false);

/// In a CI job nobody is asked, and nothing moves.
pub fn set_ci(ci: bool) {
    CI.store(ci, Ordering::Relaxed);
}

fn is_ci() -> bool {
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

/// Sends log lines to stderr: steps with -v, the SDK's decisions with -vv, its requests with -vvv.
/// The signing key is in none of them: no logged type of ours holds it, and of the calls to a key store the SDK
/// logs the input redacted and no body.
pub fn log(verbose: u8) {
    use tracing::level_filters::LevelFilter;
    let level = match verbose {
        0 => LevelFilter::ERROR,
        1 => LevelFilter::INFO,
        2 => LevelFilter::DEBUG,
        _ => LevelFilter::TRACE,
    };
    tracing_subscriber::fmt()
        .with_max_level(level)
        .with_writer(io::stderr)
        .with_ansi(false)
        .init();
}
