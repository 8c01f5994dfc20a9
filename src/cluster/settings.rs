//! The kube-apiserver settings of an issuer.
//!
//! Order decides (kubernetes `pkg/controlplane/apiserver/options/options.go`): the first
//! `--service-account-issuer` signs new tokens, every one is accepted. A live cluster that loses its
//! old issuer or its old public key answers 401 to every pod.

use serde::Serialize;

use crate::error::{Error, Result};
use crate::oidc::issuer::Issuer;

/// The issuer, and so the audience of in-cluster tokens, where nothing else is configured.
pub(super) const DEFAULT_ISSUER: &str = "https://kubernetes.default.svc.cluster.local";

/// What must be set on every API server.
#[derive(Clone, Debug)]
pub struct ApiServerSettings {
    /// The issuer that signs new tokens.
    pub issuer: Issuer,
    /// Issuers whose tokens stay accepted, in order.
    pub existing_issuers: Vec<ExistingIssuer>,
    /// Public key files, on the node, whose tokens stay accepted.
    pub existing_public_keys: Vec<String>,
    /// The audiences of in-cluster tokens as the cluster has them; none means all issuers.
    pub api_audiences: Vec<ApiAudience>,
    /// Where our key files lie on a control-plane node.
    pub node_dir: String,
}

/// An issuer that the cluster has used until now. kube-apiserver takes any text, so does this,
/// less what its flags cannot carry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExistingIssuer(String);

impl std::str::FromStr for ExistingIssuer {
    type Err = &'static str;

    fn from_str(text: &str) -> std::result::Result<Self, Self::Err> {
        match is_list_item(text) {
            true => Ok(Self(text.to_owned())),
            false => Err(
                "an issuer is not empty and has no spaces or commas; repeat the option for several",
            ),
        }
    }
}

/// An audience that tokens for the API server itself have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiAudience(String);

impl ApiAudience {
    /// Whether a token for AWS would open the API server too.
    pub fn is_for_aws(&self) -> bool {
        self.0.starts_with("sts.amazonaws.com")
    }
}

impl std::str::FromStr for ApiAudience {
    type Err = &'static str;

    fn from_str(text: &str) -> std::result::Result<Self, Self::Err> {
        match is_list_item(text) {
            true => Ok(Self(text.to_owned())),
            false => Err(
                "an audience is not empty and has no spaces or commas; repeat the option for several",
            ),
        }
    }
}

/// A comma would split the value in --api-audiences.
fn is_list_item(text: &str) -> bool {
    !text.is_empty() && !text.contains(|c: char| c.is_whitespace() || c.is_control() || c == ',')
}

/// Each flag once, and what is to come before it.
pub(super) struct Split<'a> {
    /// The last of every name.
    pub(super) flags: Vec<Flag>,
    /// The issuers before the last, the new one first.
    pub(super) issuers: Vec<&'a str>,
    /// The public key files before the last, the new one first.
    pub(super) key_files: Vec<String>,
}

/// One kube-apiserver flag; names can repeat, and order counts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Flag {
    /// Without the leading dashes.
    pub name: &'static str,
    /// Unquoted.
    pub value: String,
}

impl ApiServerSettings {
    /// The signing key's path on the node.
    pub fn signing_key_file(&self) -> String {
        format!("{}/sa-signer.key", self.node_dir)
    }

    /// The public key's path on the node.
    pub fn public_key_file(&self) -> String {
        format!("{}/sa-signer.pub", self.node_dir)
    }

    /// Whether pods of the cluster hold tokens of another issuer.
    pub fn is_live(&self) -> bool {
        !self.existing().is_empty()
    }

    /// The issuers that stay accepted, in order. kube-apiserver does not start when one comes twice.
    pub fn existing(&self) -> Vec<&str> {
        let mut issuers = Vec::new();
        for ExistingIssuer(issuer) in &self.existing_issuers {
            if issuer != self.issuer.as_str() && !issuers.contains(&issuer.as_str()) {
                issuers.push(issuer.as_str());
            }
        }
        issuers
    }

    /// The key files whose tokens are accepted, the new one first.
    pub fn public_key_files(&self) -> Vec<String> {
        let mut files = vec![self.public_key_file()];
        files.extend(self.existing_public_keys.iter().cloned());
        files
    }

    /// The audiences that were asked for, or else all issuers. Never sts.amazonaws.com of our own
    /// accord: with it alone every in-cluster token is refused, and beside others every token for
    /// AWS would open the API server too.
    pub fn audiences(&self) -> Vec<&str> {
        if let Some(given) = self.given_audiences() {
            return given;
        }
        let mut audiences = self.existing();
        if audiences.is_empty() {
            audiences.push(DEFAULT_ISSUER);
        }
        audiences.push(self.issuer.as_str());
        audiences
    }

    /// The audiences that were asked for, if any: a form that can leave the cluster's own alone does.
    pub fn given_audiences(&self) -> Option<Vec<&str>> {
        let given = self.api_audiences.iter().map(|a| a.0.as_str());
        match self.api_audiences.is_empty() {
            true => None,
            false => Some(given.collect()),
        }
    }

    /// The flags, in order.
    pub fn flags(&self) -> Vec<Flag> {
        let mut flags = vec![Flag::new("service-account-issuer", self.issuer.as_str())];
        let existing = self.existing().into_iter();
        flags.extend(existing.map(|issuer| Flag::new("service-account-issuer", issuer)));
        flags.push(Flag::new(
            "service-account-signing-key-file",
            &self.signing_key_file(),
        ));
        let files = self.public_key_files();
        flags.extend(
            files
                .iter()
                .map(|path| Flag::new("service-account-key-file", path)),
        );
        flags.push(Flag::new(
            "service-account-jwks-uri",
            &self.issuer.jwks_uri(),
        ));
        flags.push(Flag::new("api-audiences", &self.audiences().join(",")));
        flags
    }

    /// The settings for a form that gives a flag once only.
    pub(super) fn split(&self) -> Split<'_> {
        let mut issuers = vec![self.issuer.as_str()];
        issuers.extend(self.existing());
        issuers.pop();
        let mut key_files = self.public_key_files();
        key_files.pop();
        let flags = self.flags();
        let is_last = |(index, flag): &(usize, &Flag)| {
            let mut later = flags.iter().skip(index + 1);
            !later.any(|other| other.name == flag.name)
        };
        let once = flags.iter().enumerate().filter(is_last);
        Split {
            flags: once.map(|(_, flag)| flag.clone()).collect(),
            issuers,
            key_files,
        }
    }

    /// Refuses what a form with a single issuer would drop: `form` names it, `way` is the way around.
    pub(super) fn refuse_existing(&self, form: &str, cause: &str, way: &str) -> Result<()> {
        match self.existing().first() {
            None => Ok(()),
            Some(issuer) => Err(Error::refused(format!(
                "cannot keep the existing issuer {issuer} accepted in the form for {form}"
            ))
            .because(cause)
            .hint(way)),
        }
    }

    /// Refuses audiences in a form that has no place for them.
    pub(super) fn refuse_audiences(&self, form: &str, cause: &str) -> Result<()> {
        match self.given_audiences() {
            None => Ok(()),
            Some(_) => Err(Error::refused(format!(
                "cannot set --api-audience in the form for {form}"
            ))
            .because(cause)
            .hint("leave --api-audience away")),
        }
    }
}

impl Flag {
    /// Whether it names a key file.
    pub(super) fn is_of_key(&self) -> bool {
        self.name.ends_with("key-file")
    }

    fn new(name: &'static str, value: &str) -> Self {
        let value = value.to_owned();
        Self { name, value }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_new_issuer_signs_and_the_old_one_stays_accepted() {
        let settings = ApiServerSettings {
            issuer: Issuer::parse("https://new.example").unwrap(),
            existing_issuers: vec![
                "https://old.example".parse().unwrap(),
                "https://new.example".parse().unwrap(),
                "https://old.example".parse().unwrap(),
            ],
            existing_public_keys: vec!["/old.pub".to_owned()],
            api_audiences: Vec::new(),
            node_dir: "/irsa".to_owned(),
        };
        let flags: Vec<String> = settings
            .flags()
            .iter()
            .map(|f| format!("{}={}", f.name, f.value))
            .collect();
        assert_eq!(
            flags,
            [
                "service-account-issuer=https://new.example",
                "service-account-issuer=https://old.example",
                "service-account-signing-key-file=/irsa/sa-signer.key",
                "service-account-key-file=/irsa/sa-signer.pub",
                "service-account-key-file=/old.pub",
                "service-account-jwks-uri=https://new.example/keys.json",
                "api-audiences=https://old.example,https://new.example",
            ]
        );
        assert!("a,b".parse::<ExistingIssuer>().is_err());
        assert!("a b".parse::<ApiAudience>().is_err());
        let settings = ApiServerSettings {
            api_audiences: vec!["kept".parse().unwrap()],
            ..settings
        };
        assert_eq!(settings.flags()[6].value, "kept");
    }
}
