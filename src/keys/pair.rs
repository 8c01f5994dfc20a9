//! The two key files of an issuer directory.

use std::fmt::Display;
use std::path::Path;

use zeroize::Zeroizing;

use crate::error::{Error, Result, shell_path};
use crate::keys::accepted::{self, check_public_file, kid};
use crate::keys::directory::{public_key_file, signing_key_file, unusable};
use crate::keys::private_file;
use crate::oidc::key::{Kid, PublicKey};
use crate::oidc::signing_key::SigningKey;
use crate::system::file;

/// A key pair: read from its files, or new and nowhere but in memory yet.
pub(crate) struct KeyPair {
    pub(crate) public: PublicKey,
    new: Option<SigningKey>,
}

/// The signing key in `dir`, of a pair that fits.
pub(crate) fn signing_key(dir: &Path) -> Result<SigningKey> {
    KeyPair::load(dir)?;
    let path = signing_key_file(dir);
    SigningKey::from_pem(&file::read_private(&path)?).map_err(|cause| unusable(&path, &cause))
}

impl KeyPair {
    /// The pair in `dir`; a broken or mismatched one is refused. Nothing is written.
    pub(crate) fn load(dir: &Path) -> Result<Self> {
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
    pub(crate) fn kid_of(path: &Path) -> Result<Kid> {
        let text = file::read_private(path)?;
        let kid = SigningKey::from_pem(&text)
            .and_then(|key| key.public())
            .and_then(|public| public.kid());
        kid.map_err(|cause| unusable(path, &cause))
    }

    /// The kid of the pair in `dir`; none where there is none, or where several public keys are without a private
    /// one.
    pub(crate) fn own_kid(dir: &Path) -> Result<Option<Kid>> {
        let path = signing_key_file(dir);
        if file::exists(&path)? {
            return Self::kid_of(&path).map(Some);
        }
        match accepted::listed(dir)?.as_slice() {
            [one] => kid(one).map(Some),
            _ => Ok(None),
        }
    }

    /// Whether there is a key file in `dir`.
    pub(crate) fn is_there(dir: &Path) -> Result<bool> {
        Ok(file::exists(&signing_key_file(dir))? || file::exists(&public_key_file(dir))?)
    }

    /// The public key in `dir`, which is all that publishing needs: of the pair, or alone.
    pub(crate) fn load_public(dir: &Path) -> Result<PublicKey> {
        let path = public_key_file(dir);
        if file::exists(&signing_key_file(dir))? || !file::exists(&path)? {
            return Ok(Self::load(dir)?.public);
        }
        private_file::warn_of_others(&path);
        let listed = PublicKey::all_from_pem(&file::read_own(&path, file::MAX_KEY_FILE)?);
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
    pub(crate) fn load_or_generate(dir: &Path, bits: u16) -> Result<Self> {
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
    pub(crate) async fn load_or_generate_meanwhile(dir: &Path, bits: u16) -> Result<Self> {
        if Self::is_there(dir)? {
            return Self::load_or_generate(dir, bits);
        }
        let dir = dir.to_owned();
        let search = tokio::task::spawn_blocking(move || Self::load_or_generate(&dir, bits));
        search.await.map_err(cannot_generate)?
    }

    /// A pair of which only the public key is looked at.
    pub(crate) fn of_public(public: PublicKey) -> Self {
        Self { public, new: None }
    }

    /// A pair that is not in its files yet.
    pub(crate) fn of_signing_key(key: SigningKey, public: PublicKey) -> Self {
        Self {
            public,
            new: Some(key),
        }
    }

    /// The private key as PEM, from memory or from its file.
    pub(crate) fn pem(&self, dir: &Path) -> Result<Zeroizing<String>> {
        let pem = match &self.new {
            Some(key) => key.to_pem(),
            None => signing_key(dir)?.to_pem(),
        };
        pem.map_err(cannot_generate)
    }

    /// Whether the signing key is not in its file yet.
    pub(crate) fn is_new(&self) -> bool {
        self.new.is_some()
    }

    /// Writes what is not in its file yet.
    pub(crate) fn save(&self, dir: &Path) -> Result<()> {
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
    pub(crate) fn kid(&self) -> Result<Kid> {
        kid(&self.public)
    }
}

fn cannot_generate(cause: impl Display) -> Error {
    Error::failed("cannot generate a signing key").because(cause)
}
