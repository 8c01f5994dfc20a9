//! What a cluster accepts already, as the user names it: issuers and audiences.

use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// An issuer that the cluster has used until now. kube-apiserver takes any text, so does this,
/// less what its flags cannot carry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String")]
pub struct ExistingIssuer(String);

impl TryFrom<String> for ExistingIssuer {
    type Error = &'static str;

    fn try_from(text: String) -> std::result::Result<Self, Self::Error> {
        text.parse()
    }
}

impl ExistingIssuer {
    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for ExistingIssuer {
    type Err = &'static str;

    fn from_str(text: &str) -> std::result::Result<Self, Self::Err> {
        if is_list_item(text) {
            Ok(Self(text.to_owned()))
        } else {
            Err("an issuer is not empty and has no spaces or commas; repeat the option for several")
        }
    }
}

/// An audience that tokens for the API server itself have.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String")]
pub struct ApiAudience(String);

impl ApiAudience {
    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether a token for AWS would open the API server too.
    pub fn is_for_aws(&self) -> bool {
        self.0.starts_with("sts.amazonaws.com")
    }
}

impl TryFrom<String> for ApiAudience {
    type Error = &'static str;

    fn try_from(text: String) -> std::result::Result<Self, Self::Error> {
        text.parse()
    }
}

impl FromStr for ApiAudience {
    type Err = &'static str;

    fn from_str(text: &str) -> std::result::Result<Self, Self::Err> {
        if is_list_item(text) {
            Ok(Self(text.to_owned()))
        } else {
            Err(
                "an audience is not empty and has no spaces or commas; repeat the option for several",
            )
        }
    }
}

/// A comma would split the value in --api-audiences; what nobody sees, or a CI runner obeys (`##vso[`), is no name.
fn is_list_item(text: &str) -> bool {
    let plain = |b: u8| b.is_ascii_graphic() && b != b',';
    !text.is_empty() && text.bytes().all(plain) && !text.contains("##") && !is_template(text)
}

/// Whether a text would be filled in by what carries the settings to the nodes: Jinja of Ansible and cloud-init, and
/// shells.
pub(crate) fn is_template(text: &str) -> bool {
    ["{{", "{%", "{#", "${", "$("]
        .iter()
        .any(|mark| text.contains(mark))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_flag_cannot_carry_is_refused() {
        assert!("a,b".parse::<ExistingIssuer>().is_err());
        assert!("a b".parse::<ApiAudience>().is_err());
        assert!(
            "kubernetes/serviceaccount"
                .parse::<ExistingIssuer>()
                .is_ok()
        );
    }
}
