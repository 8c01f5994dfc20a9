//! Reading back what was written: as its owner, and as the public.
//!
//! AWS may take a while to agree with itself, so these wait; but not longer than it ever takes.

use url::Url;

use crate::aws::patience::Patience;
use crate::converge::planned::Planned;
use crate::converge::session::Session;
use crate::converge::stop::Stop;
use crate::error::{Error, Exit, Result};
use crate::oidc::issuer::Issuer;
use crate::output::{self, Step};
use crate::plan::change::Change;
use crate::plan::change::bucket::BucketChange;
use crate::plan::desired::Desired;
use crate::plan::diff::plan::Plan;
use crate::plan::observed::{Object, Observed, Shown};
use crate::probe::document;

/// Observes again until nothing has to change of what was made.
pub(crate) async fn as_owner(
    session: &Session<'_>,
    desired: &Desired,
    made: &Plan,
    stop: &Stop,
) -> Result<Observed> {
    let _step = Step::start("reading everything back");
    let mut patience = Patience::until(stop.deadline());
    loop {
        let error = match session.plan(desired).await {
            Ok(Planned { observed, plan }) => match plan.changes.first() {
                None => {
                    return Ok(observed);
                }
                Some(change) if is_overwritten(change, made) => {
                    return Err(Error::failed(format!("{} was written by another run at the same time", change.resource()))
                        .because("it is neither as it was before, nor as it was written")
                        .hint("run the same command again: it compares everything, and keeps what others have written")
                        .with_exit(Exit::Interrupted));
                }
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

/// Whether a bucket's policy is somebody else's by now: it can be ours still to show, or this.
fn is_overwritten(now: &Change, made: &Plan) -> bool {
    let Change::Bucket(BucketChange::PutPolicy { before: found, .. }) = now else {
        return false;
    };
    made.changes.iter().any(|change| match change {
        Change::Bucket(BucketChange::PutPolicy { before, .. }) => before != found,
        _ => false,
    })
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

/// Fetches both documents anonymously until they are what was written, unless a glance has shown that they are.
/// S3 answers 403 until a bucket policy has taken effect.
pub(crate) async fn as_public(desired: &Desired, observed: &Observed, stop: &Stop) -> Result<()> {
    let Some(bucket) = &observed.bucket else {
        return Ok(());
    };
    let (issuer, seen) = (&desired.issuer, &observed.shown);
    let shown = async |url: String, object: Option<&Object>, seen: &Option<Vec<u8>>| {
        let is_shown = object.is_some_and(|object| seen.as_ref() == Some(&object.body));
        if is_shown {
            Ok(())
        } else {
            crate::converge::read_back::document(&url, object, stop).await
        }
    };
    tokio::try_join!(
        shown(issuer.jwks_uri(), bucket.jwks.as_ref(), &seen.jwks),
        shown(
            issuer.discovery_url(),
            bucket.discovery.as_ref(),
            &seen.discovery
        )
    )?;
    Ok(())
}

/// Asks for both documents once, beside what their owner reads: where nothing has to change, nothing is left to
/// read back then. Where something has to, it was asked in vain.
pub(crate) async fn glance(issuer: &Issuer) -> Shown {
    let body = async |url: String| {
        let answer = document::fetch(&Url::parse(&url).ok()?).await.ok()?;
        (answer.status == 200).then_some(answer.body)
    };
    let (jwks, discovery) = tokio::join!(body(issuer.jwks_uri()), body(issuer.discovery_url()));
    Shown { jwks, discovery }
}

/// Fetches one document anonymously until it is what its owner sees.
pub(crate) async fn document(url: &str, object: Option<&Object>, stop: &Stop) -> Result<()> {
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
