//! Cluster API's KubeadmControlPlane, and the Secret `<cluster>-sa` with the signing key.
//!
//! `extraArgs` is a map in v1beta1, and in v1beta2 a list whose names must be unique (kubernetes-sigs/
//! cluster-api, `api/bootstrap/kubeadm/v1beta2/kubeadm_types.go`). The Secret holds private and public
//! PEM and must be there before the cluster (its book, "Using Custom Certificates").

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use minijinja::context;
use zeroize::Zeroizing;

use crate::cluster::json_patch;
use crate::cluster::settings::ApiServerSettings;
use crate::cluster::template::{self, SECRET};
use crate::error::{Error, Result};

/// The API's version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ApiVersion {
    /// A map of arguments.
    V1Beta1,
    /// A list of arguments.
    V1Beta2,
}

/// The control plane as YAML. `has_secret_file`: the Secret is written too.
pub(crate) fn render(
    settings: &ApiServerSettings,
    version: ApiVersion,
    cluster: &str,
    has_secret_file: bool,
) -> Result<String> {
    let live = settings.is_live();
    if live && has_secret_file {
        return Err(
            Error::refused(format!("cannot write the Secret {cluster}-sa for a cluster that runs"))
                .because("it has room for one key, so a new one would lock out every pod that has a token now")
                .hint("leave --secret-file away: the cluster keeps its key, and the output says how to publish it"),
        );
    }
    let settings = &if live {
        settings.with_own_key()
    } else {
        settings.clone()
    };
    let split = settings.split();
    let operations = if live {
        json_patch::of_command(split.issuers, [])
    } else {
        Vec::new()
    };
    // The key flags stay kubeadm's own: they name the files that the Secret becomes.
    let flags = split.flags.into_iter();
    let flags: Vec<_> = flags.filter(|flag| !flag.is_of_key()).collect();
    let (api, why) = match version {
        ApiVersion::V1Beta1 => ("v1beta1", "it is a map"),
        ApiVersion::V1Beta2 => ("v1beta2", "its names must be unique"),
    };
    template::render(
        include_str!("../../../templates/cluster-api.yaml"),
        context! { api, why, cluster, flags => template::flags(&flags), operations => template::patch(&operations), secret => has_secret_file, ..template::common(settings) },
    )
}

/// The Secret as YAML.
pub(crate) fn secret(
    cluster: &str,
    signing_key: &str,
    public_key: &str,
) -> Result<Zeroizing<String>> {
    let text = template::render(
        include_str!("../../../templates/cluster-api-secret.yaml"),
        context! { cluster, public_key => STANDARD.encode(public_key), signing_key => SECRET },
    )?;
    template::with_secret(&text, &template::base64(signing_key)?)
}
