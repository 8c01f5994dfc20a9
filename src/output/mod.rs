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
mod terminal;
pub mod terraform;

use std::io::{self, Write};

use crate::error::{Error, Result};
pub use crate::output::form::{Answer, FORMAT_VERSION, Format};
pub use crate::output::sanitize::{escaped_json, path, sanitized, sanitized_json};
pub use crate::output::section::Section;
pub use crate::output::step::{Step, say};
pub use crate::output::terminal::{confirm, confirm_name, no_one_to_ask, set_ci};

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

/// Sends log lines to stderr: steps with -v, the SDK's decisions with -vv, its requests with -vvv.
/// The signing key is in none of them: no logged type of ours holds it, and of the calls to a key store the SDK
/// logs the input redacted and no body.
pub fn log(verbose: u8) {
    use tracing::level_filters::LevelFilter;
    use tracing_subscriber::filter::Targets;
    use tracing_subscriber::prelude::*;
    let level = match verbose {
        0 => LevelFilter::ERROR,
        1 => LevelFilter::INFO,
        2 => LevelFilter::DEBUG,
        _ => LevelFilter::TRACE,
    };
    // It quotes an endpoint that it cannot use, with the password in it.
    const QUOTES: &str = "aws_config::default_provider::endpoint_url";
    let targets = Targets::new()
        .with_default(level)
        .with_target(QUOTES, LevelFilter::OFF);
    let lines = tracing_subscriber::fmt::layer()
        .with_writer(io::stderr)
        .with_ansi(false);
    tracing_subscriber::registry()
        .with(lines.with_filter(targets))
        .init();
}
