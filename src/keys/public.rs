//! `--adopt-key`: the cluster's own public keys are published, and its signing key stays on its nodes.

use std::path::{Path, PathBuf};

use crate::config::adopt::AdoptOptions;
use crate::error::{Error, Result, shell_quoted};
use crate::keys::directory;
use crate::oidc::adopt::{self, AdoptError, Adopted};
use crate::oidc::jwks::JwkSet;
use crate::oidc::key::PublicKey;
use crate::output;
use crate::system::file;
use crate::system::input::{self, is_standard_input};

/// More than a JWK Set of a hundred keys has.
const MAX: u64 = 1 << 20;

/// The keys that `--adopt-key` names; none when the option was not given. No file of the issuer directory is looked at.
pub(crate) fn adopted(options: &AdoptOptions) -> Result<Option<Vec<PublicKey>>> {
    match options.adopt_key.as_slice() {
        [] => Ok(None),
        files => read_all(files, adopt::adopt).map(Some),
    }
}

/// The public keys of files that may hold private keys, of which nothing else is taken.
pub(crate) fn public_keys(files: &[PathBuf]) -> Result<Vec<PublicKey>> {
    read_all(files, adopt::public_keys)
}

fn read_all(
    files: &[PathBuf],
    parse: fn(&[u8]) -> std::result::Result<Adopted, AdoptError>,
) -> Result<Vec<PublicKey>> {
    if files.iter().filter(|path| is_standard_input(path)).count() > 1 {
        return Err(Error::usage("cannot read two things from standard input")
            .hint("give - once, and files for the others"));
    }
    let mut keys: Vec<PublicKey> = Vec::new();
    for path in files {
        let text = if is_standard_input(path) {
            input::standard_input(MAX)?
        } else {
            file::read_key(path)?
        };
        let found = parse(&text).map_err(|cause| refused(path, &cause))?;
        if adopt::is_private(&text) {
            output::say(format_args!(
                "note: {} holds a private key; only its public half is read",
                output::path(path)
            ));
        }
        for left_out in &found.left_out {
            output::say(format_args!(
                "warning: left out the key {}: AWS refuses every token that it signs",
                output::sanitized(left_out)
            ));
        }
        for key in found.keys {
            if !keys.contains(&key) {
                keys.push(key);
            }
        }
    }
    Ok(keys)
}

fn refused(path: &Path, cause: &AdoptError) -> Error {
    let error = match cause {
        AdoptError::Key(cause) => return directory::unusable(path, cause),
        cause => Error::refused(format!("cannot use the key in {}", path.display())).because(cause),
    };
    match cause {
        AdoptError::Private => {
            let quoted = shell_quoted(&path.display().to_string());
            error.hint(format!(
                "take its public half where it lies: openssl pkey -in {quoted} -pubout -out sa.pub"
            ))
        }
        AdoptError::Json(_) => error.hint("kubectl get --raw /openid/v1/jwks prints one"),
        _ => error,
    }
}

/// The JWK Set of all keys in these files.
pub(crate) fn read(files: &[PathBuf]) -> Result<JwkSet> {
    jwk_set(&public_keys(files)?)
}

/// The JWK Set of these keys.
pub(crate) fn jwk_set(keys: &[PublicKey]) -> Result<JwkSet> {
    let cannot = || Error::failed("cannot make the JWK Set");
    let set = JwkSet::of(keys).map_err(|cause| cannot().because(cause))?;
    set.merged(&JwkSet::default())
        .map_err(|cause| cannot().because(cause))
}
