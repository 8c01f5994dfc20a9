//! The command line over the cluster file over the built-in defaults, and which of them each value
//! came from.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::fmt;
use std::path::{Path, PathBuf};

use clap::error::{ContextKind, ContextValue};
use clap::parser::ValueSource;
use clap::{Arg, ArgAction, ArgMatches, Command, CommandFactory, FromArgMatches};

use crate::config::file::{ClusterFile, Setting};
use crate::error::Error;
use crate::output::program;

/// Where a value came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// A flag.
    Flag,
    /// A field of the cluster file.
    File(&'static str),
    /// An environment variable.
    Variable(&'static str),
    /// The profile of the AWS configuration.
    Profile,
    /// What is used when nobody says anything.
    Default,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Flag => f.write_str("flag"),
            Self::File(field) => write!(f, "file {field}"),
            Self::Variable(name) => write!(f, "environment {name}"),
            Self::Profile => f.write_str("AWS profile"),
            Self::Default => f.write_str("default"),
        }
    }
}

/// The cluster file, if there is one, and the origin of each value of the command line.
#[derive(Clone, Debug, Default)]
pub struct Layers {
    /// The file of `--config`.
    pub file: Option<ClusterFile>,
    origins: BTreeMap<String, Origin>,
    given: Vec<Given>,
}

/// A subcommand, or an option with its value.
#[derive(Clone, Debug)]
struct Given {
    /// clap's id; none of a subcommand.
    id: Option<String>,
    argument: OsString,
}

impl Layers {
    /// Where the value of an option came from, by clap's id.
    pub fn origin(&self, id: &str) -> Origin {
        self.origins.get(id).cloned().unwrap_or(Origin::Default)
    }

    /// Takes a value for one of the command line, since another command line had it.
    pub fn take_for_flag(&mut self, id: &str) {
        self.origins.insert(id.to_owned(), Origin::Flag);
    }

    /// The command line in one form and one order: subcommands, then options. Those with the ids of
    /// `without` are left out.
    pub fn arguments(&self, without: &[&str]) -> Vec<OsString> {
        let is_wanted = |id: &String| !without.contains(&id.as_str());
        let given = self.given.iter();
        given
            .filter(|given| given.id.as_ref().is_none_or(is_wanted))
            .map(|given| given.argument.clone())
            .collect()
    }
}

/// Why there is nothing to run.
#[derive(Debug)]
pub enum Unparsed {
    /// Help was asked for, or the command line is wrong.
    CommandLine(clap::Error),
    /// The cluster file, or a value of it, is wrong.
    File(Error),
}

/// Parses the command line; what the cluster file says takes the place of defaults.
pub fn parse<P>(arguments: Vec<OsString>) -> std::result::Result<(P, Layers), Unparsed>
where
    P: CommandFactory + FromArgMatches,
{
    let file = match config_option(&arguments) {
        Some(path) => Some(ClusterFile::read(Path::new(&path)).map_err(Unparsed::File)?),
        None => None,
    };
    let settings = file.as_ref().map(ClusterFile::settings).unwrap_or_default();
    let mut command = program::name(P::command());
    if !settings.is_empty() {
        command.build();
        command = with_defaults(command, &settings);
    }
    let matches = command
        .try_get_matches_from_mut(arguments)
        .map_err(|error| blame(error, file.as_ref(), &settings))?;
    if found_option(&matches) != file.as_ref().map(|file| &file.path) {
        let what = "cannot tell which cluster file is meant";
        return Err(Unparsed::File(Error::usage(what).hint("give one --config")));
    }
    let parsed = P::from_arg_matches(&matches).map_err(Unparsed::CommandLine)?;
    let origins = origins(&matches, &settings);
    let layers = Layers {
        file,
        origins,
        given: given(&command, &matches),
    };
    Ok((parsed, layers))
}

/// The value of `--config`, which must be known before the rest can be parsed. What clap then finds must
/// be the same: see [`parse`].
fn config_option(arguments: &[OsString]) -> Option<OsString> {
    let mut found = None;
    let mut arguments = arguments
        .iter()
        .skip(1)
        .take_while(|argument| *argument != "--");
    while let Some(argument) = arguments.next() {
        if argument == "--config" {
            found = arguments.next().cloned();
        } else if let Some(value) = argument
            .to_str()
            .and_then(|text| text.strip_prefix("--config="))
        {
            found = Some(OsString::from(value));
        }
    }
    found
}

/// The value that clap found, on whichever level it stood.
fn found_option(matches: &ArgMatches) -> Option<&PathBuf> {
    let below = matches
        .subcommand()
        .and_then(|(_, below)| found_option(below));
    below.or_else(|| matches.try_get_one("config").ok().flatten())
}

fn with_defaults(command: Command, settings: &[Setting]) -> Command {
    let command =
        command.mut_args(
            |arg| match settings.iter().find(|setting| arg.get_id() == setting.id) {
                Some(setting) => with_default(arg, &setting.values),
                None => arg,
            },
        );
    command.mut_subcommands(|command| with_defaults(command, settings))
}

fn with_default(arg: Arg, values: &[String]) -> Arg {
    let values = match arg.get_action() {
        ArgAction::Append => values,
        _ => &values[..1],
    };
    arg.required(false).default_values(values.to_vec())
}

/// clap blames the flag; when the value is the file's, the file must be named.
fn blame(error: clap::Error, file: Option<&ClusterFile>, settings: &[Setting]) -> Unparsed {
    let text = |kind| match error.get(kind) {
        Some(ContextValue::String(text)) => Some(text.as_str()),
        _ => None,
    };
    let (argument, value) = (
        text(ContextKind::InvalidArg).unwrap_or_default(),
        text(ContextKind::InvalidValue).unwrap_or_default(),
    );
    let flag = |setting: &&Setting| {
        let name = setting.id.trim_end_matches('s').replace('_', "-");
        argument.split(' ').next() == Some(&format!("--{name}"))
    };
    let setting = settings.iter().find(flag);
    match (file, setting) {
        (Some(file), Some(setting)) if setting.values.iter().any(|one| one == value) => {
            let path = file.path.display();
            let cause = std::error::Error::source(&error).map(ToString::to_string);
            let what = format!("cannot use '{value}' as {} of {path}", setting.field);
            let cause = cause.or_else(|| match error.get(ContextKind::ValidValue) {
                Some(ContextValue::Strings(values)) if !values.is_empty() => {
                    Some(format!("it can be: {}", values.join(", ")))
                }
                _ => None,
            });
            let cause = cause.unwrap_or_else(|| "it must not be empty".to_owned());
            Unparsed::File(Error::usage(what).because(cause))
        }
        _ => Unparsed::CommandLine(error),
    }
}

fn origins(matches: &ArgMatches, settings: &[Setting]) -> BTreeMap<String, Origin> {
    let mut origins = BTreeMap::new();
    let mut level = Some(matches);
    while let Some(matches) = level {
        for id in matches.ids() {
            let origin = match matches.value_source(id.as_str()) {
                Some(ValueSource::CommandLine) => Origin::Flag,
                _ => settings
                    .iter()
                    .find(|setting| id == setting.id)
                    .map_or(Origin::Default, |setting| Origin::File(setting.field)),
            };
            origins.insert(id.to_string(), origin);
        }
        level = matches.subcommand().map(|(_, matches)| matches);
    }
    origins
}

/// What was given on the command line itself.
fn given(command: &Command, matches: &ArgMatches) -> Vec<Given> {
    if let Some((name, below)) = matches.subcommand() {
        // Global options are on every level, and so on the last one.
        let mut all = vec![Given {
            id: None,
            argument: name.into(),
        }];
        let command = command.find_subcommand(name);
        all.extend(
            command
                .map(|command| given(command, below))
                .unwrap_or_default(),
        );
        return all;
    }
    let is_given =
        |arg: &&Arg| matches.value_source(arg.get_id().as_str()) == Some(ValueSource::CommandLine);
    let mut all = Vec::new();
    for arg in command.get_arguments().filter(is_given) {
        let option = arg
            .get_long()
            .map(|name| OsString::from(format!("--{name}")));
        let values = matches.get_raw(arg.get_id().as_str());
        let arguments = match (option, arg.get_action().takes_values()) {
            (Some(option), false) => vec![option],
            (option, _) => values
                .into_iter()
                .flatten()
                .map(|value| joined(option.as_ref(), value))
                .collect(),
        };
        all.extend(arguments.into_iter().map(|argument| Given {
            id: Some(arg.get_id().to_string()),
            argument,
        }));
    }
    all
}

fn joined(option: Option<&OsString>, value: &OsStr) -> OsString {
    let Some(option) = option else {
        return value.to_owned();
    };
    let mut argument = option.clone();
    argument.push("=");
    argument.push(value);
    argument
}
