//! Whether git would take a file, by the ignore rules of the work tree that it lies in.
//!
//! git itself is not asked: a directory may have been written by others, and git runs what a repository there
//! names (`core.fsmonitor`, in a bare repository too; git-config(1)). The rules are read as files, small and
//! regular ones, and judged here.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::time::Duration;

use gix_ignore::Search;
use gix_ignore::glob::pattern::Case;
use gix_ignore::search::Ignore;

use crate::system::file;

/// How long rules are judged. Others have written them, and a pattern of many `**` takes for ever.
const JUDGED_WITHIN: Duration = Duration::from_millis(500);

/// Whether `git add` would take one of these files: they lie in a work tree that does not ignore them. An excludes
/// file that `core.excludesFile` names is not looked at; the warning is one too many then, as it is when the rules
/// cannot be judged in time.
pub fn would_take(paths: &[PathBuf]) -> bool {
    let (sender, receiver) = mpsc::channel();
    let paths = paths.to_vec();
    // A thread that is still at it ends with the process.
    std::thread::spawn(move || sender.send(paths.iter().any(|path| takes(path))));
    receiver.recv_timeout(JUDGED_WITHIN).unwrap_or(true)
}

fn takes(path: &Path) -> bool {
    let Some(path) = resolved(path) else {
        return false;
    };
    let is_root = |above: &&Path| fs::symlink_metadata(above.join(".git")).is_ok();
    let Some(root) = path.ancestors().skip(1).find(is_root) else {
        return false;
    };
    let Ok(relative) = path.strip_prefix(root) else {
        return false;
    };
    let rules = rules(root, relative);
    // What lies in an ignored directory is ignored, whatever else is said of it (gitignore(5)).
    let mut part = PathBuf::new();
    for name in relative {
        part.push(name);
        let is_directory = Some(part != relative);
        let found =
            rules.pattern_matching_relative_path(text(&part).into(), is_directory, Case::Sensitive);
        if found.is_some_and(|found| !found.pattern.is_negative()) {
            return false;
        }
    }
    true
}

/// The rules that count for a file, the weakest first.
fn rules(root: &Path, relative: &Path) -> Search {
    let mut rules = Search::default();
    let mut add = |file: PathBuf, root: Option<&Path>| {
        if let Ok(Some(text)) = file::read_document(&file) {
            // The error is that of a source outside of its root.
            let _ = rules.add_patterns_buffer(&text, file, root, Ignore::default());
        }
    };
    if let Some(config) = config_directory() {
        add(config.join("git/ignore"), None);
    }
    add(root.join(".git/info/exclude"), None);
    let directories: Vec<&Path> = relative.ancestors().skip(1).collect();
    for directory in directories.into_iter().rev() {
        add(root.join(directory).join(".gitignore"), Some(root));
    }
    rules
}

/// Where git has a user's own excludes file, unless told otherwise (gitignore(5)).
fn config_directory() -> Option<PathBuf> {
    let set = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty());
    let own = || Some(Path::new(&set("HOME")?).join(".config"));
    set("XDG_CONFIG_HOME").map(PathBuf::from).or_else(own)
}

/// The absolute path without symlinks, as far as it is there.
fn resolved(path: &Path) -> Option<PathBuf> {
    let path = std::path::absolute(path).ok()?;
    let existing = path.ancestors().skip(1).find(|above| above.is_dir())?;
    let rest = path.strip_prefix(existing).ok()?;
    Some(fs::canonicalize(existing).ok()?.join(rest))
}

fn text(path: &Path) -> &[u8] {
    OsStr::as_encoded_bytes(path.as_os_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rules_are_gits() {
        let home = tempfile::TempDir::new().unwrap();
        let write = |name: &str, text: &str| {
            let path = home.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        };
        let takes = |name: &str| would_take(&[home.path().join(name)]);
        assert!(!takes("issuer/sa-signer.key"), "it is no work tree");
        write(".git/info/exclude", "/excluded\n");
        assert!(takes("issuer/sa-signer.key"));
        assert!(!takes("excluded/sa-signer.key"));
        write(".gitignore", "*.key\n!kept/*.key\nwhole/\n");
        assert!(!takes("issuer/sa-signer.key") && takes("issuer/.irsactl-x"));
        assert!(takes("kept/sa-signer.key"));
        write("whole/.gitignore", "!*\n");
        assert!(!takes("whole/sa-signer.key"));
        write("kept/.gitignore", "*\n");
        assert!(!takes("kept/sa-signer.key") && !takes("kept/deeper/.irsactl-x"));
        // Rules that take for ever are not waited for.
        write("slow/.gitignore", &format!("{}b\n", "**/a/".repeat(15)));
        let start = std::time::Instant::now();
        assert!(takes(&format!("slow/{}sa-signer.key", "a/".repeat(200))));
        assert!(start.elapsed() < Duration::from_secs(5));
        // A rule that is no file of its own is none.
        fs::create_dir(home.path().join("linked")).unwrap();
        std::os::unix::fs::symlink("/dev/zero", home.path().join("linked/.gitignore")).unwrap();
        assert!(takes("linked/a"));
    }
}
