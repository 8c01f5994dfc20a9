//! The two key files of an issuer directory.

use std::fmt::Display;
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use crate::commands::private_file;
use crate::error::{Error, Result, shell_path};
use crate::oidc::key::{Kid, PublicKey};
use crate::oidc::key_error::KeyError;
use crate::oidc::signing_key::SigningKey;
use crate::system::file;

/// A key pair: read from its files, or new and nowhere but in memory yet.
pub(super) struct KeyPair {
    pub(super) public: PublicKey,
    new: Option<SigningKey>,
}

/// `DIR/sa-signer.key`
pub(super) fn signing_key_file(dir: &Path) -> PathBuf {
    dir.join("sa-signer.key")
}

/// `DIR/sa-signer.pub`
pub(super) fn public_key_file(dir: &Path) -> PathBuf {
    dir.join("sa-signer.pub")
}

/// The signing key in `dir`, of a pair that fits.
pub(super) fn signing_key(dir: &Path) -> Result<SigningKey> {
    KeyPair::load(dir)?;
    let path = signing_key_file(dir);
    SigningKey::from_pem(&file::read_private(&path)?).map_err(|cause| unusable(&path, &cause))
}

impl KeyPair {
    /// The pair in `dir`; a broken or mismatched one is refused. Nothing is written.
    pub(super) fn load(dir: &Path) -> Result<Self> {
        let path = signing_key_file(dir);
        if !file::exists(&path)? {
            let option = match dir.to_str() {
                Some("issuer") => String::new(),
                _ => format!(" --dir {}", shell_path(dir)),
            };
            return Err(
                Error::refused(format!("cannot use the signing key {}", path.display()))
                    .because("it is not there")
                    .hint(format!("make one with: irsactl keygen{option}")),
            );
        }
        private_file::warn_of_others(&path);
        let text = file::read_private(&path)?;
        let public = SigningKey::from_pem(&text)
            .and_then(|key| key.public())
            .map_err(|cause| unusable(&path, &cause))?;
        check_public_file(dir, &public)?;
        Ok(Self { public, new: None })
    }

    /// The kid of a key file.
    pub(super) fn kid_of(path: &Path) -> Result<Kid> {
        let text = file::read_private(path)?;
        let kid = SigningKey::from_pem(&text)
            .and_then(|key| key.public())
            .and_then(|public| public.kid());
        kid.map_err(|cause| unusable(path, &cause))
    }

    /// Whether there is a key file in `dir`.
    pub(super) fn is_there(dir: &Path) -> Result<bool> {
        Ok(file::exists(&signing_key_file(dir))? || file::exists(&public_key_file(dir))?)
    }

    /// The public key in `dir`, which is all that publishing needs: of the pair, or alone.
    pub(super) fn load_public(dir: &Path) -> Result<PublicKey> {
        let path = public_key_file(dir);
        if file::exists(&signing_key_file(dir))? || !file::exists(&path)? {
            return Ok(Self::load(dir)?.public);
        }
        private_file::warn_of_others(&path);
        let listed = PublicKey::all_from_pem(&file::read_own(&path)?);
        match listed.map_err(|cause| unusable(&path, &cause))?.as_slice() {
            [one] => Ok(one.clone()),
            keys => Err(
                Error::refused(format!("cannot use the key in {}", path.display()))
                    .because(format!("it holds {} keys, not one", keys.len()))
                    .hint("several keys: irsactl jwks --public-key FILE"),
            ),
        }
    }

    /// The pair in `dir`, or a new one of `bits` bits when there is none.
    pub(super) fn load_or_generate(dir: &Path, bits: u16) -> Result<Self> {
        if file::exists(&signing_key_file(dir))? {
            return Self::load(dir);
        }
        let public_key_file = public_key_file(dir);
        if file::exists(&public_key_file)? {
            let what = format!("cannot make a new signing key in {}", dir.display());
            let cause = format!(
                "{} is there without its private key",
                public_key_file.display()
            );
            return Err(Error::refused(what)
                .because(cause)
                .hint("put the private key back beside it, or give another --dir"));
        }
        let key = SigningKey::generate(bits).map_err(cannot_generate)?;
        let public = key.public().map_err(cannot_generate)?;
        Ok(Self {
            public,
            new: Some(key),
        })
    }

    /// As [`Self::load_or_generate`], with the search for primes on a thread of its own, so that calls
    /// can be made meanwhile.
    pub(super) async fn load_or_generate_meanwhile(dir: &Path, bits: u16) -> Result<Self> {
        if Self::is_there(dir)? {
            return Self::load_or_generate(dir, bits);
        }
        let dir = dir.to_owned();
        let search = tokio::task::spawn_blocking(move || Self::load_or_generate(&dir, bits));
        search.await.map_err(cannot_generate)?
    }

    /// A pair of which only the public key is looked at.
    pub(super) fn of_public(public: PublicKey) -> Self {
        Self { public, new: None }
    }

    /// A pair that is not in its files yet.
    pub(super) fn of_signing_key(key: SigningKey, public: PublicKey) -> Self {
        Self {
            public,
            new: Some(key),
        }
    }

    /// The private key as PEM, from memory or from its file.
    pub(super) fn pem(&self, dir: &Path) -> Result<Zeroizing<String>> {
        let pem = match &self.new {
            Some(key) => key.to_pem(),
            None => signing_key(dir)?.to_pem(),
        };
        pem.map_err(cannot_generate)
    }

    /// Whether the signing key is not in its file yet.
    pub(super) fn is_new(&self) -> bool {
        self.new.is_some()
    }

    /// Writes what is not in its file yet.
    pub(super) fn save(&self, dir: &Path) -> Result<()> {
        if let Some(key) = &self.new {
            let pem = key.to_pem().map_err(cannot_generate)?;
            private_file::write(&signing_key_file(dir), pem.as_bytes())?;
        }
        let path = public_key_file(dir);
        if file::exists(&path)? {
            return Ok(());
        }
        let pem = self
            .public
            .to_pem()
            .map_err(|cause| unusable(&path, &cause))?;
        file::write_public(&path, pem.as_bytes())
    }

    /// The key ID.
    pub(super) fn kid(&self) -> Result<Kid> {
        kid(&self.public)
    }
}

/// Refuses a public key file beside which this key cannot stand.
pub(super) fn check_public_file(dir: &Path, public: &PublicKey) -> Result<()> {
    let listed = listed(dir)?;
    // Keys from before a rotation stand there too: API servers accept their tokens.
    match listed.is_empty() || listed.contains(public) {
        true => Ok(()),
        false => Err(mismatch(dir, public, &listed)?),
    }
}

/// The keys in `sa-signer.pub`; none when it is not there.
pub(super) fn listed(dir: &Path) -> Result<Vec<PublicKey>> {
    let path = public_key_file(dir);
    match file::exists(&path)? {
        true => PublicKey::all_from_pem(&file::read_own(&path)?)
            .map_err(|cause| unusable(&path, &cause)),
        false => Ok(Vec::new()),
    }
}

/// Lets `sa-signer.pub`, which API servers get, hold these keys too. What it holds stays: tokens of older
/// keys may be in use for a year.
pub(super) fn accept(dir: &Path, keys: &[PublicKey]) -> Result<()> {
    let mut accepted = listed(dir)?;
    let before = accepted.len();
    for key in keys {
        if !accepted.contains(key) {
            accepted.push(key.clone());
        }
    }
    match accepted.len() > before {
        true => write_accepted(dir, &accepted),
        false => Ok(()),
    }
}

/// Takes a key out of `sa-signer.pub`: nobody is to accept it any more.
pub(super) fn reject(dir: &Path, kid: &Kid) -> Result<()> {
    let mut accepted = listed(dir)?;
    let before = accepted.len();
    accepted.retain(|key| key.kid().is_ok_and(|one| one != *kid));
    match accepted.len() < before {
        true => write_accepted(dir, &accepted),
        false => Ok(()),
    }
}

fn write_accepted(dir: &Path, keys: &[PublicKey]) -> Result<()> {
    let path = public_key_file(dir);
    let pems = keys.iter().map(PublicKey::to_pem);
    let pems: std::result::Result<String, _> = pems.collect();
    let pems = pems.map_err(|cause| unusable(&path, &cause))?;
    // Who put another key there may have added words of their own to it; a private key is never replaced.
    let is_ours = |text: &[u8]| {
        PublicKey::all_from_pem(text).is_ok()
            && !String::from_utf8_lossy(text).contains("PRIVATE KEY")
    };
    file::write_document(&path, pems.as_bytes(), "public keys", is_ours)
}

fn kid(public: &PublicKey) -> Result<Kid> {
    public
        .kid()
        .map_err(|cause| Error::failed("cannot derive the key ID").because(cause))
}

fn cannot_generate(cause: impl Display) -> Error {
    Error::failed("cannot generate a signing key").because(cause)
}

fn mismatch(dir: &Path, public: &PublicKey, listed: &[PublicKey]) -> Result<Error> {
    let mut error = Error::refused(format!("cannot use the key pair in {}", dir.display()))
        .because(format!("sa-signer.key has the kid {}", kid(public)?));
    for other in listed {
        error = error.because(format!("sa-signer.pub has the kid {}", kid(other)?));
    }
    Ok(error.hint(
        "the files do not belong together; move the wrong one away (a missing sa-signer.pub is made again by keygen)",
    ))
}

/// A key file that cannot be used: nothing is changed, so it is a refusal.
pub(super) fn unusable(path: &Path, cause: &KeyError) -> Error {
    let error = Error::refused(format!("cannot use the key in {}", path.display())).because(cause);
    match cause.hint() {
        Some(hint) => error.hint(hint),
        None => error,
    }
}
