//! `echoer`: a Job that proves in the cluster that a service account has its role.

use clap::Args;
use schemars::JsonSchema;
use serde::Serialize;

use crate::aws::partition;
use crate::cluster::echoer::{EchoerSettings, IMAGE, job};
use crate::cluster::image::image;
use crate::config::names::{Names, dns_label};
use crate::config::{Global, resolve, role};
use crate::error::{Error, Exit, Result};
use crate::iam::arn::{self, role_arn};
use crate::iam::bucket::BucketName;
use crate::iam::role::default_name;
use crate::oidc::subject::Subject;
use crate::output::{self, Answer};

/// Options of `echoer`.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  irsactl echoer --service-account default/app --cluster demo --region us-west-2
  irsactl echoer --service-account default/app --bucket my-data --region us-west-2 \\
    --role-arn arn:aws:iam::111122223333:role/app

Prints a Job for 'kubectl apply -f -'. Its log says which step failed: the webhook's injection, the \
exchange of the token at STS, and with --bucket the writing of one object.")]
pub struct Echoer {
    /// Whose credentials to try
    #[arg(long, value_name = "NAMESPACE/NAME")]
    service_account: Subject,
    /// The role that it must get [default: the one that 'irsactl role' makes for it]
    #[arg(long, value_name = "ARN", value_parser = role_arn)]
    role_arn: Option<String>,
    /// Name of the cluster, for the default of --role-arn
    #[arg(long, value_name = "NAME", value_parser = dns_label)]
    cluster: Option<String>,
    /// The AWS account, for the default of --role-arn [default: ask STS]
    #[arg(long, value_name = "ID")]
    account_id: Option<arn::AccountId>,
    /// Write one object into this bucket too
    // Not the issuer's bucket, so not the cluster file's.
    #[arg(long = "bucket", value_name = "BUCKET")]
    target_bucket: Option<String>,
    /// The name of the Job
    #[arg(long, default_value = "irsactl-echoer", value_name = "NAME", value_parser = dns_label)]
    name: String,
    /// An image with a shell and the AWS CLI
    #[arg(long, default_value = IMAGE, value_name = "IMAGE", value_parser = image)]
    image: String,
}

#[derive(Serialize, JsonSchema)]
pub(crate) struct EchoerAnswer {
    role_arn: String,
    manifest: String,
}

impl Answer for EchoerAnswer {
    fn text(&self) -> String {
        self.manifest.clone()
    }
}

impl Echoer {
    pub(crate) async fn run(self, global: &Global) -> Result<Exit> {
        let region = resolve::region(global).await?;
        if let Some(bucket) = &self.target_bucket {
            BucketName::parse(bucket, None, &region)
                .map_err(|cause| Error::usage("cannot use this bucket name").because(cause))?;
        }
        let role_arn = match &self.role_arn {
            Some(role_arn) => role_arn.clone(),
            None => self.default_role(global, &region).await?,
        };
        let manifest = job(&EchoerSettings {
            name: &self.name,
            service_account: &self.service_account,
            role_arn: &role_arn,
            region: &region,
            bucket: self.target_bucket.as_deref(),
            image: &self.image,
        })?;
        let answer = EchoerAnswer { role_arn, manifest };
        output::print(&answer, global.output)?;
        Ok(Exit::Done)
    }

    /// The role of the cluster file that names the service account, or the one that 'role' would make.
    async fn default_role(&self, global: &Global, region: &str) -> Result<String> {
        let Some(cluster) = &self.cluster else {
            return Err(Error::usage("cannot tell which role is meant")
                .hint("give --role-arn, or --cluster"));
        };
        let (namespace, name) = self.service_account.parts();
        let subject = self.service_account.to_string();
        let listed = role::of_file(global, Some(cluster))?;
        let listed = listed.iter().find(|role| role.trusts(&subject));
        let name = match listed {
            Some(role) => role.name().to_owned(),
            None => default_name(cluster, namespace, name),
        };
        let names = Names {
            cluster: None,
            bucket: None,
            prefix: None,
            account_id: self.account_id.clone(),
        };
        let account = resolve::account(global, &names, region).await?;
        Ok(arn::role(&partition::of_region(region)?, &account, &name))
    }
}
