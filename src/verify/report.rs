//! What checks found.

use serde::Serialize;

/// How a check ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
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
#[derive(Clone, Debug, Serialize)]
pub struct Check {
    /// What was looked at.
    pub name: &'static str,
    /// How it ended.
    pub outcome: Outcome,
    /// What must be there.
    pub expected: String,
    /// What is there. Text from outside may be in it.
    pub actual: String,
    /// The next command, or what to look at.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
}

impl Check {
    /// A check that passes when `passed`; the hint is for when it does not.
    pub fn new(
        name: &'static str,
        passed: bool,
        expected: impl Into<String>,
        actual: impl Into<String>,
        hint: &str,
    ) -> Self {
        Self {
            name,
            outcome: if passed { Outcome::Pass } else { Outcome::Fail },
            expected: expected.into(),
            actual: actual.into(),
            hint: (!passed).then(|| hint.to_owned()),
        }
    }
}

/// Checks in the order in which they were made.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(transparent)]
pub struct Report(pub Vec<Check>);

impl Report {
    /// Whether a check failed.
    pub fn failed(&self) -> bool {
        self.0.iter().any(|check| check.outcome == Outcome::Fail)
    }
}
