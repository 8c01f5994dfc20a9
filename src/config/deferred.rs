//! The options of a subcommand, which are not built while another one runs: half of the time of a short run
//! went into the tree of all commands.

use clap::error::Error;
use clap::{ArgMatches, Args, Command, FromArgMatches};

use crate::output::program;

/// The parsed options of a subcommand.
#[derive(Debug)]
pub struct Deferred<T>(pub T);

impl<T: Args> Args for Deferred<T> {
    fn augment_args(command: Command) -> Command {
        command.defer(|command| {
            // What the list of commands says of it, not what the type does.
            let about = command.get_about().cloned().unwrap_or_default();
            program::examples_first(T::augment_args(command)).about(about)
        })
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl<T: FromArgMatches> FromArgMatches for Deferred<T> {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, Error> {
        T::from_arg_matches(matches).map(Self)
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), Error> {
        self.0.update_from_arg_matches(matches)
    }
}
