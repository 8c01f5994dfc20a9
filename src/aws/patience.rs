//! Waiting for AWS to agree with itself: bucket configuration, bucket policies and IAM are
//! eventually consistent.

use std::time::Duration;

use tokio::time::{Instant, sleep};

/// How long a change may take to show (Terraform waits as long for a bucket).
const PROPAGATION: Duration = Duration::from_secs(120);
const FIRST_PAUSE: Duration = Duration::from_millis(250);
const LONGEST_PAUSE: Duration = Duration::from_secs(8);

/// Pauses that grow, until the time is up.
#[derive(Debug)]
pub(crate) struct Patience {
    deadline: Instant,
    until: Instant,
    pause: Duration,
}

impl Patience {
    /// Waits until `deadline`, and never longer than a change may take to show.
    pub(crate) fn until(deadline: Instant) -> Self {
        Self {
            deadline,
            until: deadline.min(Instant::now() + PROPAGATION),
            pause: FIRST_PAUSE,
        }
    }

    /// How long to pause next; none when there is no time left. Half of it is chance, so that two
    /// runs that collide do not collide again.
    pub(crate) fn next_pause(&mut self) -> Option<Duration> {
        let pause = self.pause.mul_f64(0.5 + fastrand::f64() / 2.0);
        self.pause = (self.pause * 2).min(LONGEST_PAUSE);
        (Instant::now() + pause < self.until).then_some(pause)
    }

    /// Pauses; false when there is no time left.
    pub(crate) async fn wait(&mut self) -> bool {
        match self.next_pause() {
            Some(pause) => {
                sleep(pause).await;
                true
            }
            None => false,
        }
    }

    /// Whether the deadline is what ends the waiting.
    pub(crate) fn ends_with_deadline(&self) -> bool {
        self.until == self.deadline
    }
}
