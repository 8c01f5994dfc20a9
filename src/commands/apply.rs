//! `apply`: the very plan that a dry run saved, or nothing.
//!
//! The plan's command runs as it would without a dry run, and plans anew. What it plans is compared with what
//! was saved before the first change: see [`crate::converge::saved_plan`].

use std::path::{Path, PathBuf};

use clap::Args;
use zeroize::Zeroizing;

use crate::converge::saved_plan;
use crate::converge::stop::AGAIN;
use crate::error::{Error, Exit, Result};
use crate::plan::saved::{MAX, SavedPlan};
use crate::system::{file, input};

/// Options of `apply`.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  irsactl bootstrap --cluster demo --region us-west-2 --dry-run --out plan.json
  irsactl apply plan.json

Saved by --dry-run --out of bootstrap, publish, provider, role, rotate and destroy. The saved plan is the \
consent: nothing is asked. It is carried out only where it was made for (account, region, endpoints), by \
the same version, with the same key, and while everything that it looked at is as it was; else nothing is \
changed, and the exit code is 4. Paths in it, such as --dir and --config, are those of the working \
directory here; --dir and --region can be given anew. It needs the permissions of its command: irsactl \
policy.")]
pub struct Apply {
    /// The plan that a dry run saved with --out; - for standard input
    #[arg(value_name = "FILE")]
    plan: PathBuf,
}

impl Apply {
    /// The plan that was saved.
    pub(crate) fn saved(self) -> Result<SavedPlan> {
        saved_plan::parse(&self.plan, &read(&self.plan)?)
    }
}

/// What is said when the plan's command has refused.
pub(crate) fn refused(error: Error, saved: &SavedPlan) -> Error {
    match error.exit() {
        // The plan's options are not those of this command line.
        Exit::Usage => error.with_exit(Exit::Refused),
        _ if error.hint_text() == Some(AGAIN) => error.hint(format!(
            "a plan is for one run: plan again, or run '{}', which compares everything and goes on where this one stopped",
            saved_plan::command(saved)
        )),
        _ => error,
    }
}

fn read(path: &Path) -> Result<Zeroizing<Vec<u8>>> {
    if !input::is_standard_input(path) {
        return file::read_own(path, MAX);
    }
    let text = input::standard_input(MAX as u64 + 1)?;
    if text.len() > MAX {
        Err(Error::failed("cannot read standard input").because(format!(
            "it is larger than {} KiB, so it is not a saved plan",
            MAX / 1024
        )))
    } else {
        Ok(text)
    }
}
