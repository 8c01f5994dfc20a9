//! Flags and environment, resolved: which region, which bucket, which issuer.
//!
//! The option groups that several commands share live here, so that a name means the same thing
//! in every command.

pub(crate) mod adopt;
pub(crate) mod change;
pub mod deferred;
pub mod file;
pub(crate) mod issuer;
pub(crate) mod key_store;
pub(crate) mod names;
pub(crate) mod nodes;
pub mod parse;
pub(crate) mod provider;
pub(crate) mod publication;
pub(crate) mod resolve;
pub(crate) mod role;

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use clap::builder::FalseyValueParser;

use crate::config::parse::Layers;
use crate::output::Format;
use crate::plan::saved::SavedPlan;

/// Options of every command.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Global options")]
pub struct Global {
    /// The cluster file; flags win over what it says
    #[arg(long, global = true, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// AWS region of the bucket [default: AWS_REGION, or else the profile's]
    #[arg(long, global = true, value_name = "REGION")]
    pub region: Option<String>,
    /// AWS profile to take credentials and region from [default: the SDK's own chain]
    #[arg(long, global = true, value_name = "NAME")]
    pub profile: Option<String>,
    /// The issuer directory, which holds the key files
    #[arg(long, global = true, default_value = "issuer", value_name = "DIR")]
    pub dir: PathBuf,
    /// Form of the answer on stdout: text, json, yaml, markdown or env
    #[arg(
        short,
        long,
        global = true,
        default_value = "text",
        value_name = "FORMAT"
    )]
    #[arg(hide_possible_values = true)]
    pub output: Format,
    /// When to use colours: auto, always or never
    #[arg(
        long,
        global = true,
        default_value = "auto",
        value_name = "WHEN",
        hide_possible_values = true
    )]
    pub color: Color,
    /// For a CI job: no question, no colour unless --color always, nothing that moves; CI=true implies it
    #[arg(long, global = true, env = "CI", hide_env = true, value_parser = FalseyValueParser::new())]
    pub ci: bool,
    /// Say more on stderr (-v steps, -vv the SDK's decisions, -vvv its requests)
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub verbose: u8,
    /// Stop after this many seconds with exit code 124; time spent at a prompt is not counted
    #[arg(long, global = true, default_value = "300", value_name = "SECONDS", value_parser = seconds)]
    pub timeout: Duration,
    /// The cluster file, and where each value came from.
    #[arg(skip)]
    pub layers: Layers,
    /// The plan that is carried out, and no other.
    #[arg(skip)]
    pub saved: Option<SavedPlan>,
}

/// When to use colours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Color {
    /// On a terminal, unless NO_COLOR is set.
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

fn seconds(text: &str) -> std::result::Result<Duration, String> {
    match text.parse() {
        Ok(seconds @ 1..=86_400) => Ok(Duration::from_secs(seconds)),
        _ => Err("it is a whole number of seconds, from 1 to 86400".to_owned()),
    }
}
