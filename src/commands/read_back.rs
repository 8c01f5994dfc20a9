//! Reading back what was written: as its owner, and as the public.
//!
//! AWS may take a while to agree with itself, so both wait; but not longer than it ever takes.

use std::time::Duration;

use tokio::time::{Instant, sleep};
use url::Url;

use crate::error::{Error, Exit, Result};
use crate::output;
use crate::plan::desired::Desired;
use crate::plan::observed::{Object, Observed};
use crate::probe::document;

use super::converge::{Planned, Session};
use super::stop::Stop;

/// How long a change may take to show (as long as Terraform waits for a bucket).
const PROPAGATION: Duration = Duration::from_secs(120);

/// Pauses that grow, until the time is up.
struct Patience {
    until: Instant,
    pause: Duration,
    said: bool,
}

impl Patience {
    fn until(stop: &Stop) -> Self {
        Self {
            until: stop.deadline().min(Instant::now() + PROPAGATION),
            pause: Duration::from_millis(250),
            said: false,
        }
    }

    /// Waits, and says once for what; false when there is no time left.
    async fn wait(&mut self, what: &str) -> bool {
        if !self.said {
            output::say(format_args!("waiting for AWS: {}", output::sanitized(what)));
            self.said = true;
        }
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
    stop: &Stop,
) -> Result<Observed> {
    let mut patience = Patience::until(stop);
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
        if !patience.wait(difference.what()).await {
            return Err(difference.with_exit(Exit::Drift));
        }
    }
}

/// Fetches both documents anonymously until they are what was written. S3 answers 403 until a
/// bucket policy has taken effect.
pub(super) async fn as_public(desired: &Desired, observed: &Observed, stop: &Stop) -> Result<()> {
    let (Some(_), Some(bucket)) = (&desired.publication, &observed.bucket) else {
        return Ok(());
    };
    let issuer = &desired.issuer;
    fetch(&issuer.jwks_uri(), bucket.jwks.as_ref(), stop).await?;
    fetch(&issuer.discovery_url(), bucket.discovery.as_ref(), stop).await
}

async fn fetch(url: &str, object: Option<&Object>, stop: &Stop) -> Result<()> {
    let parsed =
        Url::parse(url).map_err(|e| Error::failed(format!("cannot fetch {url}")).because(e))?;
    let expected = object.map_or(&[][..], |object| &object.body);
    let mut patience = Patience::until(stop);
    loop {
        let seen = match document::fetch(&parsed).await {
            Ok(answer) if answer.status == 200 && answer.body == expected => return Ok(()),
            Ok(answer) if answer.status == 200 => "other bytes than were written".to_owned(),
            Ok(answer) => format!("HTTP status {}", answer.status),
            Err(error) => error.causes().join(": "),
        };
        if !patience.wait(&format!("{url} is not public yet")).await {
            return Err(Error::failed(format!("cannot read {url} as the public"))
                .because(format!("the answer to an anonymous GET is {seen}"))
                .hint("STS reads it the same way; look for a denying statement in the bucket policy, or run again")
                .with_exit(Exit::Drift));
        }
    }
}
