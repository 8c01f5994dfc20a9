//! What checks found.

use schemars::JsonSchema;
use serde::Serialize;

/// How a check ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// As it must be.
    Pass,
    /// Not as it must be: AWS or the cluster will refuse.
    Fail,
    /// Works, and should be different.
    Warn,
    /// Not looked at, for the reason given.
    Skipped,
}

/// One check.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Check {
    /// What was looked at; the same in every run.
    pub name: &'static str,
    /// How it ended.
    pub outcome: Outcome,
    /// Where: a URL, an ARN, a claim.
    pub place: String,
    /// What must be there.
    pub expected: String,
    /// What is there. Text from outside may be in it.
    pub actual: String,
    /// The next command, or what to look at.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
}

impl Check {
    /// A check that passes when `passed`; [`Self::hint`] says what to do when it does not.
    pub fn new(
        name: &'static str,
        place: impl Into<String>,
        passed: bool,
        expected: impl Into<String>,
        actual: impl Into<String>,
    ) -> Self {
        Self {
            name,
            outcome: if passed { Outcome::Pass } else { Outcome::Fail },
            place: place.into(),
            expected: expected.into(),
            actual: actual.into(),
            hint: None,
        }
    }

    /// A check that was not made.
    pub fn skipped(
        name: &'static str,
        place: impl Into<String>,
        reason: impl Into<String>,
    ) -> Self {
        Self {
            outcome: Outcome::Skipped,
            ..Self::new(name, place, false, "", reason)
        }
    }

    /// What to do when it did not pass.
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        if self.outcome != Outcome::Pass {
            self.hint = Some(hint.into());
        }
        self
    }

    /// A failure that does not keep AWS from accepting tokens.
    pub fn or_warn(mut self) -> Self {
        if self.outcome == Outcome::Fail {
            self.outcome = Outcome::Warn;
        }
        self
    }
}

/// Checks in the order in which they were made.
#[derive(Clone, Debug, Default, Serialize, JsonSchema)]
#[serde(transparent)]
pub struct Report(pub Vec<Check>);

impl Report {
    /// Whether a check failed.
    pub fn failed(&self) -> bool {
        self.count(Outcome::Fail) > 0
    }

    /// How many checks ended so.
    pub fn count(&self, outcome: Outcome) -> usize {
        let checks = self.0.iter();
        checks.filter(|check| check.outcome == outcome).count()
    }
}
