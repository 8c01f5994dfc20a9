//! A plan in a file: written by a dry run, and compared with what `apply` plans before it changes anything.

use std::path::Path;

use crate::config::Global;
use crate::config::parse::{Layers, Origin};
use crate::converge::planned::Planned;
use crate::converge::session::Session;
use crate::error::{Error, Result, shell_path, shell_quoted};
use crate::output::{self, program};
use crate::plan::desired::Desired;
use crate::plan::document::json_text;
use crate::plan::saved::{MAX, SavedPlan, SavedPlanError};
use crate::system::file::{self, links};

/// Options by which kubectl is started.
const STARTS_PROGRAMS: [&str; 1] = ["kubeconfig"];

/// Options that say how a command runs, not what is wanted.
pub(crate) const RUN_OPTIONS: [&str; 13] = [
    "dry_run",
    "offline",
    "detailed_exitcode",
    "documents",
    "out",
    "yes",
    "confirm",
    "profile",
    "output",
    "color",
    "ci",
    "verbose",
    "timeout",
];

/// The plan as it is saved.
pub(crate) fn of(
    global: &Global,
    session: &Session<'_>,
    desired: &Desired,
    planned: &Planned,
) -> Result<SavedPlan> {
    refuse_programs(&global.layers)?;
    let arguments = global.layers.arguments(&RUN_OPTIONS);
    let arguments = arguments.into_iter().map(|one| one.into_string());
    let arguments = arguments.collect::<std::result::Result<Vec<_>, _>>();
    let arguments = arguments.map_err(|argument| {
        Error::usage("cannot save this plan")
            .because(format!("{argument:?} is not text, as JSON has it"))
    })?;
    Ok(made(arguments, session, desired, planned))
}

/// Refuses a plan whose command would start a program, at that: whoever writes a plan could choose which.
pub(crate) fn refuse_programs(layers: &Layers) -> Result<()> {
    let is_given = |id: &&&str| layers.origin(id) != Origin::Default;
    match STARTS_PROGRAMS.iter().find(is_given) {
        None => Ok(()),
        Some(id) => Err(Error::refused(format!("cannot take --{id} into a plan"))
            .because("a kubeconfig can name programs, and applying a plan starts none")
            .hint("ask the cluster first: --token FILE and --cluster-jwks FILE take what kubectl has answered")),
    }
}

pub(crate) fn made(
    arguments: Vec<String>,
    session: &Session<'_>,
    desired: &Desired,
    planned: &Planned,
) -> SavedPlan {
    let endpoints = session.aws().map(|aws| aws.endpoints.clone());
    SavedPlan::new(
        arguments,
        &endpoints.unwrap_or_default(),
        &session.answer(desired, &planned.plan),
        &planned.plan,
        &planned.observed,
    )
}

/// The bytes of the file.
pub(crate) fn text(saved: &SavedPlan) -> Result<String> {
    let text = output::escaped_json(&json_text(saved));
    if text.len() > MAX {
        Err(Error::refused("cannot save this plan").because(format!(
            "it has more than {MAX} bytes, which is what 'irsactl apply' takes"
        )))
    } else {
        Ok(text)
    }
}

/// Whether the plan itself is to be the answer.
pub(crate) fn is_standard_output(path: &Path) -> bool {
    path == Path::new("-")
}

/// Writes it; what is there may only be a plan that was saved before.
pub(crate) fn write(path: &Path, saved: &SavedPlan) -> Result<()> {
    links::refuse(path)?;
    let is_ours = |found: &[u8]| found.is_empty() || SavedPlan::is_one(found);
    file::write_document(path, text(saved)?.as_bytes(), "a saved plan", is_ours)?;
    let path = output::sanitized(&shell_path(path));
    output::say(program::named(&format!(
        "saved the plan; to carry it out: irsactl apply {path}"
    )));
    Ok(())
}

/// Takes what this version wrote, byte for byte: a reader must not see something else in it.
pub(crate) fn parse(path: &Path, bytes: &[u8]) -> Result<SavedPlan> {
    let saved = SavedPlan::parse(bytes).and_then(|saved| match text(&saved) {
        Ok(text) if text.as_bytes() == bytes => Ok(saved),
        _ => Err(SavedPlanError::Edited),
    });
    saved.map_err(|cause| {
        let hint = match cause {
            SavedPlanError::Form(_) | SavedPlanError::Shown => {
                "save one with --dry-run --out FILE; what -o json and --documents write is for reading"
            }
            SavedPlanError::Version(_) => "plan again with this version, or apply with that one",
            SavedPlanError::Edited => "plan again: what is wanted is said by the command, not in its plan",
        };
        Error::refused(format!("cannot apply {}", output::path(path)))
            .because(cause)
            .hint(hint)
    })
}

/// Refuses to go on when what is planned now is not the saved plan. Other runs are not concerned.
pub(crate) fn check(session: &Session<'_>, desired: &Desired, planned: &Planned) -> Result<()> {
    let Some(saved) = &session.saved else {
        return Ok(());
    };
    let now = made(saved.arguments.clone(), session, desired, planned);
    let differences = saved.differences(&now);
    if differences.is_empty() {
        return Ok(());
    }
    let command = command(saved);
    Err(if now.is_empty() && planned.plan.key_store_changes == 0 {
        Error::refused("cannot apply this plan: nothing is left to do")
            .because("every resource is already as planned")
            .hint(format!(
                "nothing was changed; to see it: {command} --dry-run"
            ))
    } else {
        differences
            .into_iter()
            .fold(
                Error::refused("cannot apply this plan: something has changed since it was made"),
                Error::because,
            )
            .hint(format!(
                "nothing was changed; plan again, and have that reviewed: {command} --dry-run --out plan.json"
            ))
    })
}

/// What of a plan is otherwise now than when it was shown.
pub(crate) fn differences(
    session: &Session<'_>,
    desired: &Desired,
    shown: &Planned,
    now: &Planned,
) -> Vec<String> {
    let [shown, now] = [shown, now].map(|planned| made(Vec::new(), session, desired, planned));
    shown.differences(&now)
}

/// The command of a plan, for a shell.
pub(crate) fn command(saved: &SavedPlan) -> String {
    let arguments = saved.arguments.iter().map(|one| shell_quoted(one));
    let arguments: Vec<String> = arguments.collect();
    format!("irsactl {}", arguments.join(" "))
}
