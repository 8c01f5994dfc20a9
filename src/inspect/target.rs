//! Which issuer is looked at.

use crate::config::names::Place;
use crate::oidc::issuer::Issuer;

/// The issuer, and its place when it is a bucket's.
pub(crate) struct Target {
    pub(crate) issuer: Issuer,
    pub(crate) place: Option<Place>,
}

impl Target {
    /// The command that makes what is missing.
    pub(crate) fn repair(&self) -> String {
        match self.place {
            Some(_) => "irsactl bootstrap".to_owned(),
            None => format!("irsactl provider --issuer {}", self.issuer),
        }
    }
}
