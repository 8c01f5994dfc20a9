//! Checks as people read them.

use anstyle::{AnsiColor, Style};

use crate::output::markdown::cell;
use crate::output::program::named;
use crate::output::sanitized;
use crate::verify::report::{Outcome, Report};

/// A line a check; what a failed one expected, and the next command, below it.
pub fn text(report: &Report) -> String {
    let mut text = String::new();
    for check in &report.0 {
        let style = style(check.outcome);
        let word = word(check.outcome);
        text += &format!(
            "{style}{word}{style:#}  {}: {}\n",
            check.name,
            sanitized(&check.actual)
        );
        if check.outcome != Outcome::Pass {
            text += &format!("         at: {}\n", sanitized(&check.place));
        }
        if matches!(check.outcome, Outcome::Fail | Outcome::Warn) {
            text += &format!("         expected: {}\n", sanitized(&check.expected));
        }
        if let Some(hint) = &check.hint {
            text += &format!("         hint: {}\n", named(&sanitized(hint)));
        }
    }
    text
}

/// A table of the checks, with what to do about those that do not pass.
pub fn markdown(report: &Report) -> String {
    let mut text = "| | check | what is there | next |\n|---|---|---|---|\n".to_owned();
    for check in &report.0 {
        text += &format!(
            "| {} | {} | {} | {} |\n",
            word(check.outcome).trim(),
            cell(check.name),
            cell(&check.actual),
            cell(check.hint.as_deref().unwrap_or_default())
        );
    }
    text
}

fn word(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Pass => "pass   ",
        Outcome::Fail => "fail   ",
        Outcome::Warn => "warn   ",
        Outcome::Skipped => "skipped",
    }
}

fn style(outcome: Outcome) -> Style {
    match outcome {
        Outcome::Pass => AnsiColor::Green.on_default(),
        Outcome::Fail => AnsiColor::Red.on_default().bold(),
        Outcome::Warn => AnsiColor::Yellow.on_default(),
        Outcome::Skipped => Style::new().dimmed(),
    }
}
