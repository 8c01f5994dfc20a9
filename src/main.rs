//! The `irsactl` binary: parse, run, render the error, exit code.

use std::process::ExitCode;

use clap::Parser;
use irsactl::cli::Cli;
use irsactl::config::{Color, Global};
use irsactl::error::Exit;
use irsactl::{commands, output};

fn main() -> ExitCode {
    let exit = match Cli::try_parse() {
        Ok(cli) => {
            set_up_stderr(&cli.global);
            commands::run(cli).unwrap_or_else(|error| {
                output::print_error(&error);
                error.exit()
            })
        }
        Err(message) => {
            // A reader that has gone away is no error.
            let _ = message.print();
            if message.use_stderr() {
                Exit::Usage
            } else {
                Exit::Done
            }
        }
    };
    ExitCode::from(exit as u8)
}

fn set_up_stderr(global: &Global) {
    match global.color {
        Color::Auto => {}
        Color::Always => anstream::ColorChoice::Always.write_global(),
        Color::Never => anstream::ColorChoice::Never.write_global(),
    }
    output::log(global.verbose);
}
