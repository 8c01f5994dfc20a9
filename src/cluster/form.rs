//! The form of the settings: its options, and how each one is rendered.

use clap::{Args, ValueEnum};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::cluster::distributions::talos::{self, Talos};
use crate::cluster::distributions::{
    cluster_api, eks_anywhere, flags, k0s, k3s, kind, kops, kubeadm, kubespray, microk8s,
    openshift, rke2, static_pod, typhoon,
};
use crate::cluster::format::SettingsFormat;
use crate::cluster::settings::ApiServerSettings;
use crate::cluster::version::Version;
use crate::error::{Error, Result};

/// Which form, and the versions that decide it.
#[derive(Args, Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct FormOptions {
    /// Form of the settings: flags, static-pod, kubeadm, kind, k3s, rke2, talos, k0s, microk8s,
    /// kubespray, cluster-api, eks-anywhere, openshift, kops or typhoon
    #[arg(
        long,
        value_enum,
        default_value = "flags",
        value_name = "FORMAT",
        hide_possible_values = true
    )]
    pub(crate) format: SettingsFormat,
    /// Version of Kubernetes, for kubeadm and kind, such as 1.34.4 [default: the newest]
    #[arg(long, value_name = "VERSION")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    kubernetes_version: Option<Version>,
    /// Version of Talos, such as 1.13 [default: the newest]
    #[arg(long, value_name = "VERSION")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    talos_version: Option<Version>,
    /// Version of Cluster API's resources: v1beta1 or v1beta2 [default: v1beta2]
    #[arg(long, value_enum, value_name = "VERSION", hide_possible_values = true)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    cluster_api_version: Option<ClusterApiVersion>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum ClusterApiVersion {
    V1beta1,
    V1beta2,
}

/// What is rendered beside the settings.
#[derive(Default)]
pub(crate) struct Surroundings<'a> {
    /// The cluster's name.
    pub(crate) cluster: Option<&'a str>,
    /// The key files of this machine, as absolute paths: kind mounts them.
    pub(crate) signing_key_file: String,
    pub(crate) public_key_file: String,
    /// The PEM text of the existing public keys: Talos takes keys, and no files.
    pub(crate) public_keys: Vec<String>,
    /// The key pair as PEM text, where the signing key is to be rendered too.
    pub(crate) pair: Option<(Zeroizing<String>, String)>,
}

/// The settings as text, and what holds the signing key.
type Rendered = (String, Option<Zeroizing<String>>);

impl FormOptions {
    /// Refuses options that the form does not look at.
    pub(crate) fn check(&self, has_secret_file: bool) -> Result<()> {
        use SettingsFormat::{ClusterApi, Kind, Kubeadm, Talos};
        let kubernetes = self.kubernetes_version.is_some();
        let options: [(_, _, &[_]); 4] = [
            ("--kubernetes-version", kubernetes, &[Kubeadm, Kind]),
            ("--talos-version", self.talos_version.is_some(), &[Talos]),
            (
                "--cluster-api-version",
                self.cluster_api_version.is_some(),
                &[ClusterApi],
            ),
            ("--secret-file", has_secret_file, &[ClusterApi, Talos]),
        ];
        for (option, is_given, formats) in options {
            if is_given && !formats.contains(&self.format) {
                let names: Vec<String> = formats.iter().map(|format| format.name()).collect();
                let what = format!("cannot use {option} with --format {}", self.format.name());
                return Err(
                    Error::usage(what).because(format!("it is for {}", names.join(" and ")))
                );
            }
        }
        match self.kubernetes_version {
            Some(version) if !version.is_from(22) => {
                Err(Error::usage(format!("cannot use Kubernetes {version}"))
                    .because("Kubernetes before 1.22 accepts a single issuer"))
            }
            _ => Ok(()),
        }
    }

    /// Names the public key that a cluster of this form has, where the settings would replace it.
    pub(crate) fn keep_old_key(&self, settings: &mut ApiServerSettings) {
        // MicroK8s has a key from its installation on, with which its controller manager goes on signing.
        let has_one = settings.is_live() || self.format == SettingsFormat::Microk8s;
        let replaces = settings.node_dir().is_some() && has_one;
        if let (Some(path), true) = (self.format.default_public_key(), replaces)
            && settings.existing_public_keys.is_empty()
        {
            settings.existing_public_keys.push(path.to_owned());
        }
    }

    /// Renders the settings.
    pub(crate) fn render(
        &self,
        settings: &ApiServerSettings,
        around: &Surroundings<'_>,
    ) -> Result<Rendered> {
        let relative = |path: &&String| !path.starts_with('/');
        let files = &settings.existing_public_keys;
        if let (Some(path), true) = (
            files.iter().find(relative),
            self.format != SettingsFormat::Talos,
        ) {
            return Err(
                Error::usage(format!("cannot use '{path}' as a public key of the nodes"))
                    .because("it is an absolute path on the node, without a slash at its end"),
            );
        }
        let kubernetes = self.kubernetes_version;
        let text = match self.format {
            SettingsFormat::Flags => flags::render(settings),
            SettingsFormat::StaticPod => static_pod::render(settings)?,
            SettingsFormat::Kubeadm => kubeadm::render(settings, kubernetes)?,
            SettingsFormat::Kind => kind::render(
                settings,
                kubernetes,
                &around.signing_key_file,
                &around.public_key_file,
            )?,
            SettingsFormat::K3s => k3s::render(settings)?,
            SettingsFormat::Rke2 => rke2::render(settings)?,
            SettingsFormat::Talos => return self.talos(settings, around),
            SettingsFormat::K0s => k0s::render(settings)?,
            SettingsFormat::Microk8s => microk8s::render(settings)?,
            SettingsFormat::Kubespray => kubespray::render(settings)?,
            SettingsFormat::ClusterApi => return self.cluster_api(settings, around),
            SettingsFormat::EksAnywhere => eks_anywhere::render(settings)?,
            SettingsFormat::OpenShift => openshift::render(settings)?,
            SettingsFormat::Kops => kops::render(settings)?,
            SettingsFormat::Typhoon => typhoon::render(settings)?,
        };
        Ok((text, None))
    }

    /// Whether it takes existing public keys as text.
    pub(crate) fn takes_public_keys(&self) -> bool {
        self.format == SettingsFormat::Talos && talos::takes_public_keys(self.talos_version)
    }

    fn talos(&self, settings: &ApiServerSettings, around: &Surroundings<'_>) -> Result<Rendered> {
        let talos = Talos {
            settings,
            version: self.talos_version,
            public_keys: around.public_keys.clone(),
            has_secret_file: around.pair.is_some(),
        };
        let secret = around.pair.as_ref().map(|(key, _)| talos.secret(key));
        Ok((talos.render()?, secret.transpose()?))
    }

    fn cluster_api(
        &self,
        settings: &ApiServerSettings,
        around: &Surroundings<'_>,
    ) -> Result<Rendered> {
        let Some(cluster) = around.cluster else {
            return Err(Error::usage("cannot name the resources of Cluster API")
                .hint("give the Cluster's name with --cluster"));
        };
        let version = match self.cluster_api_version {
            Some(ClusterApiVersion::V1beta1) => cluster_api::ApiVersion::V1Beta1,
            Some(ClusterApiVersion::V1beta2) | None => cluster_api::ApiVersion::V1Beta2,
        };
        let text = cluster_api::render(settings, version, cluster, around.pair.is_some())?;
        let secret = around.pair.as_ref();
        let secret = secret.map(|(key, public)| cluster_api::secret(cluster, key, public));
        Ok((text, secret.transpose()?))
    }
}
