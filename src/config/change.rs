//! The options that every changing command has.

use std::path::PathBuf;

use clap::Args;

use crate::error::{Error, Result};
use crate::output;
use crate::plan::tags::{CLUSTER, MANAGED_BY, Tags, owner_tags, tag};

/// Options of every command that changes AWS.
#[derive(Args, Clone, Debug, Default)]
pub(crate) struct ChangeOptions {
    /// Print the plan and change nothing
    #[arg(short = 'n', long)]
    pub(crate) dry_run: bool,
    /// With --dry-run: make no call at all; plan as if nothing existed
    #[arg(long, requires = "dry_run")]
    pub(crate) offline: bool,
    /// With --dry-run: exit with 2 when changes are pending
    #[arg(long, requires = "dry_run")]
    pub(crate) detailed_exitcode: bool,
    /// With --dry-run: write every generated document into this directory
    #[arg(long, requires = "dry_run", value_name = "DIR")]
    pub(crate) documents: Option<PathBuf>,
    /// With --dry-run: save the plan for 'irsactl apply'; - for standard output
    #[arg(long, requires = "dry_run", value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
    /// Make the changes without asking
    #[arg(short, long, conflicts_with_all = ["dry_run", "offline", "detailed_exitcode", "documents", "out"])]
    pub(crate) yes: bool,
    /// Take over a bucket or provider that is not tagged as ours
    #[arg(long)]
    pub(crate) adopt: bool,
    /// A tag for the bucket and the provider; repeat it for several
    #[arg(long = "tag", value_name = "KEY=VALUE", value_parser = tag)]
    tags: Vec<(String, String)>,
    /// A name that must be typed in place of yes.
    #[arg(skip)]
    typed: Option<String>,
}

/// Who has agreed to the changes.
#[derive(Clone, Debug)]
pub(crate) enum Consent {
    /// The command line.
    Given,
    /// Nobody yet: yes or no.
    Ask,
    /// Nobody yet: the cluster's name is to be typed.
    Name(String),
}

impl ChangeOptions {
    /// The options of a command that takes away: `name` is typed when it was not given.
    pub(crate) fn of_removal(
        dry_run: bool,
        detailed_exitcode: bool,
        out: Option<PathBuf>,
        name: Option<String>,
    ) -> Self {
        Self {
            dry_run,
            offline: false,
            detailed_exitcode,
            documents: None,
            out,
            yes: name.is_none(),
            adopt: false,
            tags: Vec::new(),
            typed: name,
        }
    }

    /// The options of a command that only looks.
    pub(crate) fn of_look(offline: bool, tags: Vec<(String, String)>, adopt: bool) -> Self {
        Self {
            dry_run: true,
            offline,
            adopt,
            tags,
            ..Self::default()
        }
    }

    /// Whose consent the changes have.
    pub(crate) fn consent(&self) -> Consent {
        match (&self.typed, self.yes) {
            (Some(name), _) => Consent::Name(name.clone()),
            (None, true) => Consent::Given,
            (None, false) => Consent::Ask,
        }
    }

    /// Refuses what AWS would refuse at its end, and to start when nobody could consent.
    pub(crate) fn check(&self) -> Result<()> {
        self.check_tags()?;
        if self.offline && self.out.is_some() {
            return Err(Error::usage("cannot save an offline plan")
                .because("it has seen nothing of the account, so nobody could tell later whether something has changed")
                .hint("leave --offline away; --documents writes the plan and every document for review"));
        }
        match output::no_one_to_ask().filter(|_| !self.dry_run && !self.yes) {
            None => Ok(()),
            Some(reason) => Err(Error::usage(format!(
                "cannot ask whether to make changes: {reason}"
            ))
            .hint("run again with --yes, or with --dry-run to only look")),
        }
    }

    /// IAM compares tag keys without case and takes 50 tags; two of them are ours.
    fn check_tags(&self) -> Result<()> {
        let mut keys: Vec<String> = self
            .tags
            .iter()
            .map(|(key, _)| key.to_lowercase())
            .collect();
        keys.extend([MANAGED_BY.0.to_owned(), CLUSTER.to_owned()]);
        let count = keys.len();
        keys.sort();
        keys.dedup();
        let refused = || Error::usage("cannot use these tags");
        match (keys.len() < count, count > 50) {
            (true, _) => Err(refused().because(format!(
                "a key stands twice, or is {} or {CLUSTER}, which are set here; upper and lower case count as one",
                MANAGED_BY.0
            ))),
            (_, true) => Err(refused().because("IAM takes 50 tags, two of which are set here")),
            _ => Ok(()),
        }
    }

    /// The tags of every resource: the owner's mark and the user's own.
    pub(crate) fn tags(&self, cluster: Option<&str>) -> Tags {
        let mut tags: Tags = self.tags.iter().cloned().collect();
        tags.extend(owner_tags(cluster));
        tags
    }
}
