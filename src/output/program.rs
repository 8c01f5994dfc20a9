//! What a person types to start this program.

use std::ffi::OsStr;
use std::path::Path;

use clap::Command;

const NAME: &str = "irsactl ";

/// The words that kubectl takes, when it started this program as its plugin: it has looked for the file
/// kubectl-irsa_issuer then (Kubernetes, "Extend kubectl with plugins": dashes of a name are underscores of its file).
fn plugin() -> Option<String> {
    let path = std::env::args_os().next()?;
    let file = Path::new(&path).file_name().and_then(OsStr::to_str)?;
    let words = file.strip_prefix("kubectl-")?;
    Some(format!(
        "kubectl {} ",
        words.replace('-', " ").replace('_', "-")
    ))
}

/// A text for people, with the commands in it as they are to be typed.
pub fn named(text: &str) -> String {
    match plugin() {
        Some(plugin) => text.replace(NAME, &plugin),
        None => text.to_owned(),
    }
}

/// The examples, which readers look for, before the options.
const HELP: &str = "{about}{after-help}\n\n{usage-heading} {usage}\n\n{all-args}";

/// The command line as its help names it, with its examples.
pub fn name(command: Command) -> Command {
    let command = command.help_template(HELP);
    match plugin() {
        Some(plugin) => {
            let mut command = command.bin_name(plugin.trim_end());
            command.build();
            with_examples(command)
        }
        None => command,
    }
}

/// A command, and those below it, with the examples first in its help.
pub fn examples_first(command: Command) -> Command {
    command
        .help_template(HELP)
        .mut_subcommands(|below| below.help_template(HELP))
}

fn with_examples(command: Command) -> Command {
    let examples = command
        .get_after_help()
        .map(|help| named(&help.to_string()));
    let command = match examples {
        Some(examples) => command.after_help(examples),
        None => command,
    };
    command.mut_subcommands(with_examples)
}
