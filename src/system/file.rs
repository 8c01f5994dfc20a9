//! Files: the private key's promise, and public files beside it.
//!
//! A key file is made with create-new and mode 0600 under a temporary name, synced, and then
//! linked to its own: it is never there half-written, never readable by others, not for a moment,
//! and never over something that exists. There is no flag to change that.

pub mod links;
pub mod others;

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::Path;

use tempfile::NamedTempFile;
use zeroize::Zeroizing;

use crate::error::{Error, Result, shell_path};
use crate::system::file::others::TEMPORARY;

/// Key files and certificates are a few kilobytes.
pub const MAX_KEY_FILE: usize = 64 * 1024;

/// A report of an account with a thousand roles is smaller.
const MAX_DOCUMENT: u64 = 64 << 20;

/// Creates a directory for an issuer, with its parents: mode 0700. None of them is a symbolic link.
pub fn create_dir(path: &Path) -> Result<()> {
    links::refuse(path)?;
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path).map_err(|e| {
        Error::failed(format!("cannot create the directory {}", path.display())).because(e)
    })
}

/// Writes a new file that only its owner can read. Refuses when anything is there, also a symlink.
pub fn write_private(path: &Path, contents: &[u8]) -> Result<()> {
    write_new(path, contents, 0o600)
}

/// Moves a file to a name that is free, in one step where the platform has it.
pub fn rename_noclobber(from: &Path, to: &Path) -> io::Result<()> {
    #[cfg(any(target_os = "linux", target_os = "macos"))]
    {
        use rustix::fs::{CWD, RenameFlags, renameat_with};
        use rustix::io::Errno;
        match renameat_with(CWD, from, CWD, to, RenameFlags::NOREPLACE) {
            // A file system that cannot.
            Err(Errno::INVAL | Errno::NOSYS | Errno::NOTSUP) => {}
            done => return done.map_err(io::Error::from),
        }
    }
    match fs::symlink_metadata(to) {
        Ok(_) => Err(io::ErrorKind::AlreadyExists.into()),
        Err(_) => fs::rename(from, to),
    }
}

/// Writes a new file for everybody to read. Refuses when anything is there, also a symlink.
pub fn write_public(path: &Path, contents: &[u8]) -> Result<()> {
    write_new(path, contents, 0o644)
}

fn write_new(path: &Path, contents: &[u8], mode: u32) -> Result<()> {
    let file = temporary(path, contents, mode)?;
    file.persist_noclobber(path)
        .map_err(|e| match e.error.kind() {
            io::ErrorKind::AlreadyExists => {
                Error::refused(format!("cannot write {}", path.display()))
                    .because(
                        "something is there already, and a file of an issuer is never overwritten",
                    )
                    .hint(format!(
                        "look at it, and move it away or give another --dir: ls -l {}",
                        shell_path(path)
                    ))
            }
            _ => cannot_write(path).because(e.error),
        })?;
    // The name itself must survive a power loss too.
    let synced = File::open(parent(path)).and_then(|directory| directory.sync_all());
    synced.map_err(|e| cannot_write(path).because(e))
}

/// A complete, synced file beside `path`; it goes when it is not persisted.
fn temporary(path: &Path, contents: &[u8], mode: u32) -> Result<NamedTempFile> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(TEMPORARY);
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(mode));
    let written = builder.tempfile_in(parent(path)).and_then(|mut file| {
        // The mode at creation went through the umask, which may have taken bits away.
        #[cfg(unix)]
        file.as_file()
            .set_permissions(std::os::unix::fs::PermissionsExt::from_mode(mode))?;
        file.write_all(contents)?;
        file.as_file().sync_all()?;
        Ok(file)
    });
    written.map_err(|e| cannot_write(path).because(e))
}

/// The directory of a file.
pub fn parent(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if parent != Path::new("") => parent,
        _ => Path::new("."),
    }
}

/// Replaces or creates a file that can be made again at any time. What is there may only be `what` was written
/// here before, as `is_ours` says of its bytes: not something else, nor a symbolic link to it.
pub fn write_document(
    path: &Path,
    contents: &[u8],
    what: &str,
    is_ours: impl Fn(&[u8]) -> bool,
) -> Result<()> {
    replace(path, contents, 0o644, what, is_ours)
}

/// The same, for its owner's eyes alone. A signing key is never replaced, whatever it looks like.
pub fn replace_private(
    path: &Path,
    contents: &[u8],
    what: &str,
    is_ours: impl Fn(&[u8]) -> bool,
) -> Result<()> {
    replace(path, contents, 0o600, what, is_ours)
}

fn replace(
    path: &Path,
    contents: &[u8],
    mode: u32,
    what: &str,
    is_ours: impl Fn(&[u8]) -> bool,
) -> Result<()> {
    refuse_others(path, what, |found| found == contents || is_ours(found))?;
    let file = temporary(path, contents, mode)?;
    file.persist(path)
        .map_err(|e| cannot_write(path).because(e.error))?;
    Ok(())
}

/// Refuses to write where something is that was not written here.
pub fn refuse_others(path: &Path, what: &str, is_ours: impl Fn(&[u8]) -> bool) -> Result<()> {
    match whole(path) {
        Ok(None) => Ok(()),
        Ok(Some(found)) if is_ours(&found) => Ok(()),
        _ => Err(Error::refused(format!("cannot write {}", path.display()))
            .because(format!("something else than {what} is there"))
            .hint(format!(
                "look at it, and move it away or give another name: ls -l {}",
                shell_path(path)
            ))),
    }
}

/// All of a regular file, not of a symlink to one; none when nothing is there.
fn whole(path: &Path) -> io::Result<Option<Zeroizing<Vec<u8>>>> {
    let file = match open(path, false) {
        Ok(file) => file,
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(e) => return Err(e),
    };
    let metadata = file.metadata()?;
    if !metadata.is_file() || metadata.len() > MAX_DOCUMENT {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    let mut found = Zeroizing::new(Vec::new());
    file.take(MAX_DOCUMENT).read_to_end(&mut found)?;
    Ok(Some(found))
}

/// Reads a key or certificate file: a regular file of at most 64 KiB.
pub fn read_key(path: &Path) -> Result<Zeroizing<Vec<u8>>> {
    read_at_most(path, MAX_KEY_FILE)
}

/// Reads a regular file of at most so many bytes.
pub fn read_at_most(path: &Path, max: usize) -> Result<Zeroizing<Vec<u8>>> {
    let file = open(path, true).map_err(|e| cannot_read(path).because(e))?;
    read(path, file, max)
}

/// Reads a small document of the issuer directory; none when nothing is there.
pub fn read_document(path: &Path) -> Result<Option<Zeroizing<Vec<u8>>>> {
    match open(path, false) {
        Ok(file) => read(path, file, MAX_KEY_FILE).map(Some),
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(e) => Err(cannot_read(path).because(e)),
    }
}

/// Reads a file of at most so many bytes that decides what is trusted or done: the caller's own or root's, as a
/// private key is, and not a symlink.
pub fn read_own(path: &Path, max: usize) -> Result<Zeroizing<Vec<u8>>> {
    let file = open(path, false).map_err(|e| cannot_read(path).because(e))?;
    let metadata = file.metadata().map_err(|e| cannot_read(path).because(e))?;
    refuse_foreign(path, &metadata)?;
    read(path, file, max)
}

fn refuse_foreign(path: &Path, metadata: &fs::Metadata) -> Result<()> {
    match others::owner_of(metadata) {
        None => Ok(()),
        Some(uid) => Err(Error::refused(format!("cannot use {}", path.display()))
            .because(format!(
                "user {uid} owns it, who is neither you nor root, and can put another key there"
            ))
            .hint(format!(
                "if it is the right one: chown $(id -u) {}",
                shell_path(path)
            ))),
    }
}

/// Reads a private key file, which must be the user's own, or root's (as ssh(1) wants it): not a symlink, not
/// readable by others.
pub fn read_private(path: &Path) -> Result<Zeroizing<Vec<u8>>> {
    let what = || format!("cannot use {}", path.display());
    if fs::symlink_metadata(path).is_ok_and(|metadata| metadata.is_symlink()) {
        return Err(Error::refused(what())
            .because("it is a symbolic link")
            .hint("put the key file itself there"));
    }
    let file = open(path, false).map_err(|e| cannot_read(path).because(e))?;
    // Asked of the open file: what is at the path may be another one by now.
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let metadata = file.metadata().map_err(|e| cannot_read(path).because(e))?;
        let mode = metadata.permissions().mode() & 0o777;
        refuse_foreign(path, &metadata)?;
        if metadata.is_file() && mode & 0o077 != 0 {
            let quoted = shell_path(path);
            return Err(Error::refused(what())
                .because(format!("its mode is {mode:04o}: others can read or write the signing key"))
                .hint(format!("if nobody has read it: chmod 600 {quoted}; else make a new key in another --dir")));
        }
    }
    read(path, file, MAX_KEY_FILE)
}

/// Opens without waiting for the writer of a FIFO, and without following a symlink if told so.
fn open(path: &Path, follow: bool) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        let no_follow = if follow { 0 } else { libc::O_NOFOLLOW };
        options.custom_flags(libc::O_NONBLOCK | no_follow);
    }
    options.open(path)
}

fn read(path: &Path, file: File, max: usize) -> Result<Zeroizing<Vec<u8>>> {
    let metadata = file.metadata().map_err(|e| cannot_read(path).because(e))?;
    if !metadata.is_file() {
        return Err(cannot_read(path).because("it is not a regular file"));
    }
    // Room for all of it at once: a buffer that grows leaves copies behind.
    let mut contents = Zeroizing::new(Vec::with_capacity(max + 1));
    let mut limited = file.take(max as u64 + 1);
    limited
        .read_to_end(&mut contents)
        .map_err(|e| cannot_read(path).because(e))?;
    if contents.len() > max {
        Err(cannot_read(path).because(format!(
            "it is larger than {} KiB, so it is not what belongs there",
            max / 1024
        )))
    } else {
        Ok(contents)
    }
}

fn cannot_read(path: &Path) -> Error {
    Error::failed(format!("cannot read {}", path.display()))
        .hint("check the path, and that you may read it")
}

fn cannot_write(path: &Path) -> Error {
    Error::failed(format!("cannot write {}", path.display()))
        .hint("check that its directory is there, and that you may write to it")
}

/// Whether anything is at `path`, also a dangling symlink.
pub fn exists(path: &Path) -> Result<bool> {
    match fs::symlink_metadata(path) {
        Ok(_) => Ok(true),
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(e) => Err(Error::failed(format!("cannot look at {}", path.display())).because(e)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_moved_over_a_file() {
        let home = tempfile::TempDir::new().unwrap();
        let [from, to] = ["from", "to"].map(|name| home.path().join(name));
        fs::write(&from, "new").unwrap();
        fs::write(&to, "old").unwrap();
        let refused = rename_noclobber(&from, &to).unwrap_err();
        assert_eq!(refused.kind(), io::ErrorKind::AlreadyExists);
        assert_eq!(fs::read_to_string(&to).unwrap(), "old");
        fs::remove_file(&to).unwrap();
        rename_noclobber(&from, &to).unwrap();
        assert_eq!(fs::read_to_string(&to).unwrap(), "new");
        assert!(!from.exists());
    }
}
