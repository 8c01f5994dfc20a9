//! Symbolic links on the way to an output.

use std::fs;
use std::path::{Path, PathBuf};

use crate::error::{Error, Result};

/// Refuses a path to an output that leads through a symbolic link: a checkout may hold one, to wherever else. What
/// the system itself has made of links, such as macOS of /tmp, is root's and above the working directory.
pub fn refuse(path: &Path) -> Result<()> {
    let here = std::env::current_dir().unwrap_or_default();
    let below = path.strip_prefix(&here);
    let (mut at, rest) = match below {
        Ok(rest) => (here, rest),
        Err(_) => (PathBuf::new(), path),
    };
    let is_below = below.is_ok() || path.is_relative();
    for part in rest {
        at.push(part);
        let Ok(metadata) = fs::symlink_metadata(&at) else {
            return Ok(());
        };
        let is_systems = !is_below && is_roots(&metadata);
        if metadata.is_symlink() && !is_systems {
            return Err(Error::refused(format!("cannot write {}", path.display()))
                .because(format!("{} is a symbolic link", at.display()))
                .hint("name the place itself"));
        }
    }
    Ok(())
}

fn is_roots(metadata: &fs::Metadata) -> bool {
    #[cfg(unix)]
    {
        std::os::unix::fs::MetadataExt::uid(metadata) == 0
    }
    #[cfg(not(unix))]
    {
        let _ = metadata;
        false
    }
}
