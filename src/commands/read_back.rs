//! Reading back what was written: as its owner, and as the public.
//!
//! AWS may take a while to agree with itself, so both wait; but not longer than it ever takes.

use url::Url;

use crate::aws::patience::Patience;
use crate::error::{Error, Exit, Result};
use crate::output::{self, Step};
use crate::plan::desired::Desired;
use crate::plan::observed::{Object, Observed};
use crate::probe::document;

use super::converge::{Planned, Session};
use super::stop::Stop;

/// Observes again until nothing has to change.
pub(super) async fn as_owner(
    session: &Session<'_>,
    desired: &Desired,
    stop: &Stop,
) -> Result<Observed> {
    let _step = Step::start("reading everything back");
    let mut patience = Patience::until(stop.deadline());
    loop {
        let error = match session.plan(desired).await {
            Ok(Planned { observed, plan }) => match plan.changes.first() {
                None => return Ok(observed),
                Some(change) => Error::failed(format!("{} is not as it was written", change.resource()))
                    .because("it was written, and reading it again shows something else")
                    .hint("something else may be changing it; run again with --dry-run to see the difference")
                    .with_exit(Exit::Drift),
            },
            // A bucket that was just made may be unknown to some of S3 yet.
            Err(error) if error.exit() == Exit::Failed => error,
            Err(error) => return Err(error),
        };
        wait_or(&mut patience, error).await?;
    }
}

/// Waits; the error when there is no time left.
async fn wait_or(patience: &mut Patience, error: Error) -> Result<()> {
    output::say(format_args!(
        "waiting for AWS: {}",
        output::sanitized(error.what())
    ));
    match patience.wait().await {
        true => Ok(()),
        false if patience.ends_with_deadline() => Err(error.with_exit(Exit::Deadline)),
        false => Err(error),
    }
}

/// Fetches both documents anonymously until they are what was written. S3 answers 403 until a
/// bucket policy has taken effect.
pub(super) async fn as_public(desired: &Desired, observed: &Observed, stop: &Stop) -> Result<()> {
    let Some(bucket) = &observed.bucket else {
        return Ok(());
    };
    let issuer = &desired.issuer;
    let (jwks, discovery) = (issuer.jwks_uri(), issuer.discovery_url());
    tokio::try_join!(
        self::document(&jwks, bucket.jwks.as_ref(), stop),
        self::document(&discovery, bucket.discovery.as_ref(), stop)
    )?;
    Ok(())
}

/// Fetches one document anonymously until it is what its owner sees.
pub(super) async fn document(url: &str, object: Option<&Object>, stop: &Stop) -> Result<()> {
    let parsed =
        Url::parse(url).map_err(|e| Error::failed(format!("cannot fetch {url}")).because(e))?;
    let expected = object.map_or(&[][..], |object| &object.body);
    let _step = Step::start(&format!("reading {url} as the public"));
    let mut patience = Patience::until(stop.deadline());
    loop {
        let (seen, exit) = match document::fetch(&parsed).await {
            Ok(answer) if answer.status == 200 && answer.body == expected => return Ok(()),
            Ok(answer) if answer.status == 200 => {
                ("other bytes than were written".to_owned(), Exit::Drift)
            }
            Ok(answer) => (format!("HTTP status {}", answer.status), Exit::Drift),
            Err(error) => (error.causes().join(": "), Exit::Failed),
        };
        let error = Error::failed(format!("cannot read {url} as the public"))
            .because(format!("the answer to an anonymous GET is {seen}"))
            .hint("STS reads it the same way; look for a denying statement in the bucket policy, or run again")
            .with_exit(exit);
        wait_or(&mut patience, error).await?;
    }
}
