//! The kube-apiserver settings of an issuer.
//!
//! Order decides (kubernetes `pkg/controlplane/apiserver/options/options.go`): the first
//! `--service-account-issuer` signs new tokens, every one is accepted. A live cluster that loses its
//! old issuer or its old public key answers 401 to every pod.

use schemars::JsonSchema;
use serde::Serialize;

use crate::cluster::accepted::{ApiAudience, ExistingIssuer};
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
    /// The signing key.
    pub key: NodeKey,
    /// Which issuer comes first.
    pub order: Order,
}

/// The signing key of the API servers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NodeKey {
    /// Ours: sa-signer.key and sa-signer.pub in a directory of every control-plane node.
    Ours {
        /// The directory.
        node_dir: String,
    },
    /// The cluster's own, which stays where it is: no setting names a key.
    Kept,
}

/// The new issuer among the existing ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// An existing one signs, with the cluster's own key; the new one is accepted.
    NewLast,
    /// The new one signs, the existing ones are accepted.
    NewFirst,
    /// The existing ones are refused. Their public keys and audiences stay: token Secrets never expire.
    NewAlone,
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
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Flag {
    /// Without the leading dashes.
    pub name: &'static str,
    /// Unquoted.
    pub value: String,
}

impl ApiServerSettings {
    /// The signing key's path on the node, where ours signs.
    pub fn signing_key_file(&self) -> Option<String> {
        match (&self.key, self.order) {
            (NodeKey::Ours { node_dir }, Order::NewFirst | Order::NewAlone) => {
                Some(format!("{node_dir}/sa-signer.key"))
            }
            _ => None,
        }
    }

    /// The public key's path on the node, where it is ours.
    pub fn public_key_file(&self) -> Option<String> {
        let node_dir = self.node_dir()?;
        Some(format!("{node_dir}/sa-signer.pub"))
    }

    /// The settings in a form whose key is the distribution's own.
    pub(super) fn with_own_key(&self) -> Self {
        Self {
            key: NodeKey::Kept,
            ..self.clone()
        }
    }

    /// Where our key files lie on a control-plane node.
    pub fn node_dir(&self) -> Option<&str> {
        match &self.key {
            NodeKey::Ours { node_dir } => Some(node_dir),
            NodeKey::Kept => None,
        }
    }

    /// Whether pods of the cluster hold tokens already, also of this very issuer.
    pub fn is_live(&self) -> bool {
        !self.existing_issuers.is_empty()
    }

    /// Whether the cluster has another issuer.
    pub fn has_other_issuer(&self) -> bool {
        !self.all_existing().is_empty()
    }

    /// Every existing issuer once, in order. kube-apiserver does not start when one comes twice.
    fn all_existing(&self) -> Vec<&str> {
        let mut issuers = Vec::new();
        for issuer in self.existing_issuers.iter().map(ExistingIssuer::as_str) {
            if issuer != self.issuer.as_str() && !issuers.contains(&issuer) {
                issuers.push(issuer);
            }
        }
        issuers
    }

    /// The existing issuers that are accepted, in order.
    pub fn existing(&self) -> Vec<&str> {
        match self.order {
            Order::NewAlone => Vec::new(),
            Order::NewLast | Order::NewFirst => self.all_existing(),
        }
    }

    /// All issuers that are accepted; the first one signs.
    pub fn issuers(&self) -> Vec<&str> {
        let mut issuers = self.existing();
        let index = match self.order {
            Order::NewLast => issuers.len(),
            Order::NewFirst | Order::NewAlone => 0,
        };
        issuers.insert(index, self.issuer.as_str());
        issuers
    }

    /// The key files whose tokens are accepted, the new one first.
    pub fn public_key_files(&self) -> Vec<String> {
        let mut files = Vec::from_iter(self.public_key_file());
        files.extend(self.existing_public_keys.iter().cloned());
        files
    }

    /// Where the API server's own discovery document says the keys are. An issuer that is not ours
    /// has other keys.
    pub fn jwks_uri(&self) -> Option<String> {
        match self.order {
            Order::NewLast => None,
            Order::NewFirst | Order::NewAlone => Some(self.issuer.jwks_uri()),
        }
    }

    /// The audiences that were asked for, or else all issuers. Never sts.amazonaws.com of our own
    /// accord: with it alone every in-cluster token is refused, and beside others every token for
    /// AWS would open the API server too.
    pub fn audiences(&self) -> Vec<&str> {
        if let Some(given) = self.given_audiences() {
            return given;
        }
        let mut audiences = self.all_existing();
        if audiences.is_empty() {
            audiences.push(DEFAULT_ISSUER);
        }
        audiences.push(self.issuer.as_str());
        audiences
    }

    /// The audiences that were asked for, if any: a form that can leave the cluster's own alone does.
    pub fn given_audiences(&self) -> Option<Vec<&str>> {
        let given = self.api_audiences.iter().map(ApiAudience::as_str);
        if self.api_audiences.is_empty() {
            None
        } else {
            Some(given.collect())
        }
    }

    /// The flags, in order.
    pub fn flags(&self) -> Vec<Flag> {
        let several = |name, values: Vec<String>| {
            let flags = values.into_iter();
            flags.map(move |value| Flag { name, value })
        };
        let issuers = self.issuers().into_iter().map(str::to_owned).collect();
        let one = Vec::from_iter;
        let mut flags = Vec::new();
        for (name, values) in [
            ("service-account-issuer", issuers),
            (
                "service-account-signing-key-file",
                one(self.signing_key_file()),
            ),
            ("service-account-key-file", self.public_key_files()),
            ("service-account-jwks-uri", one(self.jwks_uri())),
            ("api-audiences", vec![self.audiences().join(",")]),
        ] {
            flags.extend(several(name, values));
        }
        flags
    }

    /// The settings for a form that gives a flag once only.
    pub(super) fn split(&self) -> Split<'_> {
        let mut issuers = self.issuers();
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
        match self.all_existing().first() {
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
            key: NodeKey::Ours {
                node_dir: "/irsa".to_owned(),
            },
            order: Order::NewFirst,
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
        let settings = ApiServerSettings {
            api_audiences: vec!["kept".parse().unwrap()],
            ..settings
        };
        assert_eq!(settings.flags()[6].value, "kept");
    }
}
