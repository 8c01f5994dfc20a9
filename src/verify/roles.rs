//! Trust policies of roles that trust the issuer, read as IAM reads them.
//!
//! AWS checks neither sub nor aud of an issuer of one's own ("Identity-provider controls for shared
//! OIDC providers", IAM User Guide): what a trust policy does not ask for, nobody does.

use serde_json::Value;

use super::report::Check;

/// A role of the account.
#[derive(Clone, Debug)]
pub struct Role {
    /// Its ARN.
    pub arn: String,
    /// Its trust policy.
    pub trust: Value,
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
        .hint("'irsactl role --name NAME --service-account NAMESPACE/NAME --adopt' writes that statement anew and keeps the others");
    match findings.iter().any(|one| one.fatal) {
        true => check,
        false => check.or_warn(),
    }
}

/// What is wrong with the statements that trust the issuer; none when no statement does.
fn findings(trust: &Value, trusted: &Trusted<'_>) -> Option<Vec<Finding>> {
    let mut concerned = false;
    let mut found = Vec::new();
    for statement in list(&trust["Statement"]) {
        let web_identity = list(&statement["Action"])
            .into_iter()
            .filter_map(Value::as_str)
            .any(|action| {
                ["sts:assumerolewithwebidentity", "sts:*", "*"]
                    .contains(&action.to_lowercase().as_str())
            });
        if statement["Effect"] != "Allow" || !web_identity {
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
    key: &'a str,
    values: Vec<&'a str>,
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
        Some(Condition { values, .. }) => {
            let accepted = |list: &[String]| {
                list.iter()
                    .any(|audience| values.contains(&audience.as_str()))
            };
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
        let like = match operator.to_lowercase().as_str() {
            "stringequals" | "stringequalsignorecase" => false,
            "stringlike" => true,
            _ => continue,
        };
        for (key, values) in keys.as_object().into_iter().flatten() {
            let values = list(values).into_iter().filter_map(Value::as_str);
            conditions.push(Condition {
                like,
                key,
                values: values.collect(),
            });
        }
    }
    conditions
}

/// IAM lets one value stand for a list of one.
fn list(value: &Value) -> Vec<&Value> {
    match value {
        Value::Null => Vec::new(),
        Value::Array(values) => values.iter().collect(),
        one => vec![one],
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::report::Outcome;
    use super::*;

    const ARN: &str = "arn:aws:iam::111122223333:oidc-provider/a.example/x";
    const SUB: &str = "system:serviceaccount:default:app";

    fn outcome(principal: &str, condition: Value) -> (Outcome, String) {
        let audiences = ["sts.amazonaws.com".to_owned()];
        let trusted = Trusted {
            provider_arn: ARN,
            host_path: "a.example/x",
            audiences: Some(&audiences),
        };
        let trust = json!({ "Statement": {
            "Effect": "Allow", "Principal": { "Federated": principal },
            "Action": ["sts:AssumeRoleWithWebIdentity"], "Condition": condition,
        }});
        let arn = "arn:aws:iam::111122223333:role/app".to_owned();
        let check = check(&[Role { arn, trust }], &trusted).remove(0);
        (check.outcome, check.actual)
    }

    #[test]
    fn each_hole_and_each_slip_is_named() {
        let aud = json!("sts.amazonaws.com");
        let (sub_key, aud_key) = ("a.example/x:sub", "a.example/x:aud");
        let cases = [
            (
                ARN,
                json!({ "StringEquals": { sub_key: SUB, aud_key: aud } }),
                Outcome::Pass,
                "one role",
            ),
            (
                ARN,
                json!({ "StringEquals": { aud_key: aud } }),
                Outcome::Fail,
                "every service account",
            ),
            (
                ARN,
                json!({ "StringNotEquals": { sub_key: "x" }, "StringEquals": { aud_key: aud } }),
                Outcome::Fail,
                "every service account",
            ),
            (
                ARN,
                json!({ "StringEquals": { sub_key: SUB } }),
                Outcome::Warn,
                "any audience",
            ),
            (
                ARN,
                json!({ "StringEquals": { aud_key: aud }, "StringLike": { sub_key: "*" } }),
                Outcome::Fail,
                "every namespace",
            ),
            (
                ARN,
                json!({ "StringEquals": { aud_key: aud }, "StringLike": { sub_key: "system:serviceaccount:*:app" } }),
                Outcome::Fail,
                "every namespace",
            ),
            (
                ARN,
                json!({ "StringEquals": { aud_key: aud }, "StringLike": { sub_key: "system:serviceaccount:default:*" } }),
                Outcome::Warn,
                "tomorrow's",
            ),
            (
                ARN,
                json!({ "StringEquals": { aud_key: aud }, "StringLike": { sub_key: SUB } }),
                Outcome::Warn,
                "StringEquals would do",
            ),
            (
                ARN,
                json!({ "StringEquals": { sub_key: "system:serviceaccount:default:*", aud_key: aud } }),
                Outcome::Fail,
                "by the letter",
            ),
            (
                ARN,
                json!({ "StringEquals": { sub_key: SUB, aud_key: "vault" } }),
                Outcome::Fail,
                "none of the provider's",
            ),
            (
                ARN,
                json!({ "StringEquals": { "https://a.example/x:sub": SUB, aud_key: aud } }),
                Outcome::Fail,
                "not of this issuer",
            ),
            (
                "arn:aws-cn:iam::111122223333:oidc-provider/a.example/x",
                json!({}),
                Outcome::Fail,
                "another partition's",
            ),
            (
                "arn:aws:iam::111122223333:oidc-provider/other",
                json!({}),
                Outcome::Pass,
                "no role",
            ),
        ];
        for (principal, condition, expected, words) in cases {
            let (outcome, actual) = outcome(principal, condition.clone());
            assert_eq!(outcome, expected, "{condition}: {actual}");
            assert!(actual.contains(words), "{condition}: {actual}");
        }
    }
}
