//! The tags of a stored key: whose it is, how far a rotation is, and the proof of both.

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use zeroize::Zeroizing;

use crate::error::{Error, Result};
use crate::keys::store::state::State;
use crate::oidc::issuer::Issuer;
use crate::oidc::key::Kid;
use crate::oidc::signing_key::SigningKey;
use crate::plan::tags::{Tags, owner_tags};

/// The key that the value is: seen without reading it.
pub(crate) const KID: &str = "irsactl/kid";
/// The key that it is to replace.
pub(crate) const REPLACES: &str = "irsactl/replaces";
/// The issuer whose tokens it signs.
pub(crate) const ISSUER: &str = "irsactl/issuer";
/// Where it is not known: each tag has a value, so that one that somebody has set is replaced.
const UNKNOWN: &str = "unknown";
/// How far the rotation is that it came with: see [`State`].
pub(crate) const STATE: &str = "irsactl/state";
/// That whoever set the others had the key, and the one before it: see [`Maker::proof`].
pub(crate) const PROOF: &str = "irsactl/proof";

/// What is said of a key.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Marks {
    pub(crate) replaces: Option<Kid>,
    /// None before it is known, or where a tag cannot have its text.
    pub(crate) issuer: Option<String>,
    pub(crate) state: State,
}

/// Who can mark a key: one that has it, and the one before it.
pub(crate) struct Maker<'a> {
    pub(crate) name: &'a str,
    pub(crate) cluster: &'a str,
    pub(crate) key: &'a SigningKey,
    pub(crate) before: Option<&'a SigningKey>,
}

impl Maker<'_> {
    /// All tags of the key. They are written together, so that the proof is always that of the others.
    pub(crate) fn tags(&self, kid: &Kid, marks: &Marks) -> Result<Tags> {
        let mut tags = owner_tags(Some(self.cluster));
        let replaces = marks.replaces.as_ref().map(Kid::as_str);
        let own = [
            (KID, Some(kid.as_str())),
            (REPLACES, replaces),
            (ISSUER, marks.issuer.as_deref().or(Some(UNKNOWN))),
        ];
        let own = own
            .into_iter()
            .filter_map(|(tag, value)| Some((tag, value?)));
        tags.extend(own.map(|(tag, value)| (tag.to_owned(), value.to_owned())));
        tags.insert(STATE.to_owned(), marks.state.to_string());
        tags.insert(PROOF.to_owned(), self.proof(&tags)?);
        Ok(tags)
    }

    /// What the tags say; none where another than a maker has set, changed or removed one.
    pub(crate) fn marks(&self, kid: &Kid, tags: &Tags) -> Result<Option<Marks>> {
        let is_proven = tags.get(PROOF) == Some(&self.proof(tags)?);
        if !is_proven || tags.get(KID).map(String::as_str) != Some(kid.as_str()) {
            return Ok(None);
        }
        let replaces = tags.get(REPLACES).map(|text| Kid::try_from(text.clone()));
        let state = tags.get(STATE).and_then(|text| text.parse().ok());
        Ok(match (replaces.transpose(), state) {
            (Ok(replaces), Some(state)) => Some(Marks {
                replaces,
                issuer: tags.get(ISSUER).filter(|text| *text != UNKNOWN).cloned(),
                state,
            }),
            _ => None,
        })
    }

    /// HMAC-SHA256 over the key's name and its tags, keyed by the private keys before it and its own. Who may create
    /// and tag secrets can set any tag, and has none of the cluster's keys: so the keys of a store are the work of
    /// one maker, whom any of them that is known vouches for.
    fn proof(&self, tags: &Tags) -> Result<String> {
        let cannot = |cause| Error::failed("cannot prove where a key comes from").because(cause);
        let mut secret = Zeroizing::new(String::new());
        for key in self.before.into_iter().chain([self.key]) {
            secret.push_str(&key.to_pem().map_err(cannot)?);
        }
        let mut text = format!("irsactl key\n{}\n", self.name);
        for tag in [KID, REPLACES, ISSUER, STATE] {
            let value = tags.get(tag).map_or("", String::as_str);
            text.push_str(&format!("{tag} {value}\n"));
        }
        let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
        Ok(URL_SAFE_NO_PAD.encode(hmac::sign(&key, text.as_bytes())))
    }
}

/// A tag cannot have `~`, the one character of an issuer that it has not.
pub(crate) fn issuer_mark(issuer: Option<&Issuer>) -> Option<String> {
    let issuer = issuer.map(Issuer::as_str);
    issuer
        .filter(|issuer| !issuer.contains('~'))
        .map(str::to_owned)
}
