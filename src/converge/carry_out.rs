//! A plan carried out: shown, asked about, changed, and read back.

use crate::aws::connect::Aws;
use crate::config::change::{ChangeOptions, Consent};
use crate::config::issuer::ClusterIssuer;
use crate::converge::neighbours::Neighbours;
use crate::converge::planned::{Outcome, Planned};
use crate::converge::session::Session;
use crate::converge::{changes, loosened, read_back, saved_plan};
use crate::error::{Error, Exit, Result, after_changes};
use crate::output::plan::PlanAnswer;
use crate::output::{self, Answer, Section, Step};
use crate::plan::desired::Desired;
use crate::plan::diff::plan::Plan;
use crate::plan::observed::{Observed, Shown};

impl Session<'_> {
    /// Asks, makes the changes, and reads everything back. `before`, what must come first in any case, returns
    /// how many changes it made itself.
    pub(crate) async fn carry_out(
        &self,
        desired: &Desired,
        planned: Planned,
        options: &ChangeOptions,
        before: impl AsyncFnOnce() -> Result<usize>,
    ) -> Result<Outcome> {
        saved_plan::check(self, desired, &planned)?;
        let Some(aws) = &self.aws else {
            return Ok(Outcome {
                changes: 0,
                observed: planned.observed,
            });
        };
        let is_settled = planned.plan.changes.is_empty() && planned.plan.key_store_changes == 0;
        let mut was_asked = false;
        if is_settled {
            output::say(self.answer(desired, &planned.plan).counts());
            for note in &planned.plan.notes {
                output::say(format_args!("note: {}", output::sanitized(note)));
            }
        } else {
            self.show(&self.answer(desired, &planned.plan));
            was_asked = self.consent(options).await?;
            if was_asked {
                self.check_unchanged(desired, &planned).await?;
            }
        }
        let Planned { plan, mut observed } = planned;
        let neighbours = Neighbours::look(aws, &plan).await?;
        self.stop.set_changing(true);
        let mut count = before().await?;
        if !plan.changes.is_empty() {
            let made = self.make(aws, desired, &plan).await;
            let open = loosened::check(aws, &plan).await;
            observed = match (made, open) {
                (made, Ok(())) => made.map_err(|error| match count {
                    0 => error,
                    _ => after_changes(error),
                })?,
                (Ok(_), Err(open)) => return Err(after_changes(open)),
                (Err(error), Err(open)) if open.exit() == Exit::Interrupted => {
                    return Err(open.because(error.in_short()));
                }
                (Err(error), Err(unknown)) => {
                    return Err(error.because(format!(
                        "whether something came behind the public access block meanwhile cannot be told: {}",
                        unknown.in_short()
                    )));
                }
            };
            count += plan.changes.len();
        } else if was_asked || plan.key_store_changes > 0 {
            // What was shown before may be shown no more.
            observed.shown = Shown::default();
        }
        // It may have come during the last call.
        self.stop.check_signal()?;
        self.stop.set_changing(false);
        if let Some(neighbours) = &neighbours {
            let own = desired.object_keys();
            let check = neighbours.check(aws, &own).await;
            check.map_err(after_changes)?;
        }
        match (&aws.s3_endpoint, &desired.publication) {
            (_, None) => {}
            (Some(endpoint), Some(_)) => output::say(format_args!(
                "note: S3 is at {}, so nothing was read back from the issuer's own host",
                output::sanitized(endpoint)
            )),
            (None, Some(_)) => {
                let read_back = read_back::as_public(desired, &observed, self.stop).await;
                read_back.map_err(|error| match count {
                    0 => error,
                    _ => after_changes(error),
                })?;
            }
        }
        Ok(Outcome {
            changes: count,
            observed,
        })
    }

    /// Makes the changes, and reads back what is there then.
    async fn make(&self, aws: &Aws, desired: &Desired, plan: &Plan) -> Result<Observed> {
        changes::make(aws, plan, self.stop).await?;
        // It may have come during the last call.
        self.stop.check_signal()?;
        self.stop.set_changing(false);
        let read_back = read_back::as_owner(self, desired, plan, self.stop).await;
        read_back.map_err(after_changes)
    }

    /// Observes everything again, and refuses what is not as it was shown: a question may stand for an hour.
    async fn check_unchanged(&self, desired: &Desired, shown: &Planned) -> Result<()> {
        let store = shown.observed.key_store.clone();
        let now = self.plan(desired).await?.with_store(store);
        let differences = saved_plan::differences(self, desired, shown, &now);
        if differences.is_empty() {
            return Ok(());
        }
        let refused = Error::refused(
            "cannot make these changes: something has changed since they were shown",
        );
        Err(differences
            .into_iter()
            .fold(refused, Error::because)
            .hint("nothing was changed; run again: the plan is made anew"))
    }

    fn show(&self, answer: &PlanAnswer) {
        let _section = Section::start("plan", &answer.counts());
        output::say(answer.text());
    }

    /// Asks, unless the command line has agreed; says whether somebody was asked. The clock stands still
    /// meanwhile, and Ctrl-C works.
    async fn consent(&self, options: &ChangeOptions) -> Result<bool> {
        let asked = match &options.consent() {
            Consent::Given => return Ok(false),
            Consent::Ask => None,
            Consent::Name(name) => Some(name.clone()),
        };
        self.stop.stop_clock();
        let ask = move || match asked {
            None => output::confirm("make these changes?"),
            Some(name) => output::confirm_name("remove all this?", &name),
        };
        let answer = tokio::task::spawn_blocking(ask).await;
        self.stop.restart_clock();
        match answer {
            Ok(Ok(true)) => Ok(true),
            Ok(Err(error)) => Err(error),
            _ => Err(Error::refused("not confirmed; nothing was changed")),
        }
    }
}

/// What is there, and what has to change.
pub(crate) async fn plan_issuer(
    wanted: ClusterIssuer<'_>,
    session: &Session<'_>,
    region: &str,
) -> Result<(Desired, Planned)> {
    let (provider, change) = (&wanted.options.provider, wanted.change);
    let mut desired = wanted.desired(&session.account, region)?;
    let _step = Step::start("reading what is there");
    let shown = async {
        Ok(if change.dry_run || session.is_elsewhere() {
            Shown::default()
        } else {
            read_back::glance(&desired.issuer).await
        })
    };
    // The plan needs the thumbprint, reading what is there does not.
    let read = async {
        let (thumbprint, observed) = tokio::join!(
            provider.thumbprint(desired.issuer.host(), change.offline),
            session.observe(&desired)
        );
        Ok((thumbprint?, observed?))
    };
    let ((thumbprint, mut observed), shown) = tokio::try_join!(read, shown)?;
    observed.shown = shown;
    desired.set_thumbprint(thumbprint);
    let planned = Planned::new(&desired, observed)?;
    Ok((desired, planned))
}
