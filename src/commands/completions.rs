//! `completions`: what a shell needs to complete this program's words.

use clap::{Args, Command};
use clap_complete::Shell;

use crate::error::{Exit, Result};
use crate::output;

/// Options of `completions`.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  irsactl completions bash > irsactl.bash

Put it where your shell looks: /usr/share/bash-completion/completions/irsactl, a directory of zsh's \
fpath as _irsactl, ~/.config/fish/completions/irsactl.fish.")]
pub struct Completions {
    /// bash, zsh, fish, powershell or elvish
    #[arg(value_enum, value_name = "SHELL", hide_possible_values = true)]
    shell: Shell,
}

impl Completions {
    pub(crate) fn run(self, mut command: Command) -> Result<Exit> {
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut command, "irsactl", &mut script);
        output::print_bytes(&script)?;
        Ok(Exit::Done)
    }
}
