//! EKS Anywhere: `spec.podIamConfig.serviceAccountIssuer`, one issuer, signed for with a key of its own
//! (aws/eks-anywhere, `docs/content/en/docs/getting-started/optional/irsa.md`).

use minijinja::context;

use crate::cluster::settings::ApiServerSettings;
use crate::cluster::template::render as render_template;
use crate::error::Result;

const TEMPLATE: &str = include_str!("../../../templates/eks-anywhere.yaml");

/// The part of the Cluster as YAML.
pub(crate) fn render(settings: &ApiServerSettings) -> Result<String> {
    settings.refuse_existing(
        "EKS Anywhere",
        "podIamConfig has one issuer, which replaces the one before it (pkg/clusterapi/extraargs.go)",
        "set it when the cluster is created; on one that runs, every pod must be restarted after the change",
    )?;
    settings.refuse_audiences("EKS Anywhere", "podIamConfig has no audiences")?;
    render_template(TEMPLATE, context! { issuer => settings.issuer.as_str() })
}
