//! `explain`: what a pasted error message means.

use clap::Args;
use schemars::JsonSchema;
use serde::Serialize;

use crate::config::Global;
use crate::error::{Error, Exit, Result};
use crate::output::program::named;
use crate::output::{self, Answer};
use crate::system::input;
use crate::verify::explain::{self, Known};

/// How much of a log is looked at.
const MAX: u64 = 16 << 20;

/// Options of `explain`.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  irsactl explain \"Not authorized to perform sts:AssumeRoleWithWebIdentity\"
  irsactl explain \"invalid bearer token\"")]
pub struct Explain {
    /// The message, or a part of it; - for standard input
    #[arg(value_name = "MESSAGE")]
    message: String,
}

#[derive(Serialize, JsonSchema)]
#[serde(transparent)]
pub(crate) struct ExplainAnswer(Known);

impl Answer for ExplainAnswer {
    fn text(&self) -> String {
        let Known {
            message,
            causes,
            check,
            fix,
        } = self.0;
        let numbered = causes
            .iter()
            .zip(1..)
            .map(|(cause, number)| format!("  {number}. {cause}\n"));
        named(&format!(
            "{message}\n\ncauses, the likeliest first:\n{}\ncheck: {check}\nfix: {fix}\n",
            numbered.collect::<String>()
        ))
    }
}

impl Explain {
    pub(crate) fn run(self, global: &Global) -> Result<Exit> {
        let message = match self.message.as_str() {
            "-" => String::from_utf8_lossy(&input::standard_input(MAX)?).into_owned(),
            message => message.to_owned(),
        };
        let known = explain::find(&message).ok_or_else(|| {
            let known = explain::KNOWN.len();
            let error = Error::failed("cannot explain this message")
                .because(format!("it matches none of the {known} known messages"));
            let error = explain::nearest(&message)
                .iter()
                .fold(error, |error, one| error.because(format!("closest match: {one}")));
            error.hint("give the sentence as AWS or kube-apiserver wrote it; 'irsactl verify' looks at everything that AWS needs")
        })?;
        output::print(&ExplainAnswer(*known), global.output)?;
        Ok(Exit::Done)
    }
}
