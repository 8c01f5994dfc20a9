//! The tags of a stored key: whose it is, who put it there, and how far a rotation is.

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use zeroize::Zeroizing;

use crate::error::{Error, Result};
use crate::oidc::signing_key::SigningKey;

/// The key that the value is: seen without reading it.
pub(crate) const KID: &str = "irsactl/kid";
/// The key that it is to replace.
pub(crate) const REPLACES: &str = "irsactl/replaces";
/// When it signed first, as far as is known; in seconds since 1970, as the others.
pub(crate) const ACTIVATED: &str = "irsactl/activated";
/// When both keys were published.
pub(crate) const PUBLISHED: &str = "irsactl/published";
/// When the key that it replaced left the JWK Set.
pub(crate) const RETIRED: &str = "irsactl/retired";
/// Nobody is to accept its tokens any more.
pub(crate) const COMPROMISED: &str = "irsactl/compromised";
/// The issuer whose tokens it signs.
pub(crate) const ISSUER: &str = "irsactl/issuer";

/// That whoever put the key there had it, and the one before it: see [`proof`].
pub(crate) const PROOF: &str = "irsactl/proof";

/// HMAC-SHA256 over a key's name and what it replaces, keyed by the private keys before it and its own. Who may
/// create and tag secrets can set every other tag, and has none of the cluster's keys: so the keys of a store are
/// the work of one maker, whom any of them that is known vouches for.
pub(crate) fn proof(
    before: Option<&SigningKey>,
    name: &str,
    key: &SigningKey,
    replaces: Option<&str>,
) -> Result<String> {
    let cannot = |cause| Error::failed("cannot prove where a key comes from").because(cause);
    let mut secret = Zeroizing::new(String::new());
    if let Some(before) = before {
        secret.push_str(&before.to_pem().map_err(cannot)?);
    }
    secret.push_str(&key.to_pem().map_err(cannot)?);
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
    let text = format!("irsactl key\n{name}\n{}", replaces.unwrap_or_default());
    Ok(URL_SAFE_NO_PAD.encode(hmac::sign(&key, text.as_bytes())))
}

/// Tags that say when something came to pass.
pub(crate) const TIMES: [&str; 3] = [ACTIVATED, PUBLISHED, RETIRED];
