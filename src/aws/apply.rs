//! Applies one change: one call, sent again where AWS says "not yet".

use tokio::time::Instant;

use crate::aws::connect::Aws;
use crate::aws::outcome::Failure;
use crate::aws::patience::Patience;
use crate::aws::still::{self, Still};
use crate::aws::{bucket, provider, remove, role};
use crate::error::{Exit, Result};
use crate::plan::change::Change;

/// Makes the change. `on_wait` is told the error code when AWS needs time, and can end it. Returns before
/// `deadline` unless the call in hand takes longer.
pub(crate) async fn apply(
    aws: &Aws,
    change: &Change,
    deadline: Instant,
    on_wait: impl Fn(&str) -> Result<()>,
) -> Result<()> {
    let mut patience = Patience::until(deadline);
    loop {
        let (operation, resource) = (change.operation(), change.resource());
        tracing::info!(operation, resource, "calling");
        let failure = match still::look(aws, change).await {
            Ok(Still::Done) => return Ok(()),
            Err(failure) => failure,
            Ok(Still::AsSeen) => match call(aws, change).await {
                Ok(()) => return Ok(()),
                Err(failure) => failure,
            },
        };
        let Some(reason) = &failure.not_yet else {
            return Err(failure.error);
        };
        on_wait(reason)?;
        if !patience.wait().await {
            return Err(if patience.ends_with_deadline() {
                failure.error.with_exit(Exit::Deadline)
            } else {
                failure.error
            });
        }
    }
}

async fn call(aws: &Aws, whole: &Change) -> std::result::Result<(), Failure> {
    match whole {
        Change::Bucket(change) => bucket::make(aws, whole, change).await,
        Change::Provider(change) => provider::make(aws, whole, change).await,
        Change::Role(change) => role::make(aws, whole, change).await,
        Change::Remove(removal) => remove::remove(aws, whole, removal).await,
    }
}
