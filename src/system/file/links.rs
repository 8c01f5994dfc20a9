//! Symbolic links on the way to an output.

use std::fs;
use std::path::{Path, PathBuf};

use crate::error::{Error, Result, shell_path};

/// Refuses a path to an output that leads through a symbolic link: a checkout may hold one, to wherever else.
/// Nobody's checkout is the root directory, where the system itself has links of root's, such as macOS's /tmp.
pub fn refuse(path: &Path) -> Result<()> {
    let here = std::env::current_dir().unwrap_or_default();
    let (mut at, rest) = match path.strip_prefix(&here) {
        Ok(rest) => (here, rest),
        Err(_) => (PathBuf::new(), path),
    };
    for part in rest {
        at.push(part);
        let Ok(metadata) = fs::symlink_metadata(&at) else {
            return Ok(());
        };
        let is_systems = at.parent() == Some(Path::new("/")) && is_roots(&metadata);
        if metadata.is_symlink() && !is_systems {
            return Err(Error::refused(format!("cannot write {}", path.display()))
                .because(format!("{} is a symbolic link", at.display()))
                .hint(format!(
                    "name the place itself, if it is the one that is meant: readlink -f {}",
                    shell_path(&at)
                )));
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
