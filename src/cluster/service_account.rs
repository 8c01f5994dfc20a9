//! What a service account, or its pods, need to find their role.

use minijinja::context;

use crate::cluster::template::render;
use crate::error::Result;
use crate::oidc::subject::Subject;

/// A role as pods refer to it.
#[derive(Clone, Debug)]
pub struct RoleBinding<'a> {
    /// The role's ARN.
    pub role_arn: &'a str,
    /// The audience of the tokens.
    pub audience: &'a str,
    /// The region whose STS is asked.
    pub region: &'a str,
}

/// A ServiceAccount with the annotations that the Amazon EKS Pod Identity Webhook reads.
pub fn annotated(subject: &Subject, binding: &RoleBinding<'_>) -> Result<String> {
    with(
        include_str!("../../templates/service-account.yaml"),
        subject,
        binding,
    )
}

/// The part of a pod that takes the webhook's place.
pub fn projected_volume(subject: &Subject, binding: &RoleBinding<'_>) -> Result<String> {
    with(
        include_str!("../../templates/projected-volume.yaml"),
        subject,
        binding,
    )
}

fn with(template: &str, subject: &Subject, binding: &RoleBinding<'_>) -> Result<String> {
    let (namespace, name) = subject.parts();
    let RoleBinding {
        role_arn,
        audience,
        region,
    } = *binding;
    render(
        template,
        context! { namespace, name, role_arn, audience, region },
    )
}
