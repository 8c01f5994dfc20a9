//! The versions that decide a form: of Kubernetes, and of Talos.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// `1.34` or `1.34.4`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Version {
    minor: u32,
    patch: Option<u32>,
}

impl Version {
    /// Whether this is `1.minor` or later.
    pub fn is_from(self, minor: u32) -> bool {
        self.minor >= minor
    }

    /// Whether this is known to be `1.minor.patch` or a later patch release of `1.minor`.
    pub fn is_patch_from(self, minor: u32, patch: u32) -> bool {
        self.minor == minor && self.patch.is_some_and(|own| own >= patch)
    }
}

impl TryFrom<String> for Version {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<Version> for String {
    fn from(version: Version) -> Self {
        version.to_string()
    }
}

impl FromStr for Version {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let number = |part: &str| {
            if part.bytes().all(|b| b.is_ascii_digit()) {
                part.parse().ok()
            } else {
                None
            }
        };
        let parts: Vec<&str> = text.strip_prefix('v').unwrap_or(text).split('.').collect();
        let version = match parts.as_slice() {
            ["1", minor] => number(minor).map(|minor| Self { minor, patch: None }),
            ["1", minor, patch] => number(minor).zip(number(patch)).map(|(minor, patch)| Self {
                minor,
                patch: Some(patch),
            }),
            _ => None,
        };
        version.ok_or("a version looks like 1.34 or 1.34.4")
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.patch {
            Some(patch) => write!(f, "1.{}.{patch}", self.minor),
            None => write!(f, "1.{}", self.minor),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_compare_by_number_and_a_missing_patch_is_not_known() {
        let version: Version = "v1.34.10".parse().unwrap();
        assert_eq!(version.to_string(), "1.34.10");
        assert!(version.is_patch_from(34, 4) && !version.is_patch_from(35, 1));
        assert!(version.is_from(9) && !version.is_from(35));
        assert!(!"1.34".parse::<Version>().unwrap().is_patch_from(34, 4));
        for wrong in ["", "1", "2.0", "1.x", "1.34.", "1.34.4-rc.1", "1.+3"] {
            assert!(wrong.parse::<Version>().is_err(), "{wrong}");
        }
    }
}
