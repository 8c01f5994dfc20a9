//! The way that `bootstrap`, `publish` and `provider` share: preflight, observe, diff, then print or
//! apply, then observe again and find nothing to do.

use std::cmp::Ordering;
use std::time::Instant;

use crate::aws::connect::{self, Aws};
use crate::aws::{apply, observe};
use crate::config::Global;
use crate::error::{Error, Exit, Result};
use crate::iam::arn::AccountId;
use crate::output::plan::{PlanAnswer, Target, headline};
use crate::output::{self, Answer};
use crate::plan::desired::Desired;
use crate::plan::diff::{self, Plan};
use crate::plan::observed::Observed;

use super::change_options::ChangeOptions;
use super::deadline::Deadline;
use super::read_back;

/// A run against one account: connected, or offline.
pub(super) struct Session<'d> {
    aws: Option<Aws>,
    /// The account of the credentials, or `--account-id` when offline.
    pub(super) account: AccountId,
    target: Target,
    deadline: &'d Deadline,
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

impl<'d> Session<'d> {
    /// Connects, and checks that the credentials are of the account and partition that are meant.
    pub(super) async fn open(
        global: &Global,
        deadline: &'d Deadline,
        region: &str,
        account: Option<&AccountId>,
        offline: bool,
    ) -> Result<Self> {
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
        let observed = if changes == 0 {
            output::say("no changes");
            for note in &plan.notes {
                output::say(format_args!("note: {}", output::sanitized(note)));
            }
            observed
        } else {
            output::say(self.answer(desired, &plan).text());
            if !options.yes {
                self.ask().await?;
            }
            self.apply(aws, &plan).await?;
            read_back::as_owner(self, desired, self.deadline).await?
        };
        if aws.s3_endpoint.is_none() {
            read_back::as_public(desired, &observed, self.deadline).await?;
        }
        Ok(Outcome { changes, observed })
    }

    /// The clock stands still meanwhile, and Ctrl-C works.
    async fn ask(&self) -> Result<()> {
        self.deadline.stop();
        let answer = tokio::task::spawn_blocking(|| output::confirm("make these changes?")).await;
        self.deadline.restart();
        match answer {
            Ok(Ok(true)) => Ok(()),
            Ok(Err(error)) => Err(error),
            _ => Err(Error::refused("not confirmed; nothing was changed")),
        }
    }

    async fn apply(&self, aws: &Aws, plan: &Plan) -> Result<()> {
        for (done, change) in plan.changes.iter().enumerate() {
            let start = Instant::now();
            let at = self.deadline.at();
            let outcome = tokio::time::timeout_at(at, apply::apply(aws, change, at)).await;
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
            for (index, change) in plan.changes.iter().enumerate() {
                let state = match index.cmp(&done) {
                    Ordering::Less => "done     ",
                    Ordering::Equal => "failed   ",
                    Ordering::Greater => "not tried",
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
}
