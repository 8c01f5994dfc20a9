//! The keys that are known as one's own: whatever else is published, somebody else may hold.

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::Value;

use crate::oidc::issuer::Issuer;
use crate::oidc::key::Kid;
use crate::system::file;
use crate::verify::cluster::Source;

use super::super::key_pair;
use super::super::key_store::{COMPROMISED, Store};

/// The kids of the issuer directory, of the key store and of the API servers. What cannot be read names no
/// key: other checks say so.
pub(super) fn kids(
    dir: &Path,
    store: Option<&Store>,
    issuer: &Issuer,
    current: Option<&Kid>,
    cluster: Option<&Source>,
) -> BTreeSet<String> {
    let listed = key_pair::listed(dir).unwrap_or_default();
    let listed = listed.iter().filter_map(|key| key.kid().ok());
    let stored = store.into_iter().flat_map(|store| {
        let in_use = |kid: &&Kid| {
            let key = store.find(kid);
            key.is_some_and(|key| !key.tags.contains_key(COMPROMISED))
        };
        store.kids().filter(in_use)
    });
    let keys = current.into_iter().chain(stored).cloned().chain(listed);
    let mut kids: BTreeSet<String> = keys.map(|kid| kid.as_str().to_owned()).collect();
    kids.extend(named(dir));
    kids.extend(rotated(dir, issuer));
    kids.extend(cluster.map(Source::kids).unwrap_or_default());
    kids
}

/// `DIR/sa-signer-KID.key`: keys that come, or that are yet to go.
fn named(dir: &Path) -> Vec<String> {
    let files = std::fs::read_dir(dir).into_iter().flatten().flatten();
    let kid = |name: String| {
        let kid = name.strip_prefix("sa-signer-")?.strip_suffix(".key")?;
        Some(kid.to_owned())
    };
    files
        .filter_map(|file| kid(file.file_name().into_string().ok()?))
        .collect()
}

/// The keys of the rotation that `DIR/rotation.json` tells of; a retired one is not to be published.
fn rotated(dir: &Path, issuer: &Issuer) -> Vec<String> {
    let text = file::read_key(&dir.join("rotation.json")).unwrap_or_default();
    let rotation: Value = serde_json::from_slice(&text).unwrap_or_default();
    if rotation["issuer"] != issuer.as_str() {
        return Vec::new();
    }
    let old = match rotation["retired"].is_null() {
        true => rotation["old"].as_str(),
        false => None,
    };
    let new = rotation["new"].as_str();
    old.into_iter().chain(new).map(str::to_owned).collect()
}
