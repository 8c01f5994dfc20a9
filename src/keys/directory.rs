//! The issuer directory, and the names of its files.

use std::path::{Path, PathBuf};

use crate::error::Error;
use crate::oidc::key::Kid;
use crate::oidc::key_error::KeyError;

/// `DIR/sa-signer.key`
pub(crate) fn signing_key_file(dir: &Path) -> PathBuf {
    dir.join("sa-signer.key")
}

/// `DIR/sa-signer.pub`
pub(crate) fn public_key_file(dir: &Path) -> PathBuf {
    dir.join("sa-signer.pub")
}

/// A key file that cannot be used: nothing is changed, so it is a refusal.
pub(crate) fn unusable(path: &Path, cause: &KeyError) -> Error {
    let error = Error::refused(format!("cannot use the key in {}", path.display())).because(cause);
    match cause.hint() {
        Some(hint) => error.hint(hint),
        None => error,
    }
}

/// `DIR/rotation.json`
pub(crate) fn state_file(dir: &Path) -> PathBuf {
    dir.join("rotation.json")
}

/// `DIR/sa-signer-KID.key`: a key that is not the one that signs.
pub(crate) fn named(dir: &Path, kid: &Kid) -> PathBuf {
    dir.join(format!("sa-signer-{kid}.key"))
}
