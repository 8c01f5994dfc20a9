//! The way that `bootstrap`, `publish` and `provider` share: preflight, observe, diff, then print or
//! apply, then observe again and find nothing to do.

pub(crate) mod changes;
pub(crate) mod neighbours;
pub(crate) mod precondition;

use std::collections::BTreeMap;

use crate::aws::connect::Aws;
use crate::aws::{account, observe};
use crate::commands::converge::neighbours::Neighbours;
use crate::commands::stop::Stop;
use crate::commands::{read_back, saved_plan};
use crate::config::change::{ChangeOptions, Consent};
use crate::config::issuer::ClusterIssuer;
use crate::config::{Global, resolve};
use crate::error::{Error, Result, after_changes};
use crate::iam::arn::AccountId;
use crate::output::plan::PlanAnswer;
use crate::output::target::Target;
use crate::output::{self, Answer, Section, Step};
use crate::plan::change::Change;
use crate::plan::desired::Desired;
use crate::plan::diff::{self, Plan};
use crate::plan::observed::{self, Object, Observed, Shown};
use crate::plan::saved::SavedPlan;

/// A run against one account: connected, or offline.
pub(crate) struct Session<'s> {
    aws: Option<Aws>,
    /// The account of the credentials, or `--account-id` when offline.
    pub(crate) account: AccountId,
    target: Target,
    /// The plan that is carried out, and no other.
    pub(crate) saved: Option<SavedPlan>,
    stop: &'s Stop,
}

/// What a plan was made of.
pub(crate) struct Planned {
    pub(crate) observed: Observed,
    pub(crate) plan: Plan,
}

impl Planned {
    /// Compares.
    pub(crate) fn new(desired: &Desired, observed: Observed) -> Result<Self> {
        let plan = diff::diff(desired, &observed)?;
        let writes = |change: &Change| matches!(change, Change::PutBucketPolicy { .. });
        if let Some(publication) = &desired.publication
            && observed.account_blocks_policies
            && plan.changes.iter().any(writes)
        {
            return Err(account::blocked(&publication.account, "BlockPublicPolicy"));
        }
        Ok(Self { observed, plan })
    }

    /// Adds what is done in a key store.
    pub(crate) fn with_store(mut self, store: Option<observed::KeyStore>) -> Self {
        if let Some(store) = &store {
            self.plan.notes.extend(store.notes.iter().cloned());
            self.plan.besides = store.changes;
        }
        self.observed.key_store = store;
        self
    }
}

/// What a run came to.
pub(crate) struct Outcome {
    /// How many changes were made.
    pub(crate) changes: usize,
    observed: Observed,
}

impl Outcome {
    /// The thumbprints that the provider has in the end.
    pub(crate) fn thumbprints(&self) -> Vec<String> {
        let provider = self.observed.provider.as_ref();
        provider
            .map(|provider| provider.thumbprints.clone())
            .unwrap_or_default()
    }

    /// The JWK Set as its owner sees it in the end.
    pub(crate) fn key_set(&self) -> Option<&Object> {
        let (_, object) = self.observed.key_set.as_ref()?;
        object.as_ref()
    }

    /// What went wrong afterwards, when something had been changed.
    pub(crate) fn then<T>(&self, result: Result<T>) -> Result<T> {
        result.map_err(|error| match self.changes {
            0 => error,
            _ => after_changes(error),
        })
    }
}

impl<'s> Session<'s> {
    /// Connects, and checks that the credentials are of the account and partition that are meant.
    pub(crate) async fn open(
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
            endpoints: BTreeMap::new(),
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
                saved: None,
                stop,
            });
        }
        let partition = crate::aws::partition::of_region(region)?;
        let aws = resolve::aws(global, region).await?;
        let identity = {
            let _step = Step::start("asking AWS whose credentials these are");
            aws.identity().await?
        };
        if let Some(account) = account {
            resolve::same_account(&identity, account.as_str())?;
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
        if let Some(saved) = &global.saved {
            saved_plan::check_place(saved, &identity.account, region, &aws.endpoints)?;
        }
        let target = Target {
            caller: Some(identity.arn),
            endpoints: aws.endpoints.clone(),
            ..target(&identity.account)
        };
        Ok(Self {
            aws: Some(aws),
            account: identity.account,
            target,
            saved: global.saved.clone(),
            stop,
        })
    }

    /// Observes and compares.
    pub(crate) async fn plan(&self, desired: &Desired) -> Result<Planned> {
        Planned::new(desired, self.observe(desired).await?)
    }

    /// Observes what `desired` names, whatever it is to be like. The account's own public access block
    /// is looked at beside a bucket.
    pub(crate) async fn observe(&self, desired: &Desired) -> Result<Observed> {
        let Some(aws) = &self.aws else {
            return Ok(Observed::default());
        };
        let _step = Step::start("reading what is there");
        let block = async {
            match &desired.publication {
                Some(publication) => account::check_block(aws, &publication.account).await,
                None => Ok(false),
            }
        };
        let (blocks, mut observed) = tokio::try_join!(block, observe::observe(aws, desired))?;
        observed.account_blocks_policies = blocks;
        Ok(observed)
    }

    /// The plan as an answer.
    pub(crate) fn answer(&self, desired: &Desired, plan: &Plan) -> PlanAnswer {
        PlanAnswer::new(desired, self.target.clone(), plan)
    }

    /// Asks, makes the changes, and reads everything back. `before`, what must come first in any case, returns
    /// how many changes it made itself.
    pub(crate) async fn carry_out(
        &self,
        desired: &Desired,
        planned: Planned,
        options: &ChangeOptions,
        before: impl AsyncFnOnce() -> Result<usize>,
    ) -> Result<Outcome> {
        saved_plan::check(self, desired, &planned)?;
        let Some(aws) = &self.aws else {
            return Ok(Outcome {
                changes: 0,
                observed: planned.observed,
            });
        };
        let is_settled = planned.plan.changes.is_empty() && planned.plan.besides == 0;
        let mut was_asked = false;
        if is_settled {
            output::say(self.answer(desired, &planned.plan).counts());
            for note in &planned.plan.notes {
                output::say(format_args!("note: {}", output::sanitized(note)));
            }
        } else {
            self.show(&self.answer(desired, &planned.plan));
            was_asked = self.consent(options).await?;
            if was_asked {
                self.check_unchanged(desired, &planned).await?;
            }
        }
        let Planned { plan, mut observed } = planned;
        let neighbours = Neighbours::look(aws, &plan).await?;
        self.stop.set_changing(true);
        let mut count = before().await?;
        if !plan.changes.is_empty() {
            changes::make(aws, &plan, self.stop)
                .await
                .map_err(|error| match count {
                    0 => error,
                    _ => after_changes(error),
                })?;
            count += plan.changes.len();
        }
        // It may have come during the last call.
        self.stop.check_signal()?;
        self.stop.set_changing(false);
        if !plan.changes.is_empty() {
            let read_back = read_back::as_owner(self, desired, &plan, self.stop).await;
            observed = read_back.map_err(after_changes)?;
        } else if was_asked || plan.besides > 0 {
            // What was shown before may be shown no more.
            observed.shown = Shown::default();
        }
        if let Some(neighbours) = &neighbours {
            let own = desired.object_keys();
            let check = neighbours.check(aws, &own).await;
            check.map_err(after_changes)?;
        }
        match (&aws.s3_endpoint, &desired.publication) {
            (_, None) => {}
            (Some(endpoint), Some(_)) => output::say(format_args!(
                "note: S3 is at {}, so nothing was read back from the issuer's own host",
                output::sanitized(endpoint)
            )),
            (None, Some(_)) => {
                let read_back = read_back::as_public(desired, &observed, self.stop).await;
                read_back.map_err(|error| match count {
                    0 => error,
                    _ => after_changes(error),
                })?;
            }
        }
        Ok(Outcome {
            changes: count,
            observed,
        })
    }

    /// Observes everything again, and refuses what is not as it was shown: a question may stand for an hour.
    async fn check_unchanged(&self, desired: &Desired, shown: &Planned) -> Result<()> {
        let store = shown.observed.key_store.clone();
        let now = self.plan(desired).await?.with_store(store);
        let differences = saved_plan::differences(self, desired, shown, &now);
        if differences.is_empty() {
            return Ok(());
        }
        let refused = Error::refused(
            "cannot make these changes: something has changed since they were shown",
        );
        Err(differences
            .into_iter()
            .fold(refused, Error::because)
            .hint("nothing was changed; run again: the plan is made anew"))
    }

    fn show(&self, answer: &PlanAnswer) {
        let _section = Section::start("plan", &answer.counts());
        output::say(answer.text());
    }

    /// Asks, unless the command line has agreed; says whether somebody was asked. The clock stands still
    /// meanwhile, and Ctrl-C works.
    async fn consent(&self, options: &ChangeOptions) -> Result<bool> {
        let asked = match &options.consent() {
            Consent::Given => return Ok(false),
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
            Ok(Ok(true)) => Ok(true),
            Ok(Err(error)) => Err(error),
            _ => Err(Error::refused("not confirmed; nothing was changed")),
        }
    }

    /// Whether S3 is not where the issuer's host is, so that the public cannot be asked.
    pub(crate) fn is_elsewhere(&self) -> bool {
        self.aws
            .as_ref()
            .is_some_and(|aws| aws.s3_endpoint.is_some())
    }

    /// The clients; none when offline.
    pub(crate) fn aws(&self) -> Option<&Aws> {
        self.aws.as_ref()
    }
}

/// What is there, and what has to change.
pub(crate) async fn plan_issuer(
    wanted: ClusterIssuer<'_>,
    session: &Session<'_>,
    region: &str,
) -> Result<(Desired, Planned)> {
    let (provider, change) = (&wanted.options.provider, wanted.change);
    let mut desired = wanted.desired(&session.account, region)?;
    let _step = Step::start("reading what is there");
    let shown = async {
        Ok(match change.dry_run || session.is_elsewhere() {
            true => Shown::default(),
            false => read_back::glance(&desired.issuer).await,
        })
    };
    // The plan needs the thumbprint, reading what is there does not.
    let read = async {
        let (thumbprint, observed) = tokio::join!(
            provider.thumbprint(desired.issuer.host(), change.offline),
            session.observe(&desired)
        );
        Ok((thumbprint?, observed?))
    };
    let ((thumbprint, mut observed), shown) = tokio::try_join!(read, shown)?;
    observed.shown = shown;
    desired.set_thumbprint(thumbprint);
    let planned = Planned::new(&desired, observed)?;
    Ok((desired, planned))
}
