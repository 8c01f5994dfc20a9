//! A rotation under way: `rotation.json` beside the key files, without a secret in it.
//!
//! It names the two keys and when tokens of the new one were first seen. What is published and what the
//! API servers know is looked at anew by each step.

pub(crate) mod of_store;

use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::keys::directory::{named, signing_key_file, state_file, unusable};
use crate::keys::pair::KeyPair;
use crate::keys::private_file;
use crate::oidc::issuer::Issuer;
use crate::oidc::key::{Kid, PublicKey};
use crate::oidc::signing_key::SigningKey;
use crate::output;
use crate::plan::document::json_text;
use crate::system::file;

const FORMAT_VERSION: u32 = 1;

/// A key takes the place of another.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Rotation {
    format_version: u32,
    /// Whose keys they are.
    pub(crate) issuer: String,
    /// The key that goes.
    pub(crate) old: Kid,
    /// The key that comes.
    pub(crate) new: Kid,
    /// When a token of the new key was first seen, in seconds since 1970.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) activated: Option<u64>,
    /// Whether the old key is the cluster's own, which the settings name.
    #[serde(default)]
    pub(crate) adopted: bool,
    /// When both keys were published.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) published: Option<u64>,
    /// When the old key left the JWK Set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) retired: Option<u64>,
}

impl Rotation {
    /// A rotation that begins.
    pub(crate) fn new(issuer: &Issuer, old: Kid, new: Kid) -> Self {
        Self {
            format_version: FORMAT_VERSION,
            issuer: issuer.to_string(),
            old,
            new,
            activated: None,
            adopted: false,
            published: None,
            retired: None,
        }
    }

    /// The one in the issuer directory, of this issuer; `None` when there never was one.
    pub(crate) fn load(dir: &Path, issuer: &Issuer) -> Result<Option<Self>> {
        let path = state_file(dir);
        if !file::exists(&path)? {
            return Ok(None);
        }
        let cannot = || Error::refused(format!("cannot use {}", output::path(&path)));
        let rotation: Self = serde_json::from_slice(&file::read_own(&path, file::MAX_KEY_FILE)?)
            .map_err(|e| cannot().because(e))?;
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
        Ok(Some(rotation))
    }

    /// Whether it is the same rotation, however far.
    pub(crate) fn is_of_the_same_keys(&self, other: &Self) -> bool {
        (&self.old, &self.new) == (&other.old, &other.new)
    }

    /// As far as either is.
    pub(crate) fn with(mut self, other: &Self) -> Self {
        self.activated = self.activated.or(other.activated);
        self.published = self.published.or(other.published);
        self.retired = self.retired.or(other.retired);
        self
    }

    /// Writes it as the only one: of two runs at once one gets it, and the other is refused. That of a
    /// finished rotation is kept under another name.
    pub(crate) fn claim(&self, dir: &Path) -> Result<()> {
        let path = state_file(dir);
        file::create_dir(dir)?;
        if file::exists(&path)? {
            let before: Self = serde_json::from_slice(&file::read_own(&path, file::MAX_KEY_FILE)?)
                .map_err(|e| {
                    Error::refused(format!("cannot use {}", output::path(&path))).because(e)
                })?;
            if before.retired.is_some() {
                move_new(&path, &dir.join(format!("rotation-{}.json", before.old)))?;
            }
        }
        file::write_public(&path, json_text(self).as_bytes())
    }

    /// Writes it, whole or not at all.
    pub(crate) fn save(&self, dir: &Path) -> Result<()> {
        let is_ours = |text: &[u8]| serde_json::from_slice::<Self>(text).is_ok();
        file::write_document(
            &state_file(dir),
            json_text(self).as_bytes(),
            "a rotation",
            is_ours,
        )
    }

    /// Gives the key files the names of what they are now.
    pub(crate) fn settle(&self, dir: &Path) -> Result<()> {
        match self.activated {
            Some(_) => sign_with(dir, &self.new),
            None => Ok(()),
        }
    }

    /// Sets the old key's file aside.
    pub(crate) fn set_aside(&self, dir: &Path) -> Result<()> {
        set_aside(dir, &self.old)
    }
}

/// Gives the key that signs the name `sa-signer.key`, and the one that had it a name of its own. Each rename
/// leaves something that the next run can go on from; without the file of the new key there is none.
pub(crate) fn sign_with(dir: &Path, new: &Kid) -> Result<()> {
    let current = signing_key_file(dir);
    if !file::exists(&named(dir, new))? {
        return Ok(());
    }
    if file::exists(&current)? {
        let kid = KeyPair::kid_of(&current)?;
        if kid == *new {
            return Ok(());
        }
        move_new(&current, &named(dir, &kid))?;
    }
    move_new(&named(dir, new), &current)
}

/// Sets a retired key's file aside: it is no candidate for the next rotation.
pub(crate) fn set_aside(dir: &Path, kid: &Kid) -> Result<()> {
    move_new(&named(dir, kid), &dir.join(format!("retired-{kid}.key")))
}

/// The new key that a run before this one has made, if there is one. It is none of those that are known.
pub(crate) fn made_before(dir: &Path, is_known: impl Fn(&Kid) -> bool) -> Result<Option<Kid>> {
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
            found.push(KeyPair::kid_of(&dir.join(name.as_ref()))?);
        }
    }
    found.retain(|kid| !is_known(kid));
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

/// Writes a new key's file under its own name.
pub(crate) fn write(dir: &Path, key: &SigningKey, kid: &Kid) -> Result<()> {
    let cannot = |cause| Error::failed("cannot make a new signing key").because(cause);
    let pem = key.to_pem().map_err(cannot)?;
    private_file::write(&named(dir, kid), pem.as_bytes())
}

/// Removes a key that was made a moment ago and that nothing names.
pub(crate) fn forget(dir: &Path, kid: &Kid) {
    let _ = fs::remove_file(named(dir, kid));
}

/// The public key of a key file of this directory.
pub(crate) fn public_of(dir: &Path, kid: &Kid) -> Result<PublicKey> {
    let path = match named(dir, kid) {
        path if file::exists(&path)? => path,
        _ => signing_key_file(dir),
    };
    let public = public_key(&path)?;
    let found = public.kid().map_err(|cause| unusable(&path, &cause))?;
    if found == *kid {
        Ok(public)
    } else {
        Err(
            Error::refused(format!("cannot use {}", output::path(&path)))
                .because(format!("its key has the kid {found}, not {kid}"))
                .hint("put the file of that key back"),
        )
    }
}

fn public_key(path: &Path) -> Result<PublicKey> {
    let text = file::read_private(path)?;
    SigningKey::from_pem(&text)
        .and_then(|key| key.public())
        .map_err(|cause| unusable(path, &cause))
}

/// Moves a file that is there to a name that is free: not even another run's file is overwritten.
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
    file::rename_noclobber(from, to).map_err(|e| match e.kind() {
        ErrorKind::AlreadyExists => cannot()
            .because("something is there already, and a key file is never overwritten")
            .hint("look at both, and move one away"),
        _ => cannot().because(e),
    })
}
