//! Who else can write where a key is, or has been there before.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// How the name begins under which a file is written before it has its own.
pub(super) const TEMPORARY: &str = ".irsactl-";

/// No key takes longer to be written.
const WRITTEN_WITHIN: Duration = Duration::from_secs(10);

/// Whether others than the owner can write in a directory: they could put another key there.
pub fn is_writable_by_others(dir: &Path) -> bool {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        fs::metadata(dir).is_ok_and(|metadata| metadata.permissions().mode() & 0o022 != 0)
    }
    #[cfg(not(unix))]
    {
        let _ = dir;
        false
    }
}

/// The user who owns a directory, where that is neither the caller nor root: who owns it can put another key
/// there.
pub fn foreign_owner(dir: &Path) -> Option<u32> {
    owner_of(&fs::metadata(dir).ok()?)
}

pub(super) fn owner_of(metadata: &fs::Metadata) -> Option<u32> {
    #[cfg(unix)]
    {
        let uid = std::os::unix::fs::MetadataExt::uid(metadata);
        let is_foreign = uid != 0 && uid != rustix::process::geteuid().as_raw();
        is_foreign.then_some(uid)
    }
    #[cfg(not(unix))]
    {
        let _ = metadata;
        None
    }
}

/// What a run that was killed while it wrote a file has left in a directory: each may be a whole private key.
pub fn strays(dir: &Path) -> Vec<PathBuf> {
    let is_stray = |entry: &fs::DirEntry| {
        let name = entry.file_name();
        let is_ours = name.to_string_lossy().starts_with(TEMPORARY);
        // Not that of a run that writes at this moment.
        let modified = entry.metadata().and_then(|metadata| metadata.modified());
        let age = modified.map(|time| time.elapsed().unwrap_or_default());
        is_ours && age.is_ok_and(|age| age > WRITTEN_WITHIN)
    };
    let entries = fs::read_dir(dir).into_iter().flatten().flatten();
    let strays = entries.filter(is_stray).map(|entry| entry.path());
    let mut strays: Vec<PathBuf> = strays.collect();
    strays.sort();
    strays
}

/// The name under which a file of this directory may be there for a moment, or for ever.
pub fn temporary_name(dir: &Path) -> PathBuf {
    dir.join(format!("{TEMPORARY}x"))
}
