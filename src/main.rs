//! The `irsactl` binary: parse, run, render the error, exit code.

use std::process::ExitCode;

use irsactl::cli::{self, Cli};
use irsactl::config::parse::{Unparsed, parse};
use irsactl::config::{Color, Global};
use irsactl::error::{Error, Exit};
use irsactl::output;
use irsactl::system::memory;

fn main() -> ExitCode {
    memory::without_core_dumps();
    let mut arguments: Vec<_> = std::env::args_os().collect();
    if arguments.get(1).is_some_and(|word| word == "help") {
        // Another way to say it.
        arguments.remove(1);
        arguments.push("--help".into());
    }
    if matches!(arguments.as_slice(), [_, only] if only == "--version" || only == "-V") {
        // What scripts ask at every start needs no tree of commands.
        let version = concat!("irsactl ", env!("CARGO_PKG_VERSION"), "\n");
        let printed = output::print_bytes(version.as_bytes());
        return ExitCode::from(printed.map_or_else(failed, |()| Exit::Done) as u8);
    }
    let exit = match parse::<Cli>(arguments) {
        Ok((mut cli, layers)) => {
            set_up_stderr(&cli.global);
            cli.global.layers = layers;
            cli::run(cli).unwrap_or_else(failed)
        }
        Err(Unparsed::File(error)) => failed(error),
        Err(Unparsed::CommandLine(message)) => print(&message),
    };
    ExitCode::from(exit as u8)
}

fn failed(error: Error) -> Exit {
    output::print_error(&error);
    error.exit()
}

/// Prints help, or what is wrong with the command line. An argument that would start lines of its
/// own, in a CI job that takes names from outside, is shown on one line.
fn print(message: &clap::Error) -> Exit {
    if !message.use_stderr() {
        // In one piece, which clap would print line by line.
        let text = message.render();
        let text = match anstream::AutoStream::choice(&std::io::stdout()) {
            anstream::ColorChoice::Never => text.to_string(),
            _ => text.ansi().to_string(),
        };
        return output::print_bytes(text.as_bytes()).map_or_else(failed, |()| Exit::Done);
    }
    // The options were not parsed.
    let mut words = std::env::args_os().map(|word| word.to_string_lossy().into_owned());
    let mut is_plain = false;
    while let Some(word) = words.next() {
        is_plain |= word == "--ci" || word == "--color=never";
        is_plain |= word == "--color" && words.next().as_deref() == Some("never");
    }
    if is_plain {
        anstream::ColorChoice::Never.write_global();
    }
    let is_hostile = |argument: &str| output::sanitized(argument) != argument;
    let hostile = std::env::args_os().any(|argument| is_hostile(&argument.to_string_lossy()));
    let text = message.to_string();
    output::annotate(&output::sanitized(text.lines().next().unwrap_or_default()));
    if hostile {
        output::say(output::sanitized(&text))
    } else {
        drop(message.print())
    }
    Exit::Usage
}

fn set_up_stderr(global: &Global) {
    match global.color {
        Color::Auto if !global.ci => {}
        Color::Always => anstream::ColorChoice::Always.write_global(),
        Color::Auto | Color::Never => anstream::ColorChoice::Never.write_global(),
    }
    output::set_ci(global.ci);
    output::log(global.verbose);
}
