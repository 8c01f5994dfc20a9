//! Reading back what was written: as its owner, and as the public.
//!
//! AWS may take a while to agree with itself, so both wait; but not longer than it ever takes.

use std::time::Duration;

use tokio::time::{Instant, sleep};
use url::Url;

use crate::error::{Error, Exit, Result};
use crate::plan::desired::Desired;
use crate::plan::observed::{Object, Observed};
use crate::probe::document;

use super::converge::{Planned, Session};
use super::deadline::Deadline;

/// How long a change may take to show (as long as Terraform waits for a bucket).
const PROPAGATION: Duration = Duration::from_secs(120);

/// Pauses that grow, until the time is up.
struct Patience {
    until: Instant,
    pause: Duration,
}

impl Patience {
    fn until(deadline: &Deadline) -> Self {
        Self {
            until: deadline.at().min(Instant::now() + PROPAGATION),
            pause: Duration::from_millis(250),
        }
    }

    /// Waits; false when there is no time left.
    async fn wait(&mut self) -> bool {
        if Instant::now() + self.pause >= self.until {
            return false;
        }
        sleep(self.pause).await;
        self.pause = (self.pause * 2).min(Duration::from_secs(8));
        true
    }
}

/// Observes again until nothing has to change.
pub(super) async fn as_owner(
    session: &Session<'_>,
    desired: &Desired,
    deadline: &Deadline,
) -> Result<Observed> {
    let mut patience = Patience::until(deadline);
    loop {
        let difference = match session.plan(desired).await {
            Ok(Planned { observed, plan }) => match plan.changes.first() {
                None => return Ok(observed),
                Some(change) => Error::failed(format!("{} is not as it was written", change.resource()))
                    .because("it was written, and reading it again shows something else")
                    .hint("something else may be changing it; run again with --dry-run to see the difference"),
            },
            // A bucket that was just made may be unknown to some of S3 yet.
            Err(error) if error.exit() == Exit::Failed => error,
            Err(error) => return Err(error),
        };
        tracing::info!(what = difference.what(), "not settled yet");
        if !patience.wait().await {
            return Err(difference.with_exit(Exit::Drift));
        }
    }
}

/// Fetches both documents anonymously until they are what was written. S3 answers 403 until a
/// bucket policy has taken effect.
pub(super) async fn as_public(
    desired: &Desired,
    observed: &Observed,
    deadline: &Deadline,
) -> Result<()> {
    let (Some(_), Some(bucket)) = (&desired.publication, &observed.bucket) else {
        return Ok(());
    };
    let issuer = &desired.issuer;
    fetch(&issuer.jwks_uri(), bucket.jwks.as_ref(), deadline).await?;
    fetch(&issuer.discovery_url(), bucket.discovery.as_ref(), deadline).await
}

async fn fetch(url: &str, object: Option<&Object>, deadline: &Deadline) -> Result<()> {
    let parsed =
        Url::parse(url).map_err(|e| Error::failed(format!("cannot fetch {url}")).because(e))?;
    let expected = object.map_or(&[][..], |object| &object.body);
    let mut patience = Patience::until(deadline);
    loop {
        let answer = document::fetch(&parsed).await?;
        let seen = match answer.status {
            200 if answer.body == expected => return Ok(()),
            200 => "other bytes than were written".to_owned(),
            status => format!("HTTP status {status}"),
        };
        tracing::info!(url, seen, "not public yet");
        if !patience.wait().await {
            return Err(Error::failed(format!("cannot read {url} as the public"))
                .because(format!("the answer to an anonymous GET is {seen}"))
                .hint("STS reads it the same way; look for a denying statement in the bucket policy, or run again")
                .with_exit(Exit::Drift));
        }
    }
}
