//! Files: the private key's promise, and public files beside it.
//!
//! A key file is made with create-new and mode 0600 under a temporary name, synced, and then
//! linked to its own: it is never there half-written, never readable by others, not for a moment,
//! and never over something that exists. There is no flag to change that.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::Path;

use zeroize::Zeroizing;

use crate::error::{Error, Result};

/// Key files and certificates are a few kilobytes.
const MAX_KEY_FILE: u64 = 64 * 1024;

/// Creates a directory for an issuer, with its parents: mode 0700.
pub fn create_dir(path: &Path) -> Result<()> {
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

/// Writes a new file for everybody to read. Refuses when anything is there, also a symlink.
pub fn write_public(path: &Path, contents: &[u8]) -> Result<()> {
    write_new(path, contents, 0o644)
}

fn write_new(path: &Path, contents: &[u8], mode: u32) -> Result<()> {
    let what = || format!("cannot write {}", path.display());
    let parent = match path.parent() {
        Some(parent) if parent != Path::new("") => parent,
        _ => Path::new("."),
    };
    let mut builder = tempfile::Builder::new();
    builder.prefix(".irsactl-");
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(mode));
    let written = builder.tempfile_in(parent).and_then(|mut file| {
        // The mode at creation went through the umask, which may have taken bits away.
        #[cfg(unix)]
        file.as_file()
            .set_permissions(std::os::unix::fs::PermissionsExt::from_mode(mode))?;
        file.write_all(contents)?;
        file.as_file().sync_all()?;
        Ok(file)
    });
    let file = written.map_err(|e| Error::failed(what()).because(e))?;
    file.persist_noclobber(path)
        .map_err(|e| match e.error.kind() {
            io::ErrorKind::AlreadyExists => Error::refused(what())
                .because("something is there already, and a file of an issuer is never overwritten")
                .hint(format!(
                    "look at it, and move it away or give another --dir: ls -l {}",
                    path.display()
                )),
            _ => Error::failed(what()).because(e.error),
        })?;
    // The name itself must survive a power loss too.
    let synced = File::open(parent).and_then(|directory| directory.sync_all());
    synced.map_err(|e| Error::failed(what()).because(e))
}

/// Replaces or creates a file that can be made again at any time.
pub fn write_document(path: &Path, contents: &[u8]) -> Result<()> {
    fs::write(path, contents)
        .map_err(|e| Error::failed(format!("cannot write {}", path.display())).because(e))
}

/// Reads a key or certificate file: a regular file of at most 64 KiB.
pub fn read_key(path: &Path) -> Result<Zeroizing<Vec<u8>>> {
    let what = || format!("cannot read {}", path.display());
    // Asked before opening: opening a FIFO waits for its writer.
    let metadata = fs::metadata(path).map_err(|e| Error::failed(what()).because(e))?;
    if !metadata.is_file() {
        return Err(Error::failed(what()).because("it is not a regular file"));
    }
    let file = OpenOptions::new()
        .read(true)
        .open(path)
        .map_err(|e| Error::failed(what()).because(e))?;
    let mut contents = Zeroizing::new(Vec::with_capacity(
        usize::try_from(MAX_KEY_FILE).unwrap_or_default() + 1,
    ));
    file.take(MAX_KEY_FILE + 1)
        .read_to_end(&mut contents)
        .map_err(|e| Error::failed(what()).because(e))?;
    match contents.len() as u64 > MAX_KEY_FILE {
        true => Err(Error::failed(what())
            .because("it is larger than 64 KiB, so it is not a key or a certificate")),
        false => Ok(contents),
    }
}

/// Reads a private key file, which must be the user's own: not a symlink, not readable by others.
pub fn read_private(path: &Path) -> Result<Zeroizing<Vec<u8>>> {
    let what = || format!("cannot use {}", path.display());
    let metadata = fs::symlink_metadata(path).map_err(|e| Error::failed(what()).because(e))?;
    if metadata.is_symlink() {
        return Err(Error::refused(what())
            .because("it is a symbolic link")
            .hint("put the key file itself there"));
    }
    #[cfg(unix)]
    {
        let mode = std::os::unix::fs::PermissionsExt::mode(&metadata.permissions()) & 0o777;
        if mode & 0o077 != 0 {
            return Err(Error::refused(what())
                .because(format!(
                    "its mode is {mode:04o}: others can read or write the signing key"
                ))
                .hint(format!(
                    "if nobody has read it: chmod 600 {}; else make a new key in another --dir",
                    path.display()
                )));
        }
    }
    read_key(path)
}

/// Whether anything is at `path`, also a dangling symlink.
pub fn exists(path: &Path) -> Result<bool> {
    match fs::symlink_metadata(path) {
        Ok(_) => Ok(true),
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(e) => Err(Error::failed(format!("cannot look at {}", path.display())).because(e)),
    }
}
