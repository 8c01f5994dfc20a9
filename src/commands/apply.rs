//! `apply`: the very plan that a dry run saved, or nothing.
//!
//! The plan's command runs as it would without a dry run, and plans anew. What it plans is compared with what
//! was saved before the first change: see [`crate::converge::saved_plan`].

use std::path::{Path, PathBuf};

use clap::Args;
use zeroize::Zeroizing;

use crate::cli::Cli;
use crate::config::Global;
use crate::config::parse::{Origin, Unparsed, parse};
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
    pub(crate) fn run(self, global: &Global) -> Result<Exit> {
        let saved = saved_plan::parse(&self.plan, &read(&self.plan)?)?;
        let again = format!(
            "a plan is for one run: plan again, or run '{}', which compares everything and goes on where this one stopped",
            saved_plan::command(&saved)
        );
        let cli = command(global, saved)?;
        crate::commands::run(cli).map_err(|error| match error.exit() {
            // The plan's options are not those of this command line.
            Exit::Usage => error.with_exit(Exit::Refused),
            _ if error.hint_text() == Some(AGAIN) => error.hint(again),
            _ => error,
        })
    }
}

/// The command of a plan, run as this one is.
fn command(global: &Global, saved: SavedPlan) -> Result<Cli> {
    if global.config.is_some() {
        return Err(Error::usage("cannot take a cluster file for a saved plan")
            .because("the plan says which cluster file it is of")
            .hint("leave --config away"));
    }
    let refused = || Error::refused("cannot apply this plan");
    let arguments = ["irsactl"].iter().map(ToString::to_string);
    // Only a command that changes something can be told to do it without asking.
    let consent = match saved.arguments.first().map(String::as_str) {
        Some("destroy") => None,
        _ => Some("--yes".to_owned()),
    };
    let arguments = arguments
        .chain(saved.arguments.iter().cloned())
        .chain(consent);
    let parsed = parse::<Cli>(arguments.map(Into::into).collect());
    let (cli, layers) = parsed.map_err(|unparsed| match unparsed {
        Unparsed::File(error) => error.with_exit(Exit::Refused),
        Unparsed::CommandLine(cause) => refused()
            .because(cause.to_string().lines().next().unwrap_or_default())
            .hint("plan again with this version"),
    })?;
    let written = saved.arguments.iter().map(String::as_str);
    if !layers
        .arguments(&saved_plan::OF_THE_RUN)
        .into_iter()
        .eq(written)
    {
        return Err(refused().because("its arguments are not written as they are saved"));
    }
    let own = |id| global.layers.origin(id) == Origin::Flag;
    let mut layers = layers;
    for id in ["region", "dir"] {
        if own(id) {
            // The command that comes next needs it too.
            layers.take_for_flag(id);
        }
    }
    let planned = cli.global;
    Ok(Cli {
        command: cli.command,
        global: Global {
            config: planned.config,
            region: match own("region") {
                true => global.region.clone(),
                false => planned.region,
            },
            dir: match own("dir") {
                true => global.dir.clone(),
                false => planned.dir,
            },
            layers,
            saved: Some(saved),
            ..global.clone()
        },
    })
}

fn read(path: &Path) -> Result<Zeroizing<Vec<u8>>> {
    if !input::is_standard_input(path) {
        return file::read_at_most(path, MAX);
    }
    let text = input::standard_input(MAX as u64 + 1)?;
    match text.len() > MAX {
        true => Err(Error::failed("cannot read standard input").because(format!(
            "it is larger than {} KiB, so it is not a saved plan",
            MAX / 1024
        ))),
        false => Ok(text),
    }
}
