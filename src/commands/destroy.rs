//! `destroy`: an issuer and what belongs to it, taken away in the safe order.

use std::path::PathBuf;

use clap::Args;
use schemars::JsonSchema;
use serde::Serialize;

use crate::aws::partition;
use crate::config::change::ChangeOptions;
use crate::config::key_store::KeyStoreOptions;
use crate::config::names::Names;
use crate::config::{Global, resolve};
use crate::converge::dry_run;
use crate::converge::session::Session;
use crate::converge::stop::Stop;
use crate::error::{Error, Exit, Result};
use crate::iam::{arn, policy};
use crate::keys::pair::KeyPair;
use crate::keys::store::Store;
use crate::oidc::issuer::Issuer;
use crate::output::{self, Answer};
use crate::plan::desired::Desired;
use crate::plan::document::object_keys;
use crate::plan::removal::{BucketEnd, Teardown};

/// Options of `destroy`.
#[derive(Args, Debug)]
#[command(mut_arg("cluster", |arg| arg.required(true)))]
#[command(after_help = "\
Examples:
  irsactl destroy --cluster demo --region us-west-2 --dry-run
  irsactl destroy --cluster demo --region us-west-2 --roles --confirm demo

Roles, then the provider, confirmed to be gone, then both documents with all their versions. The bucket \
is kept, empty, unless --delete-bucket: whoever takes a free name takes the issuer. Refuses while roles \
that are not ours trust the provider. The key files stay, and so does a key in a key store.")]
pub struct Destroy {
    #[command(flatten)]
    names: Names,
    #[command(flatten)]
    key_store: KeyStoreOptions,
    /// Remove the roles of ours that trust the issuer
    #[arg(long)]
    roles: bool,
    /// Delete the bucket too, which must hold nothing else
    #[arg(long)]
    delete_bucket: bool,
    /// Delete a bucket whose name anybody can take then
    #[arg(long, requires = "delete_bucket")]
    i_understand_takeover: bool,
    /// The name of the cluster once more, in place of typing it
    #[arg(long, value_name = "NAME", conflicts_with_all = ["dry_run", "detailed_exitcode", "out"])]
    confirm: Option<String>,
    /// Print the plan and change nothing
    #[arg(short = 'n', long)]
    dry_run: bool,
    /// With --dry-run: exit with 2 when changes are pending
    #[arg(long, requires = "dry_run")]
    detailed_exitcode: bool,
    /// With --dry-run: save the plan for 'irsactl apply'; - for standard output
    #[arg(long, requires = "dry_run", value_name = "FILE")]
    out: Option<PathBuf>,
}

#[derive(Serialize, JsonSchema)]
pub(crate) struct DestroyAnswer {
    issuer: Issuer,
    bucket: BucketEnd,
    changes: usize,
}

impl Answer for DestroyAnswer {
    fn is_for_ci(&self) -> bool {
        true
    }

    fn text(&self) -> String {
        let Self { issuer, .. } = self;
        match (self.bucket, self.changes) {
            (BucketEnd::Absent, 0) => format!("nothing of {issuer} is there\n"),
            (BucketEnd::Absent | BucketEnd::Deleted, _) => format!("{issuer} is gone\n"),
            (BucketEnd::Kept, _) => format!("{issuer} is gone; its bucket is kept, empty of it\n"),
            (BucketEnd::Foreign, _) => format!(
                "{issuer} is gone from this account; the bucket of its name is not this account's, and was left alone\n"
            ),
            (BucketEnd::NotOurs, _) => format!(
                "{issuer} has no provider and no role here any more; its bucket is not tagged as ours, and its documents are still there\n"
            ),
        }
    }
}

impl Destroy {
    pub(crate) async fn run(self, global: &Global, stop: &Stop) -> Result<Exit> {
        let options = self.options(global.saved.is_some())?;
        let region = resolve::region(global).await?;
        self.names.check(&region)?;
        let account = self.names.account_id.as_ref();
        let session = Session::open(global, stop, &region, account, false).await?;
        let place = self.names.place(&region, Some(&session.account))?;
        if self.delete_bucket && !place.bucket.is_account_regional() && !self.i_understand_takeover
        {
            return Err(Error::refused(format!("cannot delete bucket s3://{}", place.bucket))
                .because("its name is a global one: whoever takes it can publish keys under the issuer, and sign tokens for every provider that still trusts it, in whatever account")
                .hint("leave --delete-bucket away; or look for such providers ('irsactl verify --dangling' in each account) and give --i-understand-takeover"));
        }
        let cluster = self.names.cluster.as_deref();
        // The key is not needed here: where it cannot be read, that is no more than said.
        let (store, unread) =
            match Store::open(&self.key_store, cluster, session.aws(), false).await {
                Ok(store) => (store, None),
                Err(error) => (None, Some(error)),
            };
        let stored = store.as_ref().and_then(Store::current);
        let partition = partition::of_region(&region)?;
        let object_keys = object_keys(place.prefix.as_deref());
        let desired = Desired {
            teardown: Some(Teardown {
                provider_arn: arn::provider(&partition, &session.account, place.issuer.host_path()),
                cluster: self.names.cluster.clone(),
                with_roles: self.roles,
                account: session.account.clone(),
                object_keys,
                statement_id: policy::statement_id(place.prefix.as_deref()),
                with_bucket: self.delete_bucket,
                own_kid: match stored {
                    Some(stored) => Some(stored.kid.clone()),
                    None => KeyPair::own_kid(&global.dir)?,
                },
                bucket_is_derived: self.names.bucket.is_none(),
                bucket: place.bucket,
            }),
            ..Desired::of(place.issuer.clone())
        };
        let mut planned = session.plan(&desired).await?;
        let kept = store.iter().flat_map(|store| store.left(&desired.issuer));
        let unread =
            unread.map(|error| format!("the key store was not looked at: {}", error.in_short()));
        planned.plan.notes.extend(kept.chain(unread));
        if self.dry_run {
            return dry_run::run(global, &session, &desired, &planned, &options, None);
        }
        let remains = planned.observed.remains.as_ref();
        let ends = remains.zip(desired.teardown.as_ref());
        let bucket = ends.map_or(BucketEnd::Absent, |(remains, teardown)| {
            remains.bucket_end(teardown)
        });
        let outcome = session
            .carry_out(&desired, planned, &options, async || Ok(0))
            .await?;
        let answer = DestroyAnswer {
            issuer: place.issuer,
            bucket,
            changes: outcome.changes,
        };
        outcome.then(output::print(&answer, global.output))?;
        Ok(Exit::Done)
    }

    /// Consent is the cluster's name, given or typed, or a plan that was saved.
    fn options(&self, is_saved: bool) -> Result<ChangeOptions> {
        let cluster = self.names.cluster.clone().unwrap_or_default();
        let typed = match &self.confirm {
            _ if is_saved => None,
            Some(name) if *name == cluster => None,
            Some(name) => {
                return Err(
                    Error::usage("cannot take this for consent").because(format!(
                        "--confirm says '{name}', and the cluster is '{cluster}'"
                    )),
                );
            }
            None => Some(cluster),
        };
        let must_ask = typed.is_some() && !self.dry_run;
        if let Some(reason) = output::no_one_to_ask().filter(|_| must_ask) {
            return Err(
                Error::usage(format!("cannot ask whether to remove all this: {reason}"))
                    .hint("give the cluster's name with --confirm, or --dry-run to only look"),
            );
        }
        let (dry_run, detailed) = (self.dry_run, self.detailed_exitcode);
        let out = self.out.clone();
        Ok(ChangeOptions::of_removal(dry_run, detailed, out, typed))
    }
}
