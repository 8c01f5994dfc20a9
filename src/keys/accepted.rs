//! The public keys in `sa-signer.pub`, which API servers are to accept.

use std::path::Path;

use crate::error::{Error, Result};
use crate::keys::directory::{public_key_file, unusable};
use crate::oidc::key::{Kid, PublicKey};
use crate::system::file;

/// Refuses a public key file beside which this key cannot stand.
pub(crate) fn check_public_file(dir: &Path, public: &PublicKey) -> Result<()> {
    let listed = listed(dir)?;
    // Keys from before a rotation stand there too: API servers accept their tokens.
    if listed.is_empty() || listed.contains(public) {
        Ok(())
    } else {
        Err(mismatch(dir, public, &listed)?)
    }
}

/// The keys in `sa-signer.pub`; none when it is not there.
pub(crate) fn listed(dir: &Path) -> Result<Vec<PublicKey>> {
    let path = public_key_file(dir);
    if file::exists(&path)? {
        PublicKey::all_from_pem(&file::read_own(&path, file::MAX_KEY_FILE)?)
            .map_err(|cause| unusable(&path, &cause))
    } else {
        Ok(Vec::new())
    }
}

/// Lets `sa-signer.pub`, which API servers get, hold these keys too. What it holds stays: tokens of older
/// keys may be in use for a year.
pub(crate) fn accept(dir: &Path, keys: &[PublicKey]) -> Result<()> {
    let mut accepted = listed(dir)?;
    let before = accepted.len();
    for key in keys {
        if !accepted.contains(key) {
            accepted.push(key.clone());
        }
    }
    if accepted.len() > before {
        write_accepted(dir, &accepted)
    } else {
        Ok(())
    }
}

/// Takes a key out of `sa-signer.pub`: nobody is to accept it any more.
pub(crate) fn reject(dir: &Path, kid: &Kid) -> Result<()> {
    let mut accepted = listed(dir)?;
    let before = accepted.len();
    accepted.retain(|key| key.kid().is_ok_and(|one| one != *kid));
    if accepted.len() < before {
        write_accepted(dir, &accepted)
    } else {
        Ok(())
    }
}

pub(crate) fn write_accepted(dir: &Path, keys: &[PublicKey]) -> Result<()> {
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

pub(crate) fn kid(public: &PublicKey) -> Result<Kid> {
    public
        .kid()
        .map_err(|cause| Error::failed("cannot derive the key ID").because(cause))
}

pub(crate) fn mismatch(dir: &Path, public: &PublicKey, listed: &[PublicKey]) -> Result<Error> {
    let mut error = Error::refused(format!("cannot use the key pair in {}", dir.display()))
        .because(format!("sa-signer.key has the kid {}", kid(public)?));
    for other in listed {
        error = error.because(format!("sa-signer.pub has the kid {}", kid(other)?));
    }
    Ok(error.hint(
        "the files do not belong together; move the wrong one away (a missing sa-signer.pub is made again by keygen)",
    ))
}
