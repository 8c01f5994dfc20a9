//! `keygen`: the signing key and its public half.

use std::path::{Path, PathBuf};

use clap::Args;
use serde::Serialize;

use crate::config::Global;
use crate::error::{Error, Exit, Result};
use crate::file;
use crate::oidc::key::{KeyError, Kid, PublicKey};
use crate::oidc::signing_key::SigningKey;
use crate::output::{self, Answer};

/// Options of `keygen`.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  irsactl keygen
  irsactl keygen --bits 4096 --dir prod

Writes DIR/sa-signer.key (PKCS#8 PEM, mode 0600) and DIR/sa-signer.pub (SPKI PEM), and prints the
key ID. A key that is there is kept and checked, never overwritten.")]
pub struct Keygen {
    /// Size of a new key
    #[arg(long, default_value = "2048", value_parser = ["2048", "3072", "4096"], value_name = "BITS")]
    bits: String,
}

#[derive(Serialize)]
struct KeygenAnswer {
    kid: Kid,
    signing_key: PathBuf,
    public_key: PathBuf,
    created: bool,
}

impl Answer for KeygenAnswer {
    fn text(&self) -> String {
        format!("{}\n", self.kid)
    }
}

impl Keygen {
    pub(super) fn run(self, global: &Global) -> Result<Exit> {
        let bits = self.bits.parse().unwrap_or_default();
        let (public, created) = ensure(&global.dir, bits)?;
        let answer = KeygenAnswer {
            kid: kid(&public)?,
            signing_key: signing_key_file(&global.dir),
            public_key: public_key_file(&global.dir),
            created,
        };
        let what = if created {
            "new signing key"
        } else {
            "kept the signing key that is there"
        };
        output::say(format_args!("{what}: {}", answer.signing_key.display()));
        output::print(&answer, global.output)?;
        Ok(Exit::Done)
    }
}

/// `DIR/sa-signer.key`
pub(super) fn signing_key_file(dir: &Path) -> PathBuf {
    dir.join("sa-signer.key")
}

fn public_key_file(dir: &Path) -> PathBuf {
    dir.join("sa-signer.pub")
}

/// The public key of the pair in `dir`, which is made when there is none; and whether it was.
pub(super) fn ensure(dir: &Path, bits: u16) -> Result<(PublicKey, bool)> {
    if file::exists(&signing_key_file(dir))? {
        return Ok((load(dir)?, false));
    }
    let public_key_file = public_key_file(dir);
    if file::exists(&public_key_file)? {
        return Err(Error::refused(format!(
            "cannot make a new signing key in {}",
            dir.display()
        ))
        .because(format!(
            "{} is there without its private key",
            public_key_file.display()
        ))
        .hint("put the private key back beside it, or give another --dir"));
    }
    let failed = |cause: KeyError| Error::failed("cannot generate a signing key").because(cause);
    let key = SigningKey::generate(bits).map_err(failed)?;
    let public = key.public().map_err(failed)?;
    file::create_dir(dir)?;
    file::write_private(
        &signing_key_file(dir),
        key.to_pem().map_err(failed)?.as_bytes(),
    )?;
    write_public_key(&public_key_file, &public)?;
    Ok((public, true))
}

/// The public key of the pair in `dir`. A missing public key file is made again; a broken or
/// mismatched pair is refused.
pub(super) fn load(dir: &Path) -> Result<PublicKey> {
    let path = signing_key_file(dir);
    if !file::exists(&path)? {
        return Err(
            Error::refused(format!("cannot use the signing key {}", path.display()))
                .because("it is not there")
                .hint(format!("make one with: irsactl keygen{}", dir_option(dir))),
        );
    }
    let public = parse(&path, |text| SigningKey::from_pem(text)?.public())?;
    let public_key_file = public_key_file(dir);
    if !file::exists(&public_key_file)? {
        write_public_key(&public_key_file, &public)?;
        output::say(format_args!("made {} again", public_key_file.display()));
        return Ok(public);
    }
    let contents = file::read_key(&public_key_file)?;
    let listed =
        PublicKey::all_from_pem(&contents).map_err(|cause| unusable(&public_key_file, &cause))?;
    match listed.as_slice() {
        [one] if *one == public => Ok(public),
        others => {
            let error = Error::refused(format!("cannot use the key pair in {}", dir.display()))
                .because(format!("sa-signer.key has the kid {}", kid(&public)?));
            let error = others.iter().try_fold(error, |error, other| {
                Ok::<_, Error>(error.because(format!("sa-signer.pub has the kid {}", kid(other)?)))
            })?;
            Err(error.hint("the files do not belong together; move the wrong one away (a missing sa-signer.pub is made again)"))
        }
    }
}

fn parse(
    path: &Path,
    key: impl Fn(&[u8]) -> std::result::Result<PublicKey, KeyError>,
) -> Result<PublicKey> {
    key(&file::read_private(path)?).map_err(|cause| unusable(path, &cause))
}

fn write_public_key(path: &Path, public: &PublicKey) -> Result<()> {
    let pem = public.to_pem().map_err(|cause| unusable(path, &cause))?;
    file::write_public(path, pem.as_bytes())
}

/// A key file that cannot be used: nothing is changed, so it is a refusal.
pub(super) fn unusable(path: &Path, cause: &KeyError) -> Error {
    let error = Error::refused(format!("cannot use the key in {}", path.display())).because(cause);
    match cause.hint() {
        Some(hint) => error.hint(hint),
        None => error,
    }
}

/// The key ID.
pub(super) fn kid(public: &PublicKey) -> Result<Kid> {
    public
        .kid()
        .map_err(|cause| Error::failed("cannot derive the key ID").because(cause))
}

fn dir_option(dir: &Path) -> String {
    match dir.to_str() {
        Some("issuer") => String::new(),
        _ => format!(" --dir {}", dir.display()),
    }
}
