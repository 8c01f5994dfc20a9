//! A rotation under way: `rotation.json` beside the key files, without a secret in it.
//!
//! It names the two keys and when tokens of the new one were first seen. What is published and what the
//! API servers know is looked at anew by each step.

use std::fs;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::file;
use crate::oidc::issuer::Issuer;
use crate::oidc::key::{Kid, PublicKey};
use crate::oidc::signing_key::SigningKey;
use crate::output;
use crate::plan::document::json_text;

use super::super::key_pair::{public_key_file, signing_key_file, unusable};

const FORMAT_VERSION: u32 = 1;

/// A key takes the place of another.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Rotation {
    format_version: u32,
    /// Whose keys they are.
    pub(super) issuer: String,
    /// The key that goes.
    pub(super) old: Kid,
    /// The key that comes.
    pub(super) new: Kid,
    /// When a token of the new key was first seen, in seconds since 1970.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) activated: Option<u64>,
    /// When the old key left the JWK Set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) retired: Option<u64>,
}

impl Rotation {
    /// A rotation that begins.
    pub(super) fn new(issuer: &Issuer, old: Kid, new: Kid) -> Self {
        Self {
            format_version: FORMAT_VERSION,
            issuer: issuer.to_string(),
            old,
            new,
            activated: None,
            retired: None,
        }
    }

    /// The one in the issuer directory, of this issuer; `None` when there never was one.
    pub(super) fn load(dir: &Path, issuer: &Issuer) -> Result<Option<Self>> {
        let path = state_file(dir);
        if !file::exists(&path)? {
            return Ok(None);
        }
        let cannot = || Error::refused(format!("cannot use {}", output::path(&path)));
        let rotation: Self =
            serde_json::from_slice(&file::read_key(&path)?).map_err(|e| cannot().because(e))?;
        if rotation.format_version != FORMAT_VERSION {
            return Err(cannot()
                .because(format!("its format is {}", rotation.format_version))
                .hint("use the irsactl that wrote it, or a newer one"));
        }
        if rotation.issuer != issuer.as_str() {
            return Err(cannot()
                .because(format!("it is about issuer {}", rotation.issuer))
                .hint("give that issuer's names, or this one's own --dir"));
        }
        rotation.settle(dir)?;
        Ok(Some(rotation))
    }

    /// Writes it as the only one: of two runs at once one gets it, and the other is refused. That of a
    /// finished rotation is kept under another name.
    pub(super) fn claim(&self, dir: &Path) -> Result<()> {
        let path = state_file(dir);
        file::create_dir(dir)?;
        if file::exists(&path)? {
            let before: Self = serde_json::from_slice(&file::read_key(&path)?).map_err(|e| {
                Error::refused(format!("cannot use {}", output::path(&path))).because(e)
            })?;
            if before.retired.is_some() {
                move_new(&path, &dir.join(format!("rotation-{}.json", before.old)))?;
            }
        }
        file::write_public(&path, json_text(self).as_bytes())
    }

    /// Writes it, whole or not at all.
    pub(super) fn save(&self, dir: &Path) -> Result<()> {
        file::write_document(&state_file(dir), json_text(self).as_bytes())
    }

    /// Gives the key files the names of what they are now: the key that signs is `sa-signer.key`. Each
    /// rename leaves something that the next run can go on from.
    pub(super) fn settle(&self, dir: &Path) -> Result<()> {
        if self.activated.is_none() {
            return Ok(());
        }
        let (current, public) = (signing_key_file(dir), public_key_file(dir));
        let is_new = file::exists(&current)? && kid_of(&current)? == self.new;
        if !is_new {
            move_new(&public, &named(dir, &self.old, "pub"))?;
            move_new(&current, &named(dir, &self.old, "key"))?;
            move_new(&named(dir, &self.new, "key"), &current)?;
        }
        move_new(&named(dir, &self.new, "pub"), &public)
    }

    /// Sets the old key's files aside: they are no candidate for the next rotation.
    pub(super) fn set_aside(&self, dir: &Path) -> Result<()> {
        for extension in ["key", "pub"] {
            let to = dir.join(format!("retired-{}.{extension}", self.old));
            move_new(&named(dir, &self.old, extension), &to)?;
        }
        Ok(())
    }
}

/// `DIR/rotation.json`
pub(super) fn state_file(dir: &Path) -> PathBuf {
    dir.join("rotation.json")
}

/// `DIR/sa-signer-KID.key` or `.pub`: a key that is not the one that signs.
pub(super) fn named(dir: &Path, kid: &Kid, extension: &str) -> PathBuf {
    dir.join(format!("sa-signer-{kid}.{extension}"))
}

/// The new key that a run before this one has made, if there is one.
pub(super) fn made_before(dir: &Path, old: &Kid) -> Result<Option<Kid>> {
    let cannot = |cause: std::io::Error| {
        Error::failed(format!("cannot look into {}", output::path(dir))).because(cause)
    };
    let mut found = Vec::new();
    if !file::exists(dir)? {
        return Ok(None);
    }
    for entry in fs::read_dir(dir).map_err(cannot)? {
        let name = entry.map_err(cannot)?.file_name();
        let name = name.to_string_lossy();
        let is_key = name.starts_with("sa-signer-") && name.ends_with(".key");
        if is_key {
            found.push(kid_of(&dir.join(name.as_ref()))?);
        }
    }
    found.retain(|kid| kid != old);
    match found.as_slice() {
        [] => Ok(None),
        [one] => Ok(Some(one.clone())),
        _ => Err(Error::refused(format!(
            "cannot tell which key in {} is the new one",
            output::path(dir)
        ))
        .because(format!(
            "{} files are called sa-signer-KID.key",
            found.len()
        ))
        .hint("move away all but the one that is to come")),
    }
}

/// Writes a new key's files under its own name: the private one first.
pub(super) fn write(dir: &Path, key: &SigningKey) -> Result<Kid> {
    let cannot = |cause| Error::failed("cannot make a new signing key").because(cause);
    let public = key.public().map_err(cannot)?;
    let kid = public.kid().map_err(cannot)?;
    file::create_dir(dir)?;
    let pem = key.to_pem().map_err(cannot)?;
    file::write_private(&named(dir, &kid, "key"), pem.as_bytes())?;
    Ok(kid)
}

/// The public key of a key file, whose own file is written again when it is missing.
pub(super) fn public_of(dir: &Path, kid: &Kid) -> Result<PublicKey> {
    let current = signing_key_file(dir);
    let path = match named(dir, kid, "key") {
        path if file::exists(&path)? => path,
        _ => current,
    };
    let public = public_key(&path)?;
    let found = public.kid().map_err(|cause| unusable(&path, &cause))?;
    if found != *kid {
        return Err(
            Error::refused(format!("cannot use {}", output::path(&path)))
                .because(format!("its key has the kid {found}, not {kid}"))
                .hint("put the file of that key back"),
        );
    }
    let file = path.with_extension("pub");
    if !file::exists(&file)? {
        let pem = public.to_pem().map_err(|cause| unusable(&path, &cause))?;
        file::write_public(&file, pem.as_bytes())?;
    }
    Ok(public)
}

fn kid_of(path: &Path) -> Result<Kid> {
    let kid = public_key(path)?.kid();
    kid.map_err(|cause| unusable(path, &cause))
}

fn public_key(path: &Path) -> Result<PublicKey> {
    let text = file::read_private(path)?;
    SigningKey::from_pem(&text)
        .and_then(|key| key.public())
        .map_err(|cause| unusable(path, &cause))
}

/// Moves a file that is there to a name that is free.
fn move_new(from: &Path, to: &Path) -> Result<()> {
    if !file::exists(from)? {
        return Ok(());
    }
    let cannot = || {
        Error::failed(format!(
            "cannot move {} to {}",
            output::path(from),
            output::path(to)
        ))
    };
    if file::exists(to)? {
        return Err(cannot()
            .because("something is there already, and a key file is never overwritten")
            .hint("look at both, and move one away"));
    }
    fs::rename(from, to).map_err(|e| cannot().because(e))
}
