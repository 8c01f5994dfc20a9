//! What a user names as FILE, where `-` is standard input.

use std::io::{self, Read};
use std::path::Path;

use tokio::task::spawn_blocking;
use zeroize::Zeroizing;

use crate::error::{Error, Result};

/// Whether a path names standard input.
pub fn is_standard_input(path: &Path) -> bool {
    path == Path::new("-")
}

/// At most `max` bytes of standard input.
pub fn standard_input(max: u64) -> Result<Zeroizing<Vec<u8>>> {
    let mut text = Zeroizing::new(Vec::new());
    let read = io::stdin().take(max).read_to_end(&mut text);
    read.map_err(|cause| Error::failed("cannot read standard input").because(cause))?;
    Ok(text)
}

/// At most `max` bytes of a file, of whatever kind, or of standard input. Whoever is to write a pipe may never do
/// so: the wait is on a thread of its own, which does not hold the process up.
pub async fn read(path: &Path, max: u64) -> io::Result<Vec<u8>> {
    let path = path.to_owned();
    let read = spawn_blocking(move || {
        let mut text = Vec::new();
        if is_standard_input(&path) {
            io::stdin().take(max).read_to_end(&mut text)?;
        } else {
            std::fs::File::open(path)?
                .take(max)
                .read_to_end(&mut text)?;
        }
        Ok(text)
    });
    read.await
        .unwrap_or_else(|cause| Err(io::Error::other(cause)))
}
