//! The kube-apiserver settings of an issuer.
//!
//! Order decides (kubernetes `pkg/controlplane/apiserver/options/options.go`): the first
//! `--service-account-issuer` signs new tokens, every one is accepted. A live cluster that loses its
//! old issuer or its old public key answers 401 to every pod.

use serde::Serialize;

use crate::oidc::issuer::Issuer;

/// The audience of in-cluster tokens where nothing else is configured.
const DEFAULT_AUDIENCE: &str = "https://kubernetes.default.svc.cluster.local";

/// What must be set on every API server.
#[derive(Clone, Debug)]
pub struct ApiServerSettings {
    /// The issuer that signs new tokens.
    pub issuer: Issuer,
    /// Issuers whose tokens stay accepted, in order.
    pub existing_issuers: Vec<ExistingIssuer>,
    /// Public key files, on the node, whose tokens stay accepted.
    pub existing_public_keys: Vec<String>,
    /// Where our key files lie on a control-plane node.
    pub node_dir: String,
}

/// An issuer that the cluster has used until now. kube-apiserver takes any text, so does this,
/// less what its flags cannot carry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExistingIssuer(String);

impl std::str::FromStr for ExistingIssuer {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        // A comma would split the value in --api-audiences.
        match text.is_empty()
            || text.contains(|c: char| c.is_whitespace() || c.is_control() || c == ',')
        {
            true => Err(
                "an issuer is not empty and has no spaces or commas; repeat the option for several",
            ),
            false => Ok(Self(text.to_owned())),
        }
    }
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

    /// The flags, in order.
    pub fn flags(&self) -> Vec<Flag> {
        let flag = |name, value: &str| Flag {
            name,
            value: value.to_owned(),
        };
        let existing = self
            .existing_issuers
            .iter()
            .map(|existing| existing.0.as_str())
            .filter(|existing| *existing != self.issuer.as_str());
        let public_key = format!("{}/sa-signer.pub", self.node_dir);
        let public_keys = self.existing_public_keys.iter().map(String::as_str);

        let mut flags = vec![flag("service-account-issuer", self.issuer.as_str())];
        flags.extend(
            existing
                .clone()
                .map(|issuer| flag("service-account-issuer", issuer)),
        );
        flags.push(flag(
            "service-account-signing-key-file",
            &self.signing_key_file(),
        ));
        flags.push(flag("service-account-key-file", &public_key));
        flags.extend(public_keys.map(|path| flag("service-account-key-file", path)));
        flags.push(flag("service-account-jwks-uri", &self.issuer.jwks_uri()));

        // Never sts.amazonaws.com: with it alone every in-cluster token is refused, and beside
        // others every token for AWS would open the API server too.
        let mut audiences: Vec<&str> = existing.collect();
        if audiences.is_empty() {
            audiences.push(DEFAULT_AUDIENCE);
        }
        audiences.push(self.issuer.as_str());
        flags.push(flag("api-audiences", &audiences.join(",")));
        flags
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
            ],
            existing_public_keys: vec!["/old.pub".to_owned()],
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
    }
}
