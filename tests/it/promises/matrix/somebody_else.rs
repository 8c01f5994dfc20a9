//! Somebody else who writes while a call of the run is held: another issuer, or the same one from another machine.

use std::path::Path;
use std::process::{Child, ExitStatus};

use serde_json::json;

use crate::promises::matrix::case::{Case, is, until};
use crate::promises::matrix::fault::{What, Writer};
use crate::promises::matrix::invariants;
use crate::promises::matrix::scenario::Stage;
use crate::support::tenant::Run;

/// Who is not the run that is looked at.
pub(super) const SOMEBODY_ELSE: &str = "somebody-else";

impl Case<'_> {
    /// Lets somebody else begin and end while the call is held.
    pub(super) fn overtaken(
        &self,
        child: &mut Child,
        stage: &Stage,
        home: &Path,
        writer: Writer,
    ) -> Result<ExitStatus, String> {
        let held = home.join("aws/held");
        if let Some(status) = until(child, "the call", &|| held.exists())? {
            return Ok(status);
        }
        let run = self.somebody_else(stage, home, writer);
        // A twin may be kept from it by what this run has begun.
        is(
            run.code == 0 || writer == Writer::Twin,
            &format!("the other run fails: {run:#?}"),
        )?;
        stage.aws.0.control("go", &json!({ "commit": true }));
        until(child, "the end", &|| false)?.ok_or_else(|| "no end".to_owned())
    }

    /// The other run, whose calls are told apart by its name.
    fn somebody_else(&self, stage: &Stage, home: &Path, writer: Writer) -> Run {
        let (directory, arguments) = match writer {
            Writer::Neighbour => (stage.directory.clone(), self.scenario.neighbour()),
            Writer::Twin => (home.join("twin"), self.scenario.command.to_owned()),
        };
        let mut command = stage.aws.0.command(&directory, &arguments);
        command.env("AWS_SDK_UA_APP_ID", SOMEBODY_ELSE);
        command.output().unwrap().into()
    }

    /// What a neighbour has published is there when the run says that all is well, and can be had again otherwise.
    pub(super) fn judge_neighbour(
        &self,
        stage: &Stage,
        home: &Path,
        code: i32,
    ) -> Result<(), String> {
        if self.fault.what != What::Writes(Writer::Neighbour) || self.scenario.is_keygen() {
            return Ok(());
        }
        if code == 5 {
            let again = self.somebody_else(stage, home, Writer::Neighbour);
            is(
                again.code == 0,
                &format!("the neighbour cannot run again: {again:#?}"),
            )?;
        }
        invariants::neighbour_is_public(&stage.aws.0)
    }

    /// Whether a bucket that was to go stays, since a neighbour has moved in.
    pub(super) fn keeps_neighbour(&self, clean: Option<&Run>) -> bool {
        self.fault.what == What::Writes(Writer::Neighbour)
            && clean
                .is_some_and(|run| run.code == 4 && run.stderr.contains("other objects are in it"))
    }
}
