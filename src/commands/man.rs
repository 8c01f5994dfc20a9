//! `man`: a manual page for each command, made of the same words as `--help`.

use std::path::PathBuf;

use clap::{Args, Command};
use clap_mangen::Man as Page;

use crate::error::{Error, Exit, Result};
use crate::output;
use crate::system::file;

/// Options of `man`.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  irsactl man > irsactl.1
  irsactl man man1

Without a directory it prints the page of irsactl itself; with one it writes a page for each command.")]
pub struct Man {
    /// Write a page for each command into this directory
    #[arg(value_name = "DIR")]
    pages: Option<PathBuf>,
}

impl Man {
    pub(crate) fn run(self, mut command: Command) -> Result<Exit> {
        command.build();
        let Some(dir) = self.pages else {
            output::print_bytes(&page(command)?)?;
            return Ok(Exit::Done);
        };
        file::create_dir(&dir)?;
        let mut pages = vec![command];
        while let Some(command) = pages.pop() {
            pages.extend(command.get_subcommands().cloned());
            // 'irsactl token mint' is in irsactl-token-mint(1), as git does it.
            let name = command.get_display_name().unwrap_or("irsactl").to_owned();
            let is_ours = |text: &[u8]| String::from_utf8_lossy(text).contains(".TH irsactl");
            file::write_document(
                &dir.join(format!("{name}.1")),
                &page(command)?,
                "a manual page of irsactl",
                is_ours,
            )?;
        }
        Ok(Exit::Done)
    }
}

fn page(command: Command) -> Result<Vec<u8>> {
    let name = command.get_display_name().unwrap_or("irsactl").to_owned();
    let mut page = Vec::new();
    let rendered = Page::new(command).title(name).render(&mut page);
    rendered.map_err(|e| Error::failed("cannot write a manual page").because(e))?;
    // What clap calls extra is what readers look for first.
    let text = String::from_utf8_lossy(&page);
    let text = text
        .replace(".SH EXTRA\nExamples:\n", ".SH EXAMPLES\n")
        .replace(".SH EXTRA\n", ".SH NOTES\n");
    Ok(text.into_bytes())
}
