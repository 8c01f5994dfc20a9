//! The keys that are known as one's own: whatever else is published, somebody else may hold.

use std::collections::BTreeSet;
use std::path::Path;

use crate::keys::accepted;
use crate::keys::pair::KeyPair;
use crate::keys::store::Store;
use crate::oidc::key::Kid;
use crate::verify::cluster::Source;

/// The kids of the issuer directory, of the key store and of the API servers. What cannot be read names no
/// key: other checks say so.
pub(crate) fn kids(
    dir: &Path,
    store: Option<&Store>,
    current: Option<&Kid>,
    cluster: Option<&Source>,
) -> BTreeSet<String> {
    let listed = accepted::listed(dir).unwrap_or_default();
    let listed = listed.iter().filter_map(|key| key.kid().ok());
    let stored = store.into_iter().flat_map(|store| {
        let kids = store.kids();
        kids.filter(|kid| !store.is_compromised(kid))
    });
    let keys = current.into_iter().chain(stored).cloned().chain(listed);
    let mut kids: BTreeSet<String> = keys.map(|kid| kid.as_str().to_owned()).collect();
    kids.extend(named(dir));
    kids.extend(cluster.map(Source::kids).unwrap_or_default());
    kids
}

/// `DIR/sa-signer-KID.key`: keys that come, or that are yet to go. The key says which, not the name.
fn named(dir: &Path) -> Vec<String> {
    let files = std::fs::read_dir(dir).into_iter().flatten().flatten();
    let kid = |path: std::path::PathBuf| {
        let name = path.file_name()?.to_str()?;
        let is_key = name.starts_with("sa-signer-") && name.ends_with(".key");
        let kid = is_key.then(|| KeyPair::kid_of(&path).ok())??;
        Some(kid.as_str().to_owned())
    };
    files.filter_map(|file| kid(file.path())).collect()
}
