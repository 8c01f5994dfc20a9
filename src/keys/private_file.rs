//! Every file that holds a private key, or a token that is as good as one: written in one way, with the same
//! warnings.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use crate::error::{Result, shell_path, shell_quoted};
use crate::output;
use crate::system::file::{self, others};
use crate::system::work_tree;

/// Writes a new one, mode 0600, and its directory where that is missing. What is there is never overwritten.
pub(crate) fn write(path: &Path, contents: &[u8]) -> Result<()> {
    prepare(path)?;
    file::write_private(path, contents)
}

/// Replaces one that `is_ours` knows for what it was: never a signing key.
pub(crate) fn replace(
    path: &Path,
    contents: &[u8],
    what: &str,
    is_ours: impl Fn(&[u8]) -> bool,
) -> Result<()> {
    prepare(path)?;
    file::replace_private(path, contents, what, is_ours)
}

fn prepare(path: &Path) -> Result<()> {
    file::create_dir(file::parent(path))?;
    warn_of_others(path);
    Ok(())
}

/// Warns, once, of others who could read the file, or put another in its place.
pub(crate) fn warn_of_others(path: &Path) {
    static WARNED: Mutex<BTreeSet<PathBuf>> = Mutex::new(BTreeSet::new());
    let is_first = WARNED
        .lock()
        .is_ok_and(|mut warned| warned.insert(path.to_owned()));
    if !is_first {
        return;
    }
    let dir = file::parent(path);
    let shown = output::path(dir);
    let quoted = output::sanitized(&shell_path(dir));
    if others::is_writable_by_others(dir) {
        output::say(format_args!(
            "warning: others can write in {shown}, and so put their own key there: chmod go-w {quoted}"
        ));
    }
    if let Some(uid) = others::foreign_owner(dir) {
        output::say(format_args!(
            "warning: user {uid} owns {shown}, who is neither you nor root, and can put another key there: chown $(id -u) {quoted}"
        ));
    }
    if work_tree::would_take(&[path.to_owned(), others::temporary_name(dir)]) {
        output::say(format_args!(
            "warning: {} lies in a git work tree that does not ignore it, nor the name under which it is written; a key that is pushed is everybody's: {}",
            output::path(path),
            output::sanitized(&ignoring(path))
        ));
    }
    for stray in others::strays(dir) {
        output::say(format_args!(
            "warning: {} was left behind by a run that was killed, and may hold a private key: rm {}",
            output::path(&stray),
            output::sanitized(&shell_path(&stray))
        ));
    }
}

/// The command that makes git ignore it: the whole directory, where nothing else is known to be in it.
fn ignoring(path: &Path) -> String {
    let dir = file::parent(path);
    let rules = shell_path(&dir.join(".gitignore"));
    let is_shared = [".git", ".gitignore"]
        .iter()
        .any(|name| dir.join(name).exists());
    if is_shared || dir == Path::new(".") {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        format!(
            "printf '%s\\n' {} '.irsactl-*' >> {rules}",
            shell_quoted(&format!("/{name}"))
        )
    } else {
        format!("echo '*' > {rules}")
    }
}
