//! The clock.

use std::time::{SystemTime, UNIX_EPOCH};

use crate::error::{Error, Result};

/// Seconds since 1970.
pub fn now() -> Result<u64> {
    match SystemTime::now().duration_since(UNIX_EPOCH) {
        Ok(since) => Ok(since.as_secs()),
        Err(_) => Err(Error::failed(
            "cannot tell the time: this machine's clock is before 1970",
        )),
    }
}
