//! The way that `bootstrap`, `publish` and `provider` share: preflight, observe, diff, then print or
//! apply, then observe again and find nothing to do.

use std::cmp::Ordering;
use std::time::Instant;

use crate::aws::connect::Aws;
use crate::aws::{apply, observe};
use crate::config::Global;
use crate::error::{Error, Exit, Result};
use crate::iam::arn::AccountId;
use crate::iam::bucket::BucketName;
use crate::output::plan::{PlanAnswer, Target, headline};
use crate::output::{self, Answer};
use crate::plan::change::Change;
use crate::plan::desired::Desired;
use crate::plan::diff::{self, Plan};
use crate::plan::observed::{Object, Observed};

use super::change_options::{ChangeOptions, Consent};
use super::read_back;
use super::resolve;
use super::stop::{AGAIN, Stop};

/// A run against one account: connected, or offline.
pub(super) struct Session<'s> {
    aws: Option<Aws>,
    /// The account of the credentials, or `--account-id` when offline.
    pub(super) account: AccountId,
    target: Target,
    stop: &'s Stop,
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

    /// The JWK Set as its owner sees it in the end.
    pub(super) fn key_set(&self) -> Option<&Object> {
        let (_, object) = self.observed.key_set.as_ref()?;
        object.as_ref()
    }

    /// What went wrong afterwards, when something had been changed.
    pub(super) fn then<T>(&self, result: Result<T>) -> Result<T> {
        result.map_err(|error| match self.changes {
            0 => error,
            _ => after_changes(error),
        })
    }
}

impl<'s> Session<'s> {
    /// Connects, and checks that the credentials are of the account and partition that are meant.
    pub(super) async fn open(
        global: &Global,
        stop: &'s Stop,
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
        if offline {
            let Some(account) = account else {
                return Err(Error::usage("cannot plan offline without the account")
                    .hint("give it with --account-id"));
            };
            return Ok(Self {
                aws: None,
                account: account.clone(),
                target: target(account),
                stop,
            });
        }
        let partition = crate::aws::partition::of_region(region)?;
        let aws = resolve::aws(global, region).await?;
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
            stop,
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
        PlanAnswer::new(desired, self.target.clone(), plan)
    }

    /// Asks, makes the changes, and reads everything back. `before`, what must come first in any case, returns
    /// how many changes it made itself.
    pub(super) async fn carry_out(
        &self,
        desired: &Desired,
        planned: Planned,
        options: &ChangeOptions,
        before: impl AsyncFnOnce() -> Result<usize>,
    ) -> Result<Outcome> {
        let Planned { plan, observed } = planned;
        let mut changes = plan.changes.len();
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
            self.stop.set_changing(true);
            changes = before().await?;
            self.stop.check_signal()?;
            self.stop.set_changing(false);
            observed
        } else {
            output::say(self.answer(desired, &plan).text());
            self.consent(options).await?;
            self.stop.set_changing(true);
            let made = before().await?;
            self.apply(aws, &plan).await.map_err(|error| match made {
                0 => error,
                _ => after_changes(error),
            })?;
            changes += made;
            // It may have come during the last call.
            self.stop.check_signal()?;
            self.stop.set_changing(false);
            let read_back = read_back::as_owner(self, desired, self.stop).await;
            read_back.map_err(after_changes)?
        };
        match (&aws.s3_endpoint, &desired.publication) {
            (_, None) => {}
            (Some(endpoint), Some(_)) => output::say(format_args!(
                "note: S3 is at {}, so nothing was read back from the issuer's own host",
                output::sanitized(endpoint)
            )),
            (None, Some(_)) => {
                let read_back = read_back::as_public(desired, &observed, self.stop).await;
                read_back.map_err(|error| match changes {
                    0 => error,
                    _ => after_changes(error),
                })?;
            }
        }
        Ok(Outcome { changes, observed })
    }

    /// The clock stands still meanwhile, and Ctrl-C works.
    pub(super) async fn consent(&self, options: &ChangeOptions) -> Result<()> {
        let asked = match &options.consent() {
            Consent::Given => return Ok(()),
            Consent::Ask => None,
            Consent::Name(name) => Some(name.clone()),
        };
        self.stop.stop_clock();
        let ask = move || match asked {
            None => output::confirm("make these changes?"),
            Some(name) => output::confirm_name("remove all this?", &name),
        };
        let answer = tokio::task::spawn_blocking(ask).await;
        self.stop.restart_clock();
        match answer {
            Ok(Ok(true)) => Ok(()),
            Ok(Err(error)) => Err(error),
            _ => Err(Error::refused("not confirmed; nothing was changed")),
        }
    }

    /// Whether S3 is not where the issuer's host is, so that the public cannot be asked.
    pub(super) fn is_elsewhere(&self) -> bool {
        self.aws
            .as_ref()
            .is_some_and(|aws| aws.s3_endpoint.is_some())
    }

    /// The clients; none when offline.
    pub(super) fn aws(&self) -> Option<&Aws> {
        self.aws.as_ref()
    }

    /// Whether the bucket is there; an error when it is not this account's.
    pub(super) async fn has_bucket(&self, bucket: &BucketName) -> Result<bool> {
        match &self.aws {
            Some(aws) => observe::bucket_exists(aws, bucket, &self.account).await,
            None => Ok(false),
        }
    }

    /// Whether the provider is there; offline, nobody can tell.
    pub(super) async fn has_provider(&self, arn: &str) -> Result<bool> {
        match &self.aws {
            Some(aws) => Ok(observe::provider(aws, arn).await?.is_some()),
            None => Ok(true),
        }
    }

    /// Refuses a bucket that is not there: whoever takes its name could sign tokens for a provider
    /// that trusts it.
    pub(super) async fn require_bucket(&self, bucket: &BucketName) -> Result<()> {
        let Some(aws) = &self.aws else { return Ok(()) };
        match observe::bucket_exists(aws, bucket, &self.account).await? {
            true => Ok(()),
            false => Err(Error::refused(format!("cannot let AWS trust bucket s3://{bucket}: it is not there"))
                .because("whoever creates it next could sign tokens that the provider accepts")
                .hint("publish first: 'irsactl publish' with the same names, or 'irsactl bootstrap' for both")),
        }
    }

    async fn apply(&self, aws: &Aws, plan: &Plan) -> Result<()> {
        for (done, change) in plan.changes.iter().enumerate() {
            let start = Instant::now();
            let error = match self.apply_one(aws, change).await {
                Ok(()) => {
                    let seconds = start.elapsed().as_secs_f64();
                    output::say(format_args!("{}  {seconds:.1} s", headline(change)));
                    continue;
                }
                Err(error) => error,
            };
            let failed = if is_signal(&error) {
                "not tried"
            } else {
                "failed   "
            };
            for (index, change) in plan.changes.iter().enumerate() {
                let state = match index.cmp(&done) {
                    Ordering::Less => "done     ",
                    Ordering::Equal => failed,
                    Ordering::Greater => "not tried",
                };
                output::say(format_args!("  {state}  {}", headline(change)));
            }
            return Err(if done == 0 {
                error
            } else {
                after_changes(error)
            });
        }
        Ok(())
    }

    async fn apply_one(&self, aws: &Aws, change: &Change) -> Result<()> {
        self.stop.check_signal()?;
        let waiting = |code: &str| {
            self.stop.check_signal()?;
            output::say(format_args!(
                "{}  AWS says {}: trying again",
                headline(change),
                output::sanitized(code)
            ));
            Ok(())
        };
        let deadline = self.stop.deadline();
        let applied = apply::apply(aws, change, deadline, waiting);
        tokio::time::timeout_at(deadline, applied)
            .await
            .unwrap_or_else(|_| {
                Err(Error::deadline(format!(
                    "cannot finish {}: the time is up",
                    change.resource()
                ))
                .hint(AGAIN))
            })
    }
}

fn is_signal(error: &Error) -> bool {
    matches!(error.exit(), Exit::Sigint | Exit::Sigterm)
}

/// An error after something was changed: what it was decides the exit code no more, unless it was
/// the time, a signal, or that AWS shows something else than was written.
pub(super) fn after_changes(error: Error) -> Error {
    match error.exit() {
        Exit::Deadline | Exit::Drift | Exit::Sigint | Exit::Sigterm => error,
        _ => error.with_exit(Exit::Interrupted),
    }
}
