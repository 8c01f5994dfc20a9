//! Talos: a patch of the machine configuration up to 1.13, the document KubeServiceAccountConfig from 1.14
//! (siderolabs/talos, `pkg/machinery/config/types/k8s/service_account.go`).
//!
//! Up to 1.12 `extraArgs` is a map of single values. Up to 1.13 the key flags are denied
//! (`control_plane_final.go`, mergePolicies), so a new signing key drops the old one.

use minijinja::context;
use zeroize::Zeroizing;

use crate::cluster::settings::ApiServerSettings;
use crate::cluster::template::{self, SECRET, list};
use crate::cluster::version::Version;
use crate::error::{Error, Result};

/// What a Talos configuration is made of.
pub(crate) struct Talos<'a> {
    /// The settings.
    pub(crate) settings: &'a ApiServerSettings,
    /// The version, or the newest.
    pub(crate) version: Option<Version>,
    /// The PEM text of the public keys whose tokens stay accepted: Talos takes no file names.
    pub(crate) public_keys: Vec<String>,
    /// Whether the signing key goes into a file.
    pub(crate) has_secret_file: bool,
}

/// Whether there is the document, which holds public keys of tokens that stay accepted.
pub(crate) fn takes_public_keys(version: Option<Version>) -> bool {
    version.is_none_or(|version| version.is_from(14))
}

impl Talos<'_> {
    /// The patch as YAML, without the signing key.
    pub(crate) fn render(&self) -> Result<String> {
        self.check()?;
        self.fill(None)
    }

    /// The patch as YAML, with the signing key.
    pub(crate) fn secret(&self, signing_key: &str) -> Result<Zeroizing<String>> {
        self.check()?;
        let text = self.fill(Some(SECRET))?;
        let key = if self.is_document() {
            template::json_lines(signing_key)
        } else {
            template::base64(signing_key)?
        };
        template::with_secret(&text, &key)
    }

    fn is_document(&self) -> bool {
        takes_public_keys(self.version)
    }

    fn check(&self) -> Result<()> {
        if self.is_document() {
            let loses_key =
                self.settings.is_live() && self.has_secret_file && self.public_keys.is_empty();
            return if !loses_key {
                Ok(())
            } else {
                Err(Error::refused("cannot bring a new signing key into a Talos cluster that runs")
                    .because("without the old public key every pod that has a token now would be locked out")
                    .hint("give it with --existing-public-key, a file of this machine: talosctl read /system/secrets/kubernetes/kube-apiserver/service-account.pub"))
            };
        }
        if self.version.is_some_and(|version| !version.is_from(13)) {
            self.settings.refuse_existing(
                "Talos before 1.13",
                "its extraArgs are a map, in which service-account-issuer has one value",
                "update to Talos 1.14, which takes accepted issuers and keys",
            )?;
        }
        if self.settings.is_live() && self.has_secret_file {
            return Err(Error::refused("cannot bring a new signing key into a Talos cluster that runs")
                .because("before 1.14 Talos cannot keep the old public key, so every pod that has a token now would be locked out")
                .hint("leave --secret-file away: the cluster keeps its key, and the output says how to publish it"));
        }
        Ok(())
    }

    fn fill(&self, signing_key: Option<&str>) -> Result<String> {
        let settings = &if self.is_document() || !self.settings.is_live() {
            self.settings.clone()
        } else {
            self.settings.with_own_key()
        };
        let live = settings.is_live();
        // Talos takes its endpoint for the audience, and the document the issuer alone.
        let audiences = if live && self.is_document() {
            Some(settings.audiences())
        } else {
            settings.given_audiences()
        };
        let version = match self.version {
            Some(version) => version.to_string(),
            None => "1.14 or later, assumed without --talos-version".to_owned(),
        };
        let template = if self.is_document() {
            include_str!("../../../templates/talos-document.yaml")
        } else {
            include_str!("../../../templates/talos-patch.yaml")
        };
        template::render(
            template,
            context! {
                version,
                audiences => audiences.map(|audiences| list(&audiences)),
                signing_key,
                secret => signing_key.is_some(),
                written => self.has_secret_file,
                public_keys => list(&self.public_keys),
                ..template::common(settings)
            },
        )
    }
}
