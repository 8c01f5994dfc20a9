//! `role`: an IAM role that service accounts assume.

use std::path::{Path, PathBuf};

use clap::Args;
use serde::Serialize;
use serde_json::Value;

use crate::aws::partition;
use crate::cluster::service_account::{RoleBinding, annotated, projected_volume};
use crate::config::{Global, IssuerNames};
use crate::error::{Error, Exit, Result};
use crate::file;
use crate::iam::arn::{self, AccountId};
use crate::iam::role::{Trust, default_name};
use crate::oidc::issuer::Issuer;
use crate::oidc::subject::Subject;
use crate::output::{self, Answer};
use crate::plan::desired::{Desired, Role};
use crate::plan::document::json_text;

use super::change_options::ChangeOptions;
use super::converge::Session;
use super::stop::Stop;
use super::{dry_run, resolve};

/// Options of `role`.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  irsactl role --service-account default/app --cluster demo --region us-west-2 --dry-run
  irsactl role --service-account default/app --cluster demo --region us-west-2 --yes \\
    --policy-arn arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess
  irsactl role --service-account default/app --cluster demo --region us-west-2 --print-trust-policy

Prints the ServiceAccount for the pod identity webhook, or with --without-webhook what a pod needs in
its place. The trust policy has StringEquals on the subject and the audience; statements of an existing
role that trust somebody else are kept.")]
pub struct RoleArgs {
    #[command(flatten)]
    issuer: IssuerNames,
    /// Who may assume the role; repeat it for several
    #[arg(long, value_name = "NAMESPACE/NAME", required = true)]
    service_account: Vec<String>,
    /// Allow * in --service-account, which is compared with StringLike then
    #[arg(long)]
    allow_wildcard: bool,
    /// The role's name [default: CLUSTER-NAMESPACE-NAME of the first service account]
    #[arg(long, value_name = "NAME", value_parser = role_name)]
    name: Option<String>,
    /// A managed policy to attach; repeat it for several
    #[arg(long, value_name = "ARN", value_parser = policy_arn)]
    policy_arn: Vec<String>,
    /// A file with the role's own policy, as JSON
    #[arg(long, value_name = "FILE")]
    inline_policy: Option<PathBuf>,
    /// The permissions boundary
    #[arg(long, value_name = "ARN", value_parser = policy_arn)]
    permissions_boundary: Option<String>,
    /// The longest session, in seconds
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(i32).range(3600..=43_200))]
    max_session_duration: Option<i32>,
    /// The audience of the tokens
    #[arg(long, default_value = "sts.amazonaws.com", value_name = "AUDIENCE")]
    audience: String,
    /// Print the trust policy and do nothing; with --account-id no call is made
    #[arg(long)]
    print_trust_policy: bool,
    /// Print what a pod needs where the webhook does not run
    #[arg(long)]
    without_webhook: bool,
    #[command(flatten)]
    change: ChangeOptions,
}

#[derive(Serialize)]
#[serde(transparent)]
struct TrustAnswer(Value);

impl Answer for TrustAnswer {
    fn text(&self) -> String {
        json_text(self)
    }
}

#[derive(Serialize)]
struct RoleAnswer {
    role_arn: String,
    changes: usize,
    manifest: String,
}

impl Answer for RoleAnswer {
    fn text(&self) -> String {
        self.manifest.clone()
    }
}

impl RoleArgs {
    pub(super) async fn run(self, global: &Global, stop: &Stop) -> Result<Exit> {
        let subjects = self.subjects()?;
        let inline_policy = self.inline_policy.as_deref().map(read_policy).transpose()?;
        let name = self.role_name()?;
        let region = resolve::region(global).await?;
        let names = &self.issuer.names;
        let custom = self.issuer.custom(&region)?;
        let issuer = |account: &AccountId| match &custom {
            Some(issuer) => Ok(issuer.clone()),
            None => Ok(names.place(&region, Some(account))?.issuer),
        };
        if self.print_trust_policy {
            let account = resolve::account(global, names, &region).await?;
            let trust = self.trust(&issuer(&account)?, &account, &region, &subjects)?;
            let policy = trust
                .policy(None)
                .map_err(|e| Error::failed("cannot write the trust policy").because(e))?;
            output::print(&TrustAnswer(policy), global.output)?;
            return Ok(Exit::Done);
        }
        let change = &self.change;
        change.check()?;
        let session = Session::open(
            global,
            stop,
            &region,
            names.account_id.as_ref(),
            change.offline,
        )
        .await?;
        let issuer = issuer(&session.account)?;
        let role_arn = arn::role(&partition::of_region(&region)?, &session.account, &name);
        let role = Role {
            trust: self.trust(&issuer, &session.account, &region, &subjects)?,
            name,
            policy_arns: self.policy_arn.clone(),
            inline_policy,
            permissions_boundary: self.permissions_boundary.clone(),
            max_session: self.max_session_duration,
            tags: change.tags(names.cluster.as_deref()),
        };
        let manifest = self.manifest(&subjects, &role_arn, &region)?;
        let desired = Desired {
            issuer,
            publication: None,
            provider: None,
            role: Some(role),
            adopt: change.adopt,
        };
        let planned = session.plan(&desired).await?;
        if change.dry_run {
            return dry_run::run(global, &session, &desired, &planned, change, None);
        }
        let outcome = session
            .carry_out(&desired, planned, change, || Ok(()))
            .await?;
        let answer = RoleAnswer {
            role_arn,
            changes: outcome.changes,
            manifest,
        };
        output::print(&answer, global.output)?;
        Ok(Exit::Done)
    }

    /// The subjects; one with a wildcard is not a service account of its own.
    fn subjects(&self) -> Result<Vec<String>> {
        let cannot = |text: &str| {
            Error::usage(format!(
                "cannot trust service account '{}'",
                output::sanitized(text)
            ))
        };
        let subject = |text: &String| {
            // A pattern is checked with its stars replaced by a letter.
            let pattern = text.contains('*');
            if pattern && !self.allow_wildcard {
                return Err(cannot(text)
                    .because("a wildcard lets every service account that matches assume the role, also those of tomorrow")
                    .hint("name each one, or give --allow-wildcard"));
            }
            let checked: Subject = text
                .replace('*', "x")
                .parse()
                .map_err(|e| cannot(text).because(e))?;
            match (pattern, text.split_once('/')) {
                (false, _) => Ok(checked.to_string()),
                (true, Some((namespace, name))) => {
                    Ok(format!("system:serviceaccount:{namespace}:{name}"))
                }
                (true, None) => Ok(text.clone()),
            }
        };
        let subjects = self
            .service_account
            .iter()
            .map(subject)
            .collect::<Result<Vec<_>>>()?;
        if self.allow_wildcard && subjects.iter().any(|subject| subject.contains('*')) {
            output::say(
                "warning: every service account that matches can assume the role, also those of tomorrow",
            );
        }
        Ok(subjects)
    }

    fn role_name(&self) -> Result<String> {
        if let Some(name) = &self.name {
            return Ok(name.clone());
        }
        let first = self
            .service_account
            .first()
            .and_then(|text| text.parse::<Subject>().ok());
        match (&self.issuer.names.cluster, first) {
            (Some(cluster), Some(subject)) => {
                let (namespace, name) = subject.parts();
                Ok(default_name(cluster, namespace, name))
            }
            _ => Err(Error::usage("cannot name the role")
                .hint("give --name, or --cluster and a service account without a wildcard")),
        }
    }

    fn trust(
        &self,
        issuer: &Issuer,
        account: &AccountId,
        region: &str,
        subjects: &[String],
    ) -> Result<Trust> {
        Ok(Trust {
            provider_arn: arn::provider(
                &partition::of_region(region)?,
                account,
                issuer.host_path(),
            ),
            host_path: issuer.host_path().to_owned(),
            subjects: subjects.to_vec(),
            audience: self.audience.clone(),
            wildcard: subjects.iter().any(|subject| subject.contains('*')),
        })
    }

    /// A document for each service account that has a name.
    fn manifest(&self, subjects: &[String], role_arn: &str, region: &str) -> Result<String> {
        let binding = RoleBinding {
            role_arn,
            audience: &self.audience,
            region,
        };
        let named = subjects
            .iter()
            .filter_map(|subject| subject.parse::<Subject>().ok());
        let documents = named
            .map(|subject| match self.without_webhook {
                false => annotated(&subject, &binding),
                true => projected_volume(&subject, &binding),
            })
            .collect::<Result<Vec<_>>>()?;
        Ok(documents.join("---\n"))
    }
}

fn read_policy(path: &Path) -> Result<Value> {
    let cannot = || Error::failed(format!("cannot use {} as a policy", output::path(path)));
    let text = file::read_key(path)?;
    let policy: Value = serde_json::from_slice(&text).map_err(|e| cannot().because(e))?;
    match policy.get("Statement") {
        Some(_) => Ok(policy),
        None => Err(cannot().because("it has no Statement")),
    }
}

fn role_name(text: &str) -> std::result::Result<String, String> {
    let allowed = |b: u8| b.is_ascii_alphanumeric() || b"_+=,.@-".contains(&b);
    match (1..=64).contains(&text.len()) && text.bytes().all(allowed) {
        true => Ok(text.to_owned()),
        false => Err("a role name has 1 to 64 letters, digits and _ + = , . @ -".to_owned()),
    }
}

fn policy_arn(text: &str) -> std::result::Result<String, String> {
    match text.starts_with("arn:")
        && text.contains(":policy/")
        && text.bytes().all(|b| b.is_ascii_graphic())
    {
        true => Ok(text.to_owned()),
        false => Err(
            "it is the ARN of a managed policy, arn:PARTITION:iam::ACCOUNT:policy/NAME".to_owned(),
        ),
    }
}
