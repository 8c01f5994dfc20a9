//! `role`: an IAM role that service accounts assume.

use std::path::{Path, PathBuf};

use clap::Args;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use crate::aws::partition;
use crate::config::change::ChangeOptions;
use crate::config::file::RoleSpec;
use crate::config::names::IssuerNames;
use crate::config::role::{AUDIENCE, WantedRole, of_file, policy_arn, role_name};
use crate::config::{Global, resolve};
use crate::converge::dry_run;
use crate::converge::session::Session;
use crate::converge::stop::Stop;
use crate::error::{Error, Exit, Result};
use crate::iam::arn::{self, AccountId};
use crate::oidc::issuer::Issuer;
use crate::output::{self, Answer};
use crate::plan::desired::Desired;
use crate::plan::document::json_text;
use crate::plan::tags::Tags;
use crate::system::file;

/// Options of `role`.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  irsactl role --service-account default/app --cluster demo --region us-west-2 --dry-run
  irsactl role --service-account default/app --cluster demo --region us-west-2 --yes \\
    --policy-arn arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess
  irsactl role --service-account default/app --cluster demo --region us-west-2 --print-trust-policy

Prints the ServiceAccount for the pod identity webhook, or with --without-webhook what a pod needs in \
its place. The trust policy has StringEquals on the subject and the audience; statements of an existing \
role that trust somebody else are kept.")]
pub struct RoleArgs {
    #[command(flatten)]
    issuer: IssuerNames,
    /// Who may assume the role; repeat it for several [default: all roles of the cluster file]
    #[arg(long, value_name = "NAMESPACE/NAME")]
    service_account: Vec<String>,
    /// Allow * in --service-account, which is compared with StringLike then
    #[arg(long, requires = "service_account")]
    allow_wildcard: bool,
    /// The role's name [default: CLUSTER-NAMESPACE-NAME of the first service account]
    #[arg(long, value_name = "NAME", value_parser = role_name, requires = "service_account")]
    name: Option<String>,
    /// A managed policy to attach; repeat it for several
    #[arg(long, value_name = "ARN", value_parser = policy_arn, requires = "service_account")]
    policy_arn: Vec<String>,
    /// A file with the role's own policy, as JSON
    #[arg(long, value_name = "FILE", requires = "service_account")]
    inline_policy: Option<PathBuf>,
    /// The permissions boundary
    #[arg(long, value_name = "ARN", value_parser = policy_arn, requires = "service_account")]
    permissions_boundary: Option<String>,
    /// The longest session, in seconds
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(i32).range(3600..=43_200))]
    #[arg(requires = "service_account")]
    max_session_duration: Option<i32>,
    /// The audience of the tokens
    #[arg(long, default_value = "sts.amazonaws.com", value_name = "AUDIENCE")]
    #[arg(requires = "service_account")]
    audience: String,
    /// Print the trust policy and do nothing; with --account-id no call is made
    #[arg(long, conflicts_with = "out")]
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
    fn is_document(&self) -> bool {
        true
    }

    fn text(&self) -> String {
        json_text(self)
    }
}

#[derive(Serialize, JsonSchema)]
pub(crate) struct RoleAnswer {
    role_arns: Vec<String>,
    changes: usize,
    manifest: String,
}

impl Answer for RoleAnswer {
    fn is_for_ci(&self) -> bool {
        true
    }

    fn text(&self) -> String {
        self.manifest.clone()
    }
}

impl RoleArgs {
    pub(crate) async fn run(self, global: &Global, stop: &Stop) -> Result<Exit> {
        let names = &self.issuer.names;
        let wanted = self.wanted(global)?;
        let region = resolve::region(global).await?;
        let custom = self.issuer.custom(&region)?;
        let issuer = |account: &AccountId| match &custom {
            Some(issuer) => Ok(issuer.clone()),
            None => Ok(names.place(&region, Some(account))?.issuer),
        };
        if self.print_trust_policy {
            let account = resolve::account(global, names, &region).await?;
            return print_trust(global, &wanted, &issuer(&account)?, &account, &region);
        }
        let change = &self.change;
        change.check()?;
        let account = names.account_id.as_ref();
        let session = Session::open(global, stop, &region, account, change.offline).await?;
        let issuer = issuer(&session.account)?;
        let account = &session.account;
        let tags = change.tags(names.cluster.as_deref());
        let desired = desired(&issuer, &wanted, account, &region, &tags, change.adopt)?;
        let mut planned = session.plan(&desired).await?;
        let provider = arn::provider(&partition::of_region(&region)?, account, issuer.host_path());
        if !session.has_provider(&provider).await? {
            let missing = format!("there is no OpenID Connect provider {provider} yet");
            if !change.dry_run {
                return Err(
                    Error::refused("cannot let a role trust an issuer that AWS does not know")
                        .because(missing)
                        .hint("run 'irsactl bootstrap' with the same names first, or 'irsactl provider' for another host"),
                );
            }
            planned.plan.notes.push(missing);
        }
        if change.dry_run {
            return dry_run::run(global, &session, &desired, &planned, change, None);
        }
        let (role_arns, manifest) = self.manifests(&wanted, account, &region)?;
        let outcome = session
            .carry_out(&desired, planned, change, async || Ok(0))
            .await?;
        let answer = RoleAnswer {
            role_arns,
            changes: outcome.changes,
            manifest,
        };
        outcome.then(output::print(&answer, global.output))?;
        Ok(Exit::Done)
    }

    /// The one role of the flags, or all of the cluster file's.
    fn wanted(&self, global: &Global) -> Result<Vec<WantedRole>> {
        let cluster = self.issuer.names.cluster.as_deref();
        if self.service_account.is_empty() {
            let roles = of_file(global, cluster)?;
            return if !roles.is_empty() {
                Ok(roles)
            } else {
                Err(Error::usage("cannot tell which role is meant")
                    .hint("give --service-account, or a cluster file with spec.roles as --config"))
            };
        }
        let spec = RoleSpec {
            name: self.name.clone(),
            service_accounts: self.service_account.clone(),
            allow_wildcard: self.allow_wildcard,
            policy_arns: self.policy_arn.clone(),
            inline_policy: self.inline_policy.as_deref().map(read_policy).transpose()?,
            permissions_boundary: self.permissions_boundary.clone(),
            max_session_duration: self.max_session_duration,
            audience: Some(self.audience.clone()),
        };
        Ok(vec![WantedRole::check(spec, cluster, AUDIENCE)?])
    }

    fn manifests(
        &self,
        wanted: &[WantedRole],
        account: &AccountId,
        region: &str,
    ) -> Result<(Vec<String>, String)> {
        let mut arns = Vec::new();
        let mut documents = Vec::new();
        for role in wanted {
            let arn = role.arn(account, region)?;
            documents.extend(role.manifests(&arn, region, self.without_webhook)?);
            arns.push(arn);
        }
        Ok((arns, documents.join("---\n")))
    }
}

pub(crate) fn desired(
    issuer: &Issuer,
    wanted: &[WantedRole],
    account: &AccountId,
    region: &str,
    tags: &Tags,
    adopt: bool,
) -> Result<Desired> {
    let roles = wanted
        .iter()
        .map(|role| role.role(issuer, account, region, tags.clone()));
    Ok(Desired {
        roles: roles.collect::<Result<_>>()?,
        adopt,
        ..Desired::of(issuer.clone())
    })
}

fn print_trust(
    global: &Global,
    wanted: &[WantedRole],
    issuer: &Issuer,
    account: &AccountId,
    region: &str,
) -> Result<Exit> {
    let policy = |role: &WantedRole| {
        let policy = role.trust(issuer, account, region)?.policy(None);
        policy.map_err(|e| Error::failed("cannot write the trust policy").because(e))
    };
    let answer = match wanted {
        [one] => policy(one)?,
        several => {
            let named = several
                .iter()
                .map(|role| Ok((role.name().to_owned(), policy(role)?)));
            Value::Object(named.collect::<Result<_>>()?)
        }
    };
    output::print(&TrustAnswer(answer), global.output)?;
    Ok(Exit::Done)
}

fn read_policy(path: &Path) -> Result<Value> {
    let text = file::read_key(path)?;
    serde_json::from_slice(&text).map_err(|cause| {
        Error::failed(format!("cannot use {} as a policy", output::path(path))).because(cause)
    })
}
