//! Trust policies of roles that trust the issuer, read as IAM reads them.
//!
//! AWS checks neither sub nor aud of an issuer of one's own ("Identity-provider controls for shared
//! OIDC providers", IAM User Guide): what a trust policy does not ask for, nobody does.

use serde_json::Value;

use crate::iam::role::{is_like, lets_assume, list, strangers};
use crate::oidc::subject::Subject;
use crate::verify::report::Check;

/// A role of the account.
#[derive(Clone, Debug)]
pub struct Role {
    /// Its ARN.
    pub arn: String,
    /// Its trust policy.
    pub trust: Value,
}

impl Role {
    /// Its name, which is what follows the path in its ARN.
    pub fn name(&self) -> &str {
        let arn = self.arn.as_str();
        arn.rsplit_once('/').map_or(arn, |(_, name)| name)
    }

    /// Whether a statement of its trust policy names the issuer, rightly or not.
    pub fn trusts(&self, trusted: &Trusted<'_>) -> bool {
        findings(&self.trust, trusted).is_some()
    }
}

/// The issuer as trust policies name it.
#[derive(Clone, Debug)]
pub struct Trusted<'a> {
    /// The ARN of its provider in this account.
    pub provider_arn: &'a str,
    /// What stands in front of `:sub` and `:aud`.
    pub host_path: &'a str,
    /// The audiences of the provider; none when it could not be read.
    pub audiences: Option<&'a [String]>,
}

const NAME: &str = "role trust";

/// A check for each role that trusts the issuer and should not be as it is, or one that passes.
pub fn check(roles: &[Role], trusted: &Trusted<'_>) -> Vec<Check> {
    let concerned: Vec<(&Role, Vec<Finding>)> = roles
        .iter()
        .filter_map(|role| Some((role, findings(&role.trust, trusted)?)))
        .collect();
    let checks: Vec<Check> = concerned
        .iter()
        .filter(|(_, findings)| !findings.is_empty())
        .map(|(role, findings)| found(role, findings))
        .collect();
    if !checks.is_empty() {
        return checks;
    }
    let actual = match concerned.len() {
        0 => "no role of the account trusts it yet".to_owned(),
        1 => "one role, with both conditions".to_owned(),
        count => format!("{count} roles, each with both conditions"),
    };
    vec![Check::new(
        NAME,
        trusted.provider_arn,
        true,
        EXPECTED,
        actual,
    )]
}

const EXPECTED: &str = "StringEquals on the issuer's :sub and :aud";

struct Finding {
    fatal: bool,
    text: String,
}

fn found(role: &Role, findings: &[Finding]) -> Check {
    let texts: Vec<&str> = findings.iter().map(|one| one.text.as_str()).collect();
    let check = Check::new(NAME, &role.arn, false, EXPECTED, texts.join("; "))
        .hint("'irsactl role --name NAME --service-account NAMESPACE/NAME --adopt' writes the first statement that trusts this issuer alone anew, and keeps the others: take such a statement among those away by hand");
    if findings.iter().any(|one| one.fatal) {
        check
    } else {
        check.or_warn()
    }
}

/// What is wrong with the statements that trust the issuer; none when no statement does.
fn findings(trust: &Value, trusted: &Trusted<'_>) -> Option<Vec<Finding>> {
    let mut concerned = false;
    let mut found = Vec::new();
    for statement in list(&trust["Statement"]) {
        if statement["Effect"] != "Allow" || !lets_assume(statement) {
            continue;
        }
        for principal in list(&statement["Principal"]["Federated"]) {
            let principal = principal.as_str().unwrap_or_default();
            let Some((_, named)) = principal.split_once(":oidc-provider/") else {
                continue;
            };
            if named != trusted.host_path {
                continue;
            }
            concerned = true;
            if principal == trusted.provider_arn {
                conditions(statement, trusted, &mut found);
            } else {
                fatal(
                    &mut found,
                    format!(
                        "it trusts {principal}, which is another partition's or account's: nobody can assume it through {}",
                        trusted.provider_arn
                    ),
                );
            }
        }
    }
    if concerned {
        let strangers = strangers(trust, trusted.provider_arn).into_iter();
        for who in strangers.filter(|who| !who.contains(trusted.host_path)) {
            warning(&mut found, format!("others can assume it, too: {who}"));
        }
    }
    concerned.then_some(found)
}

fn fatal(found: &mut Vec<Finding>, text: String) {
    found.push(Finding { fatal: true, text });
}

fn warning(found: &mut Vec<Finding>, text: String) {
    found.push(Finding { fatal: false, text });
}

/// One `operator: { key: values }` of a Condition block.
struct Condition<'a> {
    like: bool,
    ignores_case: bool,
    key: &'a str,
    values: Vec<&'a str>,
}

impl Condition<'_> {
    /// Whether the operator lets a text through.
    fn takes(&self, text: &str) -> bool {
        self.values.iter().any(|value| {
            if self.like {
                is_like(value, text)
            } else {
                *value == text || (self.ignores_case && value.eq_ignore_ascii_case(text))
            }
        })
    }
}

fn conditions(statement: &Value, trusted: &Trusted<'_>, found: &mut Vec<Finding>) {
    let [sub, aud] = ["sub", "aud"].map(|claim| format!("{}:{claim}", trusted.host_path));
    let asked = restricting(&statement["Condition"]);
    for condition in &asked {
        let claim = condition.key.rsplit(':').next().unwrap_or_default();
        let known = [&sub, &aud]
            .iter()
            .any(|name| condition.key.eq_ignore_ascii_case(name));
        if ["sub", "aud"].contains(&claim) && !known {
            fatal(
                found,
                format!(
                    "condition key {:?} is not of this issuer, whose keys are {sub:?} and {aud:?}: no token has it",
                    condition.key
                ),
            );
        }
    }
    let of = |name: &str| {
        asked
            .iter()
            .find(|condition| condition.key.eq_ignore_ascii_case(name))
    };
    match of(&sub) {
        None => fatal(
            found,
            format!("no condition on {sub:?}: every service account of the cluster can assume it"),
        ),
        Some(condition) => subjects(condition, found),
    }
    match of(&aud) {
        None => warning(
            found,
            format!("no condition on {aud:?}: a token of any audience of the provider does"),
        ),
        Some(condition) => {
            let values = &condition.values;
            let is_pattern = |value: &&&str| condition.like && value.contains(['*', '?']);
            if let Some(pattern) = values.iter().find(is_pattern) {
                warning(
                    found,
                    format!(
                        "audience {pattern:?} is a pattern: a token of any such audience of the provider does"
                    ),
                );
            }
            let accepted = |list: &[String]| list.iter().any(|audience| condition.takes(audience));
            if trusted.audiences.is_some_and(|list| !accepted(list)) {
                fatal(
                    found,
                    format!(
                        "audience {} is none of the provider's: nobody can assume it",
                        values.join(", ")
                    ),
                );
            }
        }
    }
}

fn subjects(condition: &Condition<'_>, found: &mut Vec<Finding>) {
    for value in &condition.values {
        let pattern = value.contains(['*', '?']);
        // Everything behind the last fixed letter is whatever it likes to be.
        let fixed = value.split(['*', '?']).next().unwrap_or_default();
        let namespaced = fixed
            .strip_prefix("system:serviceaccount:")
            .is_some_and(|rest| rest.contains(':'));
        match (condition.like, pattern) {
            (true, true) if !namespaced => fatal(
                found,
                format!("subject {value:?} matches service accounts of every namespace"),
            ),
            (true, true) => warning(
                found,
                format!("subject {value:?} is a pattern: also tomorrow's service accounts match"),
            ),
            (true, false) => warning(
                found,
                format!("StringLike for {value:?}, where StringEquals would do"),
            ),
            (false, true) => fatal(
                found,
                format!(
                    "StringEquals takes {value:?} by the letter, so no subject is equal: name each one"
                ),
            ),
            (false, false)
                if value.parse::<Subject>().is_err() || !value.starts_with("system:") =>
            {
                fatal(
                    found,
                    format!(
                        "no service account is called {value:?}: a subject is system:serviceaccount:NAMESPACE:NAME"
                    ),
                );
            }
            (false, false) => {}
        }
    }
}

/// The conditions that only let through what is named: StringEquals, StringLike and their kin. A
/// negated operator, or Null, names nobody.
fn restricting(condition: &Value) -> Vec<Condition<'_>> {
    let mut conditions = Vec::new();
    for (operator, keys) in condition.as_object().into_iter().flatten() {
        let operator = operator.rsplit(':').next().unwrap_or_default();
        let operator = operator.strip_suffix("IfExists").unwrap_or(operator);
        let (like, ignores_case) = match operator.to_lowercase().as_str() {
            "stringequals" => (false, false),
            "stringequalsignorecase" => (false, true),
            "stringlike" => (true, false),
            _ => continue,
        };
        for (key, values) in keys.as_object().into_iter().flatten() {
            let values = list(values).into_iter().filter_map(Value::as_str);
            conditions.push(Condition {
                like,
                ignores_case,
                key,
                values: values.collect(),
            });
        }
    }
    conditions
}

#[cfg(test)]
mod tests;
