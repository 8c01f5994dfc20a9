//! What ends a run early: `--timeout`, which stands still while a person is asked, and SIGINT and
//! SIGTERM, which let the call in hand finish so that what was done can be said.

use std::cell::Cell;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};

use crate::error::{Error, Exit, Result};

/// As good as never.
const YEAR: Duration = Duration::from_secs(365 * 24 * 3600);

/// What to do after a run that was cut.
pub(crate) const AGAIN: &str =
    "run the same command again: it compares everything and goes on where this one stopped";

/// The clock and the signals of a run.
pub(crate) struct Stop {
    timeout: Duration,
    deadline: watch::Sender<Instant>,
    changing: Cell<bool>,
    signal: Cell<Option<Exit>>,
}

impl Stop {
    /// Starts the clock.
    pub(crate) fn new(timeout: Duration) -> Self {
        Self {
            timeout,
            deadline: watch::Sender::new(Instant::now() + timeout),
            changing: Cell::new(false),
            signal: Cell::new(None),
        }
    }

    /// When the time is up.
    pub(crate) fn deadline(&self) -> Instant {
        *self.deadline.borrow()
    }

    /// The clock stands still until [`Self::restart_clock`].
    pub(crate) fn stop_clock(&self) {
        self.deadline.send_replace(Instant::now() + YEAR);
    }

    /// The clock starts anew.
    pub(crate) fn restart_clock(&self) {
        self.deadline.send_replace(Instant::now() + self.timeout);
    }

    /// Says whether AWS is being changed: then a signal does not end the run at once.
    pub(crate) fn set_changing(&self, changing: bool) {
        self.changing.set(changing);
    }

    /// The error of a signal that has arrived, to be asked for between two changes.
    pub(crate) fn check_signal(&self) -> Result<()> {
        self.signal
            .get()
            .map_or(Ok(()), |exit| Err(interrupted(exit)))
    }

    /// Returns the reason to end the run at once.
    pub(crate) async fn reason(&self) -> Error {
        tokio::select! {
            error = self.second_signal() => error,
            () = self.time_is_up() => {
                let seconds = self.timeout.as_secs();
                Error::deadline(format!("cannot finish within {seconds} s")).hint(AGAIN)
            }
        }
    }

    async fn time_is_up(&self) {
        let mut changed = self.deadline.subscribe();
        loop {
            let deadline = *changed.borrow_and_update();
            tokio::select! {
                () = sleep_until(deadline) => return,
                _ = changed.changed() => {}
            }
        }
    }

    /// The first signal ends the run, unless AWS is being changed; the second always does.
    async fn second_signal(&self) -> Error {
        loop {
            let exit = signal().await;
            if !self.changing.get() || self.signal.get().is_some() {
                return interrupted(exit);
            }
            self.signal.set(Some(exit));
            crate::output::say("interrupted: finishing the call in hand (again to leave at once)");
        }
    }
}

fn interrupted(exit: Exit) -> Error {
    Error::failed("interrupted").with_exit(exit).hint(AGAIN)
}

async fn signal() -> Exit {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        if let Ok(mut terminate) = signal(SignalKind::terminate()) {
            return tokio::select! {
                _ = tokio::signal::ctrl_c() => Exit::Sigint,
                _ = terminate.recv() => Exit::Sigterm,
            };
        }
    }
    let _ = tokio::signal::ctrl_c().await;
    Exit::Sigint
}
