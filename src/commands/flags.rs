//! `flags`: the kube-apiserver settings.

use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use serde::Serialize;
use zeroize::Zeroizing;

use crate::cluster::settings::{ApiAudience, ApiServerSettings, ExistingIssuer, Flag};
use crate::cluster::talos::{self, Talos};
use crate::cluster::version::Version;
use crate::cluster::{
    cluster_api, eks_anywhere, flags, k0s, k3s, kind, kops, kubeadm, kubespray, microk8s,
    openshift, rke2, static_pod, typhoon,
};
use crate::config::{Global, IssuerNames};
use crate::error::{Error, Exit, Result, shell_quoted};
use crate::file;
use crate::oidc::issuer::Issuer;
use crate::oidc::key::PublicKey;
use crate::output::{self, Answer};

use super::{key_pair, resolve};

mod format;

use format::SettingsFormat;

/// Options of `flags`.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  irsactl flags --cluster demo --region us-west-2
  irsactl flags --issuer https://oidc.example.com --format kubeadm
  irsactl flags --bucket my-issuer --region us-west-2 \\
    --existing-issuer https://kubernetes.default.svc.cluster.local \\
    --existing-public-key /etc/kubernetes/pki/sa.pub")]
pub struct Flags {
    #[command(flatten)]
    issuer: IssuerNames,
    /// Form of the settings: flags, static-pod, kubeadm, kind, k3s, rke2, talos, k0s, microk8s,
    /// kubespray, cluster-api, eks-anywhere, openshift, kops or typhoon
    #[arg(
        long,
        value_enum,
        default_value = "flags",
        value_name = "FORMAT",
        hide_possible_values = true
    )]
    format: SettingsFormat,
    /// Version of Kubernetes, for kubeadm and kind, such as 1.34.4 [default: the newest]
    #[arg(long, value_name = "VERSION", value_parser = kubernetes_version)]
    kubernetes_version: Option<Version>,
    /// Version of Talos, such as 1.13 [default: the newest]
    #[arg(long, value_name = "VERSION")]
    talos_version: Option<Version>,
    /// Version of Cluster API's resources: v1beta1 or v1beta2 [default: v1beta2]
    #[arg(long, value_enum, value_name = "VERSION", hide_possible_values = true)]
    cluster_api_version: Option<ClusterApiVersion>,
    /// New file, mode 0600, for the output with the signing key: of cluster-api and talos
    #[arg(long, value_name = "FILE")]
    secret_file: Option<PathBuf>,
    #[command(flatten)]
    node: NodeOptions,
}

/// What the control-plane nodes are like.
#[derive(Args, Clone, Debug)]
pub struct NodeOptions {
    /// Where sa-signer.key and sa-signer.pub lie on a control-plane node
    #[arg(long, value_name = "DIR", default_value = "/etc/kubernetes/pki/irsa", value_parser = node_path)]
    node_dir: String,
    /// An issuer that the cluster has used until now; its tokens stay accepted
    #[arg(long, value_name = "URL")]
    existing_issuer: Vec<ExistingIssuer>,
    /// The public key, on the node, of tokens that stay accepted [kubeadm: /etc/kubernetes/pki/sa.pub]
    #[arg(long, value_name = "FILE", requires = "existing_issuer", value_parser = node_path)]
    existing_public_key: Vec<String>,
    /// An audience of in-cluster tokens, as the cluster has it now; repeat it [default: all issuers]
    #[arg(long, value_name = "AUDIENCE")]
    api_audience: Vec<ApiAudience>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum ClusterApiVersion {
    V1beta1,
    V1beta2,
}

#[derive(Serialize)]
struct FlagsAnswer {
    issuer: Issuer,
    flags: Vec<Flag>,
    /// The settings in the form that was asked for.
    text: String,
}

impl Answer for FlagsAnswer {
    fn text(&self) -> String {
        self.text.clone()
    }
}

impl NodeOptions {
    fn loses_old_key(&self) -> bool {
        !self.existing_issuer.is_empty() && self.existing_public_key.is_empty()
    }

    /// Says when the settings would lock out every pod that has a token now, or let in tokens for AWS.
    pub(super) fn warn_of_lock_out(&self) {
        if self.loses_old_key() {
            output::say(
                "warning: without --existing-public-key the API server refuses every token signed by the old key; \
                 give the file that --service-account-key-file names now",
            );
        }
        self.warn_of_audiences();
    }

    fn warn_of_audiences(&self) {
        if self.api_audience.iter().any(ApiAudience::is_for_aws) {
            output::say(
                "warning: with sts.amazonaws.com in --api-audiences the API server accepts every token that a pod \
                 sends to AWS, and with it alone no other token; leave it out: a token for AWS has this audience anyway",
            );
        }
    }

    /// The settings for an issuer.
    pub(super) fn settings(&self, issuer: &Issuer) -> ApiServerSettings {
        ApiServerSettings {
            issuer: issuer.clone(),
            existing_issuers: self.existing_issuer.clone(),
            existing_public_keys: self.existing_public_key.clone(),
            api_audiences: self.api_audience.clone(),
            node_dir: self.node_dir.clone(),
        }
    }

    /// The PEM text of the existing public keys, which are files of this machine.
    fn public_keys(&self) -> Result<Vec<String>> {
        let mut keys = Vec::new();
        for path in self.existing_public_key.iter().map(Path::new) {
            let unusable = |cause| key_pair::unusable(path, &cause);
            for key in PublicKey::all_from_pem(&file::read_key(path)?).map_err(unusable)? {
                keys.push(key.to_pem().map_err(unusable)?);
            }
        }
        Ok(keys)
    }
}

impl Flags {
    pub(super) async fn run(self, global: &Global) -> Result<Exit> {
        self.check()?;
        let issuer = resolve::issuer(global, &self.issuer).await?;
        let mut settings = self.node.settings(&issuer);
        match self.format.default_public_key() {
            Some(path) if self.node.loses_old_key() => {
                settings.existing_public_keys.push(path.to_owned());
            }
            _ => {}
        }
        let (text, secret) = self.render(global, &settings)?;
        let brings_key = self.format == SettingsFormat::Talos && secret.is_some();
        match self.format == SettingsFormat::Flags || brings_key {
            true => self.node.warn_of_lock_out(),
            false => self.node.warn_of_audiences(),
        }
        if let (Some(path), Some(secret)) = (&self.secret_file, secret) {
            file::write_private(path, secret.as_bytes())?;
            output::say(format_args!(
                "the signing key is in {} (mode 0600): delete it when it is applied",
                output::path(path)
            ));
        }
        if self.format.has_node_files() {
            output::say(format_args!(
                "put sa-signer.key (mode 0600, owner {}) and sa-signer.pub into {} on every control-plane node first",
                self.format.key_owner(),
                output::sanitized(&settings.node_dir)
            ));
        }
        let flags = settings.flags();
        output::print(
            &FlagsAnswer {
                issuer,
                flags,
                text,
            },
            global.output,
        )?;
        Ok(Exit::Done)
    }

    /// Refuses options that the format does not look at.
    fn check(&self) -> Result<()> {
        use SettingsFormat::{ClusterApi, Kind, Kubeadm, Talos};
        let kubernetes = self.kubernetes_version.is_some();
        let secret = self.secret_file.is_some();
        let options: [(_, _, &[_]); 4] = [
            ("--kubernetes-version", kubernetes, &[Kubeadm, Kind]),
            ("--talos-version", self.talos_version.is_some(), &[Talos]),
            (
                "--cluster-api-version",
                self.cluster_api_version.is_some(),
                &[ClusterApi],
            ),
            ("--secret-file", secret, &[ClusterApi, Talos]),
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
        match &self.secret_file {
            Some(path) if file::exists(path)? => {
                let quoted = shell_quoted(&path.display().to_string());
                Err(Error::refused(format!("cannot write {}", path.display()))
                    .because("something is there already, and a file with a signing key is never overwritten")
                    .hint(format!("move it away, or give another --secret-file: ls -l {quoted}")))
            }
            _ => Ok(()),
        }
    }

    /// The settings as text, and what holds the signing key.
    fn render(
        &self,
        global: &Global,
        settings: &ApiServerSettings,
    ) -> Result<(String, Option<Zeroizing<String>>)> {
        let kubernetes = self.kubernetes_version;
        let text = match self.format {
            SettingsFormat::Flags => flags::render(settings),
            SettingsFormat::StaticPod => static_pod::render(settings)?,
            SettingsFormat::Kubeadm => kubeadm::render(settings, kubernetes)?,
            SettingsFormat::Kind => {
                let path = |path: PathBuf| {
                    std::path::absolute(&path)
                        .unwrap_or(path)
                        .display()
                        .to_string()
                };
                let signing_key = path(key_pair::signing_key_file(&global.dir));
                let public_key = path(key_pair::public_key_file(&global.dir));
                kind::render(settings, kubernetes, &signing_key, &public_key)?
            }
            SettingsFormat::K3s => k3s::render(settings)?,
            SettingsFormat::Rke2 => rke2::render(settings)?,
            SettingsFormat::Talos => return self.talos(global, settings),
            SettingsFormat::K0s => k0s::render(settings)?,
            SettingsFormat::Microk8s => microk8s::render(settings)?,
            SettingsFormat::Kubespray => kubespray::render(settings)?,
            SettingsFormat::ClusterApi => return self.cluster_api(global, settings),
            SettingsFormat::EksAnywhere => eks_anywhere::render(settings)?,
            SettingsFormat::OpenShift => openshift::render(settings)?,
            SettingsFormat::Kops => kops::render(settings)?,
            SettingsFormat::Typhoon => typhoon::render(settings)?,
        };
        Ok((text, None))
    }

    fn talos(
        &self,
        global: &Global,
        settings: &ApiServerSettings,
    ) -> Result<(String, Option<Zeroizing<String>>)> {
        let talos = Talos {
            settings,
            version: self.talos_version,
            public_keys: match talos::takes_public_keys(self.talos_version) {
                true => self.node.public_keys()?,
                false => Vec::new(),
            },
            has_secret_file: self.secret_file.is_some(),
        };
        let text = talos.render()?;
        let secret = match self.secret_file {
            Some(_) => Some(talos.secret(&signing_key(global)?)?),
            None => None,
        };
        Ok((text, secret))
    }

    fn cluster_api(
        &self,
        global: &Global,
        settings: &ApiServerSettings,
    ) -> Result<(String, Option<Zeroizing<String>>)> {
        let Some(cluster) = &self.issuer.names.cluster else {
            return Err(Error::usage("cannot name the resources of Cluster API")
                .hint("give the Cluster's name with --cluster"));
        };
        let version = match self.cluster_api_version {
            Some(ClusterApiVersion::V1beta1) => cluster_api::ApiVersion::V1Beta1,
            Some(ClusterApiVersion::V1beta2) | None => cluster_api::ApiVersion::V1Beta2,
        };
        let has_secret_file = self.secret_file.is_some();
        let text = cluster_api::render(settings, version, cluster, has_secret_file)?;
        if !has_secret_file {
            return Ok((text, None));
        }
        let path = key_pair::public_key_file(&global.dir);
        let unusable = |cause| key_pair::unusable(&path, &cause);
        let public = key_pair::signing_key(&global.dir)?;
        let public = public.public().and_then(|key| key.to_pem());
        let public = public.map_err(unusable)?;
        let secret = cluster_api::secret(cluster, &signing_key(global)?, &public)?;
        Ok((text, Some(secret)))
    }
}

/// The signing key of the issuer directory as PKCS#8 PEM.
fn signing_key(global: &Global) -> Result<Zeroizing<String>> {
    let key = key_pair::signing_key(&global.dir)?.to_pem();
    key.map_err(|cause| key_pair::unusable(&key_pair::signing_key_file(&global.dir), &cause))
}

fn kubernetes_version(text: &str) -> std::result::Result<Version, &'static str> {
    match text.parse::<Version>()? {
        version if version.is_from(22) => Ok(version),
        _ => Err("Kubernetes before 1.22 accepts a single issuer"),
    }
}

/// An absolute path on a node.
pub(super) fn node_path(text: &str) -> std::result::Result<String, String> {
    // YAML takes these two for line breaks as well.
    let breaks = |c: char| c.is_control() || c == '\u{2028}' || c == '\u{2029}';
    match text.starts_with('/') && !text.ends_with('/') && !text.contains(breaks) {
        true => Ok(text.to_owned()),
        false => Err("it is an absolute path on the node, without a slash at its end".to_owned()),
    }
}
