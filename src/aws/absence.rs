//! Reading what may not be there: a bucket and its parts are asked for at once.

use crate::error::{Error, Result};

/// What is read of a bucket, at once with whether it is there, and whose: that tells what it is worth.
pub(super) async fn existing<T, F: Future<Output = Result<T>>>(
    exists: impl Future<Output = Result<bool>>,
    read: impl Fn() -> F,
) -> Result<Option<T>> {
    let (exists, contents) = tokio::join!(exists, read());
    let is_gone = contents.as_ref().is_err_and(is_gone);
    match exists? {
        // It came into being meanwhile.
        true if is_gone => read().await.map(Some),
        false if is_gone || contents.is_ok() => Ok(None),
        _ => contents.map(Some),
    }
}

fn is_gone(error: &Error) -> bool {
    error.code() == Some("NoSuchBucket")
}

/// A value, or nothing and the error: one of another kind says more than that there is no bucket.
pub(super) fn kept<T: Default>(result: Result<T>, worst: &mut Option<Error>) -> T {
    result.unwrap_or_else(|error| {
        if worst.as_ref().is_none_or(is_gone) {
            *worst = Some(error);
        }
        T::default()
    })
}
