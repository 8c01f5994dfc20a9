//! Steps that take a while: on a terminal, a line that moves and counts the seconds until they end.

use std::fmt::Display;
use std::io::{self, IsTerminal, Write};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressState, ProgressStyle};
use tracing::level_filters::LevelFilter;

use crate::output::form::plain;
use crate::output::terminal::is_ci;

/// The one line that moves; whoever writes to the terminal meanwhile takes it away first.
static LINE: Mutex<Option<ProgressBar>> = Mutex::new(None);

/// A step that is under way, until it is dropped. Within another one it is not shown.
#[derive(Debug)]
#[must_use]
pub struct Step {
    is_shown: bool,
}

impl Step {
    /// Starts a step.
    pub fn start(what: &str) -> Self {
        let mut line = line();
        let is_shown = line.is_none() && is_animated();
        if is_shown {
            let bar = ProgressBar::new_spinner().with_message(plain(what));
            bar.set_style(style());
            bar.enable_steady_tick(Duration::from_millis(100));
            *line = Some(bar);
        }
        Self { is_shown }
    }
}

impl Drop for Step {
    fn drop(&mut self) {
        if let Some(bar) = line().take_if(|_| self.is_shown) {
            bar.finish_and_clear();
        }
    }
}

/// Writes to the terminal while nothing moves there.
pub(crate) fn at_rest<T>(write: impl FnOnce() -> T) -> T {
    match line().as_ref() {
        Some(bar) => bar.suspend(write),
        None => write(),
    }
}

fn line() -> MutexGuard<'static, Option<ProgressBar>> {
    LINE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Log lines say what goes on, and would tear the moving one.
fn is_animated() -> bool {
    io::stderr().is_terminal()
        && anstyle_query::term_supports_ansi_color()
        && !is_ci()
        && LevelFilter::current() <= LevelFilter::ERROR
}

fn style() -> ProgressStyle {
    let seconds = |state: &ProgressState, text: &mut dyn std::fmt::Write| {
        let _ = write!(text, "{:.1} s", state.elapsed().as_secs_f64());
    };
    // The message is cut to the terminal's width.
    let style = ProgressStyle::with_template("{spinner} {seconds}  {wide_msg}");
    let style = style.unwrap_or_else(|_| ProgressStyle::default_spinner());
    style.with_key("seconds", seconds)
}

/// Says something on stderr; nothing can be done when nobody listens.
pub fn say(line: impl Display) {
    let _ = at_rest(|| writeln!(anstream::stderr().lock(), "{line}"));
}
