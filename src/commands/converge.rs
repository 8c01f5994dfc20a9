//! The way that `bootstrap`, `publish` and `provider` share: preflight, observe, diff, then print or
//! apply, then observe again and find nothing to do.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use clap::Args;

use crate::aws::connect::{self, Aws};
use crate::aws::{apply, observe};
use crate::config::Global;
use crate::error::{Error, Exit, Result};
use crate::iam::arn::AccountId;
use crate::output::plan::{PlanAnswer, Target, headline};
use crate::output::{self, Answer};
use crate::plan::desired::{CLUSTER, Desired, MANAGED_BY, Tags};
use crate::plan::diff::{self, Plan};
use crate::plan::observed::Observed;
use crate::probe::document;

/// Options of every command that changes AWS.
#[derive(Args, Clone, Debug)]
pub(super) struct ChangeOptions {
    /// Print the plan and change nothing
    #[arg(short = 'n', long)]
    pub(super) dry_run: bool,
    /// With --dry-run: make no call at all; plan as if nothing existed
    #[arg(long, requires = "dry_run", requires = "account_id")]
    pub(super) offline: bool,
    /// With --dry-run: exit with 2 when changes are pending
    #[arg(long, requires = "dry_run")]
    pub(super) detailed_exitcode: bool,
    /// With --dry-run: write every generated document into this directory
    #[arg(long, requires = "dry_run", value_name = "DIR")]
    pub(super) documents: Option<PathBuf>,
    /// Make the changes without asking
    #[arg(short, long, conflicts_with = "dry_run")]
    yes: bool,
    /// Take over a bucket or provider that is not tagged as ours
    #[arg(long)]
    pub(super) adopt: bool,
    /// A tag for the bucket and the provider; repeat it for several
    #[arg(long = "tag", value_name = "KEY=VALUE", value_parser = tag)]
    tags: Vec<(String, String)>,
}

impl ChangeOptions {
    /// The tags of every resource: the owner's mark and the user's own.
    pub(super) fn tags(&self, cluster: Option<&str>) -> Tags {
        let (key, value) = MANAGED_BY;
        let mut tags: Tags = self.tags.iter().cloned().collect();
        tags.insert(key.to_owned(), value.to_owned());
        tags.extend(cluster.map(|cluster| (CLUSTER.to_owned(), cluster.to_owned())));
        tags
    }
}

/// A run against one account: connected, or offline.
pub(super) struct Session {
    aws: Option<Aws>,
    /// The account of the credentials, or `--account-id` when offline.
    pub(super) account: AccountId,
    target: Target,
    deadline: tokio::time::Instant,
}

/// What a plan was made of.
pub(super) struct Planned {
    pub(super) observed: Observed,
    pub(super) plan: Plan,
}

/// What a run came to.
pub(super) struct Outcome {
    /// How many changes were made.
    pub(super) changes: usize,
    observed: Observed,
}

impl Outcome {
    /// The thumbprints that the provider has in the end.
    pub(super) fn thumbprints(&self) -> Vec<String> {
        let provider = self.observed.provider.as_ref();
        provider
            .map(|provider| provider.thumbprints.clone())
            .unwrap_or_default()
    }
}

impl Session {
    /// Connects, and checks that the credentials are of the account and partition that are meant.
    pub(super) async fn open(
        global: &Global,
        region: &str,
        account: Option<&AccountId>,
        offline: bool,
    ) -> Result<Self> {
        let deadline = tokio::time::Instant::now() + global.timeout;
        let target = |account: &AccountId| Target {
            account: account.to_string(),
            region: region.to_owned(),
            caller: None,
            endpoint: None,
        };
        if let (true, Some(account)) = (offline, account) {
            return Ok(Self {
                aws: None,
                account: account.clone(),
                target: target(account),
                deadline,
            });
        }
        let partition = crate::aws::partition::of_region(region)?;
        let aws = connect::connect(region, global.profile.as_deref()).await;
        let identity = aws.identity().await?;
        if let Some(account) = account.filter(|account| **account != identity.account) {
            return Err(Error::refused(format!("cannot work in account {account}"))
                .because(format!(
                    "the credentials are of account {}: {}",
                    identity.account, identity.arn
                ))
                .hint(
                    "choose the profile of that account with --profile, or leave --account-id away",
                ));
        }
        if identity.partition != partition {
            return Err(Error::refused(format!(
                "cannot use region {region} with these credentials"
            ))
            .because(format!(
                "the region is in partition {partition}, the credentials in {}",
                identity.partition
            ))
            .hint("choose another --region or --profile"));
        }
        let target = Target {
            caller: Some(identity.arn),
            endpoint: aws.s3_endpoint.clone(),
            ..target(&identity.account)
        };
        Ok(Self {
            aws: Some(aws),
            account: identity.account,
            target,
            deadline,
        })
    }

    /// Observes and compares. The account's own public access block is looked at before a bucket.
    pub(super) async fn plan(&self, desired: &Desired) -> Result<Planned> {
        let observed = match &self.aws {
            None => Observed::default(),
            Some(aws) => {
                let account = async {
                    match &desired.publication {
                        Some(publication) => {
                            observe::check_account(aws, &publication.account).await
                        }
                        None => Ok(()),
                    }
                };
                let ((), observed) = tokio::try_join!(account, observe::observe(aws, desired))?;
                observed
            }
        };
        let plan = diff::diff(desired, &observed)?;
        Ok(Planned { observed, plan })
    }

    /// The plan as an answer.
    pub(super) fn answer(&self, desired: &Desired, plan: &Plan) -> PlanAnswer {
        PlanAnswer::new(&desired.issuer, self.target.clone(), plan)
    }

    /// Asks, makes the changes, and reads everything back.
    pub(super) async fn carry_out(
        &self,
        desired: &Desired,
        planned: Planned,
        options: &ChangeOptions,
    ) -> Result<Outcome> {
        let Planned { plan, observed } = planned;
        let changes = plan.changes.len();
        let Some(aws) = &self.aws else {
            return Ok(Outcome {
                changes: 0,
                observed,
            });
        };
        if changes == 0 {
            output::say("no changes");
            for note in &plan.notes {
                output::say(format_args!("note: {}", output::sanitized(note)));
            }
        } else {
            output::say(self.answer(desired, &plan).text());
            if !options.yes && !output::confirm("make these changes?")? {
                return Err(Error::refused("not confirmed; nothing was changed"));
            }
            self.apply(aws, &plan).await?;
        }
        let observed = self.read_back(aws, desired).await?;
        Ok(Outcome { changes, observed })
    }

    async fn apply(&self, aws: &Aws, plan: &Plan) -> Result<()> {
        for (done, change) in plan.changes.iter().enumerate() {
            let start = Instant::now();
            let outcome =
                tokio::time::timeout_at(self.deadline, apply::apply(aws, change, self.deadline))
                    .await;
            let error = match outcome {
                Ok(Ok(())) => {
                    output::say(format_args!(
                        "{}  {:.1} s",
                        headline(change),
                        start.elapsed().as_secs_f64()
                    ));
                    continue;
                }
                Ok(Err(error)) => error,
                Err(_) => Error::deadline(format!(
                    "cannot finish {}: the time is up",
                    change.resource()
                )),
            };
            let failed = done;
            for (index, change) in plan.changes.iter().enumerate() {
                let state = match index.cmp(&failed) {
                    std::cmp::Ordering::Less => "done     ",
                    std::cmp::Ordering::Equal => "failed   ",
                    std::cmp::Ordering::Greater => "not tried",
                };
                output::say(format_args!("  {state}  {}", headline(change)));
            }
            return Err(match (done, error.exit()) {
                (0, _) | (_, Exit::Deadline) => error,
                _ => error.with_exit(Exit::Interrupted),
            });
        }
        Ok(())
    }

    /// Reads everything again until nothing has to change: AWS may take a while to agree with
    /// itself. Then reads the documents as the public does.
    async fn read_back(&self, aws: &Aws, desired: &Desired) -> Result<Observed> {
        let mut pause = Duration::from_millis(250);
        loop {
            let Planned { observed, plan } = self.plan(desired).await?;
            let Some(change) = plan.changes.first() else {
                self.read_back_as_public(aws, desired, &observed).await?;
                return Ok(observed);
            };
            if tokio::time::Instant::now() + pause >= self.deadline {
                return Err(Error::failed(format!("{} is not as it was written", change.resource()))
                    .because("it was written, and reading it again shows something else")
                    .hint("something else may be changing it; run again with --dry-run to see the difference")
                    .with_exit(Exit::Drift));
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(Duration::from_secs(8));
        }
    }

    async fn read_back_as_public(
        &self,
        aws: &Aws,
        desired: &Desired,
        observed: &Observed,
    ) -> Result<()> {
        let (Some(_), Some(bucket)) = (&desired.publication, &observed.bucket) else {
            return Ok(());
        };
        if let Some(endpoint) = &aws.s3_endpoint {
            output::say(format_args!(
                "note: S3 is at {}, so the issuer's own URLs were not read back",
                output::sanitized(endpoint)
            ));
            return Ok(());
        }
        let issuer = &desired.issuer;
        for (url, object) in [
            (issuer.jwks_uri(), &bucket.jwks),
            (issuer.discovery_url(), &bucket.discovery),
        ] {
            let expected = object.as_ref().map_or(&[][..], |object| &object.body);
            self.await_public(&url, expected).await?;
        }
        Ok(())
    }

    /// Waits for a bucket policy to take effect: S3 answers 403 until then.
    async fn await_public(&self, url: &str, expected: &[u8]) -> Result<()> {
        let parsed = url::Url::parse(url)
            .map_err(|e| Error::failed(format!("cannot fetch {url}")).because(e))?;
        let mut pause = Duration::from_millis(250);
        loop {
            let seen = match document::fetch(&parsed).await? {
                answer if answer.status == 200 && answer.body == expected => return Ok(()),
                answer if answer.status == 200 => "other bytes than were written".to_owned(),
                answer => format!("HTTP status {}", answer.status),
            };
            if tokio::time::Instant::now() + pause >= self.deadline {
                return Err(Error::failed(format!("cannot read {url} as the public"))
                    .because(format!("the answer to an anonymous GET is {seen}"))
                    .hint("STS reads it the same way; look for a denying statement in the bucket policy, or run again")
                    .with_exit(Exit::Drift));
            }
            tracing::info!(url, seen, "not public yet");
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(Duration::from_secs(8));
        }
    }
}

fn tag(text: &str) -> std::result::Result<(String, String), String> {
    // The intersection of what S3 and IAM take: letters, digits, spaces and + - = . _ : / @
    let allowed = |c: char| c.is_alphanumeric() || " +-=._:/@".contains(c);
    match text.split_once('=') {
        Some((key, value))
            if !key.is_empty()
                && key.len() <= 128
                && value.len() <= 256
                && !key.to_ascii_lowercase().starts_with("aws:")
                && text.chars().all(allowed) =>
        {
            Ok((key.to_owned(), value.to_owned()))
        }
        _ => Err("a tag is KEY=VALUE with letters, digits, spaces and + - = . _ : / @, and no aws: in front".to_owned()),
    }
}
