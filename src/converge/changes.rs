//! The changes of a plan, one after the other.

use std::cmp::Ordering;
use std::time::Instant;

use crate::aws::apply;
use crate::aws::connect::Aws;
use crate::converge::stop::{AGAIN, Stop};
use crate::error::{Error, Exit, Result, after_changes};
use crate::output::plan::headline;
use crate::output::{self, Section, Step};
use crate::plan::change::Change;
use crate::plan::diff::plan::Plan;

/// Makes the changes in their order. When one fails, says what was done, what failed and what was not tried.
pub(crate) async fn make(aws: &Aws, plan: &Plan, stop: &Stop) -> Result<()> {
    let section = Section::start("changes", "making the changes");
    for (done, change) in plan.changes.iter().enumerate() {
        let start = Instant::now();
        let error = match make_one(aws, change, stop).await {
            Ok(()) => {
                let seconds = start.elapsed().as_secs_f64();
                output::say(format_args!("{}  {seconds:.1} s", headline(change)));
                continue;
            }
            Err(error) => error,
        };
        // What failed must not be folded away.
        drop(section);
        let failed = if is_signal(&error) {
            "not tried"
        } else {
            "failed   "
        };
        for (index, change) in plan.changes.iter().enumerate() {
            let state = match index.cmp(&done) {
                Ordering::Less => "done     ",
                Ordering::Equal => failed,
                Ordering::Greater => "not tried",
            };
            output::say(format_args!("  {state}  {}", headline(change)));
        }
        return Err(if done == 0 {
            error
        } else {
            after_changes(error)
        });
    }
    Ok(())
}

async fn make_one(aws: &Aws, change: &Change, stop: &Stop) -> Result<()> {
    stop.check_signal()?;
    let _step = Step::start(&headline(change));
    let waiting = |code: &str| {
        stop.check_signal()?;
        output::say(format_args!(
            "{}  AWS says {}: trying again",
            headline(change),
            output::sanitized(code)
        ));
        Ok(())
    };
    let deadline = stop.deadline();
    let applied = apply::apply(aws, change, deadline, waiting);
    tokio::time::timeout_at(deadline, applied)
        .await
        .unwrap_or_else(|_| {
            Err(Error::deadline(format!(
                "cannot finish {}: the time is up",
                change.resource()
            ))
            .hint(AGAIN))
        })
}

fn is_signal(error: &Error) -> bool {
    matches!(error.exit(), Exit::Sigint | Exit::Sigterm)
}
