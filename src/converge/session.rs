//! The way that `bootstrap`, `publish` and `provider` share: preflight, observe, diff, then print or
//! apply, then observe again and find nothing to do.

use std::collections::BTreeMap;

use crate::aws::connect::Aws;
use crate::aws::{account, observe};
use crate::config::{Global, resolve};
use crate::converge::planned::Planned;
use crate::converge::stop::Stop;
use crate::error::{Error, Result};
use crate::iam::arn::AccountId;
use crate::output::Step;
use crate::output::plan::PlanAnswer;
use crate::output::target::Target;
use crate::plan::desired::Desired;
use crate::plan::diff::plan::Plan;
use crate::plan::observed::Observed;
use crate::plan::saved::{self, SavedPlan};

/// A run against one account: connected, or offline.
pub(crate) struct Session<'s> {
    pub(crate) aws: Option<Aws>,
    /// The account of the credentials, or `--account-id` when offline.
    pub(crate) account: AccountId,
    pub(crate) target: Target,
    /// The plan that is carried out, and no other.
    pub(crate) saved: Option<SavedPlan>,
    pub(crate) stop: &'s Stop,
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
            saved::check_place(saved, &identity.account, region, &aws.endpoints)?;
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
