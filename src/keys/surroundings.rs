//! What the settings of the control-plane nodes have of this machine's keys.

use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use crate::cluster::form::{FormOptions, Surroundings};
use crate::cluster::settings::ApiServerSettings;
use crate::error::Result;
use crate::keys::{directory, pair};
use crate::oidc::key::PublicKey;
use crate::system::file;

/// Reads what the form takes. The signing key is read only where it is to be rendered.
pub(crate) fn read<'a>(
    form: &FormOptions,
    settings: &ApiServerSettings,
    cluster: Option<&'a str>,
    dir: &Path,
    has_secret_file: bool,
) -> Result<Surroundings<'a>> {
    Ok(Surroundings {
        cluster,
        signing_key_file: absolute(directory::signing_key_file(dir)),
        public_key_file: absolute(directory::public_key_file(dir)),
        public_keys: if form.takes_public_keys() {
            public_keys(&settings.existing_public_keys)?
        } else {
            Vec::new()
        },
        pair: if has_secret_file {
            Some(pem_pair(dir)?)
        } else {
            None
        },
    })
}

fn absolute(path: PathBuf) -> String {
    std::path::absolute(&path)
        .unwrap_or(path)
        .display()
        .to_string()
}

/// The PEM text of the existing public keys, which are files of this machine.
fn public_keys(files: &[String]) -> Result<Vec<String>> {
    let mut keys = Vec::new();
    for path in files.iter().map(Path::new) {
        let unusable = |cause| directory::unusable(path, &cause);
        for key in PublicKey::all_from_pem(&file::read_key(path)?).map_err(unusable)? {
            keys.push(key.to_pem().map_err(unusable)?);
        }
    }
    Ok(keys)
}

/// The signing key of the issuer directory as PKCS#8 PEM, and its public key.
fn pem_pair(dir: &Path) -> Result<(Zeroizing<String>, String)> {
    let unusable = |cause| directory::unusable(&directory::signing_key_file(dir), &cause);
    let key = pair::signing_key(dir)?;
    let public = key
        .public()
        .and_then(|key| key.to_pem())
        .map_err(unusable)?;
    Ok((key.to_pem().map_err(unusable)?, public))
}
