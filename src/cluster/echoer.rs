//! The proof in the cluster: a Job that does what a pod of a service account would do.

use minijinja::context;

use crate::cluster::template::render;
use crate::error::Result;
use crate::oidc::subject::Subject;

/// The image that has the AWS CLI, by the digest of its manifest list.
pub const IMAGE: &str = "public.ecr.aws/aws-cli/aws-cli:2.37.9@sha256:92de75724b6a746951f0e8b915d86bbccd7cb55aff96cd0cb4f7017272160780";

/// What the Job is to do.
#[derive(Clone, Debug)]
pub struct EchoerSettings<'a> {
    /// The name of the Job.
    pub name: &'a str,
    /// Whose credentials it wants.
    pub service_account: &'a Subject,
    /// The role that it must get.
    pub role_arn: &'a str,
    /// The region whose STS it asks.
    pub region: &'a str,
    /// A bucket to write one object into.
    pub bucket: Option<&'a str>,
    /// An image with a shell and the AWS CLI.
    pub image: &'a str,
}

/// The Job.
pub fn job(settings: &EchoerSettings<'_>) -> Result<String> {
    let (namespace, service_account) = settings.service_account.parts();
    let EchoerSettings {
        name,
        role_arn,
        region,
        bucket,
        image,
        ..
    } = *settings;
    render(
        include_str!("../../templates/echoer.yaml"),
        context! { name, namespace, service_account, role_arn, region, bucket, image },
    )
}
