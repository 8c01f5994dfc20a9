//! The time that `--timeout` gives. It stands still while a person is asked.

use std::cell::Cell;
use std::time::Duration;

use tokio::time::{Instant, sleep_until};

/// When a run gives up.
pub(super) struct Deadline {
    at: Cell<Instant>,
    timeout: Duration,
}

impl Deadline {
    /// Starts the clock.
    pub(super) fn start(timeout: Duration) -> Self {
        Self {
            at: Cell::new(Instant::now() + timeout),
            timeout,
        }
    }

    /// Starts the clock anew, after a person has answered.
    pub(super) fn restart(&self) {
        self.at.set(Instant::now() + self.timeout);
    }

    /// Stops the clock until [`Self::restart`].
    pub(super) fn stop(&self) {
        // As good as never: a year.
        self.at
            .set(Instant::now() + Duration::from_secs(365 * 24 * 3600));
    }

    /// The moment itself.
    pub(super) fn at(&self) -> Instant {
        self.at.get()
    }

    /// Returns when the time is up.
    pub(super) async fn passed(&self) {
        while Instant::now() < self.at() {
            sleep_until(self.at()).await;
        }
    }
}
