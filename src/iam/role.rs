//! Roles that service accounts assume: their names and trust policies.
//!
//! AWS does not check sub and aud for an issuer of one's own ("Identity-provider controls for shared
//! OIDC providers", IAM User Guide), so both conditions are always written.

use aws_lc_rs::digest;
use serde::Serialize;
use serde_json::{Value, json};

/// IAM's limit for a role name (CreateRole, `RoleName`).
const MAX_NAME: usize = 64;

/// IAM's default quota for a trust policy, in characters without whitespace (L-C07B4B0D; it can be
/// raised to 8192).
const MAX_TRUST_POLICY: usize = 2048;

/// What a service account's token is exchanged by.
const ACTION: &str = "sts:AssumeRoleWithWebIdentity";

/// Whether a text fits a pattern in which `*` is any text and `?` any character (IAM, `StringLike`).
/// Only the last `*` is ever gone back to, so a hostile pattern takes no longer than a product of lengths.
pub fn is_like(pattern: &str, text: &str) -> bool {
    let (pattern, text): (Vec<char>, Vec<char>) =
        (pattern.chars().collect(), text.chars().collect());
    let (mut at, mut seen) = (0, 0);
    let mut star = None;
    while seen < text.len() {
        match pattern.get(at) {
            Some('*') => {
                star = Some((at, seen));
                at += 1;
            }
            Some(c) if *c == '?' || *c == text[seen] => {
                at += 1;
                seen += 1;
            }
            _ => {
                let Some((place, taken)) = star else {
                    return false;
                };
                star = Some((place, taken + 1));
                (at, seen) = (place + 1, taken + 1);
            }
        }
    }
    pattern[at..].iter().all(|c| *c == '*')
}

/// IAM lets one value stand for a list of one.
pub fn list(value: &Value) -> Vec<&Value> {
    match value {
        Value::Null => Vec::new(),
        Value::Array(values) => values.iter().collect(),
        one => vec![one],
    }
}

/// Whether a statement is about AssumeRoleWithWebIdentity; IAM compares actions without case, and with
/// wildcards. A statement with NotAction is about all but a few.
pub fn lets_assume(statement: &Value) -> bool {
    let names = |field: &str| {
        let names = list(&statement[field]).into_iter();
        names
            .filter_map(Value::as_str)
            .any(|action| is_like(&action.to_lowercase(), &ACTION.to_lowercase()))
    };
    names("Action") || (statement.get("NotAction").is_some() && !names("NotAction"))
}

/// Whether a trust policy lets tokens of a provider in, by whatever statement.
pub fn trusts(trust: &Value, provider_arn: &str) -> bool {
    let federated = |statement: &Value| match &statement["Principal"]["Federated"] {
        Value::Array(list) => list.iter().any(|one| *one == provider_arn),
        one => *one == provider_arn,
    };
    let allows = |statement: &Value| statement["Effect"] == "Allow" && federated(statement);
    match &trust["Statement"] {
        Value::Array(list) => list.iter().any(allows),
        one => allows(one),
    }
}

/// Whether a trust policy lets in nobody but tokens of a provider.
pub fn trusts_only(trust: &Value, provider_arn: &str) -> bool {
    strangers(trust, provider_arn).is_empty()
}

/// Whom a trust policy lets in besides tokens of a provider, in words: principals and actions of its statements.
pub fn strangers(trust: &Value, provider_arn: &str) -> Vec<String> {
    let statements = list(&trust["Statement"]).into_iter();
    let others = statements.filter(|statement| !is_of_provider(statement, provider_arn));
    let words = others.map(|statement| {
        let (principal, not) = (&statement["Principal"], &statement["NotPrincipal"]);
        let who = if principal.is_null() {
            format!("all but {not}")
        } else {
            principal.to_string()
        };
        format!("{who} by {}", statement["Action"])
    });
    words.collect()
}

/// Whether a statement lets in nobody but tokens of a provider.
fn is_of_provider(statement: &Value, provider_arn: &str) -> bool {
    statement["Effect"] != "Allow"
        || statement["Principal"] == json!({ "Federated": provider_arn })
        || statement["Principal"] == json!({ "Federated": [provider_arn] })
}

/// `CLUSTER-NAMESPACE-NAME`; past 64 characters the end becomes a hash, so that two long names stay
/// two roles.
pub fn default_name(cluster: &str, namespace: &str, name: &str) -> String {
    let full = format!("{cluster}-{namespace}-{name}");
    if full.len() <= MAX_NAME {
        return full;
    }
    let hash = digest::digest(&digest::SHA256, full.as_bytes());
    let hash: String = hash.as_ref()[..4]
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    format!("{}-{hash}", &full[..MAX_NAME - 1 - hash.len()])
}

/// Who may assume a role.
#[derive(Clone, Debug, Serialize)]
pub struct Trust {
    /// The ARN of the OpenID Connect provider.
    pub provider_arn: String,
    /// The issuer host path: what stands in front of `:sub` and `:aud`.
    pub host_path: String,
    /// `system:serviceaccount:NAMESPACE:NAME`, each; a `*` only with `wildcard`.
    pub subjects: Vec<String>,
    /// The audience of the tokens.
    pub audience: String,
    /// StringLike instead of StringEquals for the subjects.
    pub wildcard: bool,
}

/// Why a trust policy cannot be written.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum TrustError {
    /// The existing one is not a policy.
    #[error("the role's trust policy is not a policy document with a Statement")]
    NotAPolicy,
    /// Longer than IAM takes.
    #[error(
        "the trust policy would have {0} characters; IAM takes {MAX_TRUST_POLICY} unless the quota is raised"
    )]
    TooLong(usize),
}

impl Trust {
    /// The trust policy: the existing one with our statement added or brought to what it must be.
    /// Ours is the first statement that lets tokens of this provider in, and nobody else; all others are
    /// kept, denials too.
    pub fn policy(&self, existing: Option<&Value>) -> Result<Value, TrustError> {
        let ours = self.statement();
        let policy = match existing {
            None => json!({ "Version": "2012-10-17", "Statement": [ours] }),
            Some(existing) => {
                let mut policy = existing.clone();
                let statements = policy.get_mut("Statement").ok_or(TrustError::NotAPolicy)?;
                if statements.is_object() {
                    *statements = Value::Array(vec![statements.take()]);
                }
                let list = statements.as_array_mut().ok_or(TrustError::NotAPolicy)?;
                let arn = self.provider_arn.as_str();
                let federated = |statement: &&mut Value| {
                    let principal = &statement["Principal"];
                    (*principal == json!({ "Federated": arn })
                        || *principal == json!({ "Federated": [arn] }))
                        && statement["Effect"] == "Allow"
                        && lets_assume(statement)
                };
                match list.iter_mut().find(federated) {
                    Some(statement) if *statement == ours => return Ok(existing.clone()),
                    Some(statement) => *statement = ours,
                    None => list.push(ours),
                }
                policy
            }
        };
        match policy.to_string().len() {
            length if length > MAX_TRUST_POLICY => Err(TrustError::TooLong(length)),
            _ => Ok(policy),
        }
    }

    /// The subjects whose tokens of this provider a trust policy lets in.
    pub fn subjects_in(&self, trust: &Value) -> Vec<String> {
        let statements = match &trust["Statement"] {
            Value::Array(list) => list.iter().collect(),
            one => vec![one],
        };
        let sub = format!("{}:sub", self.host_path);
        let mut subjects = Vec::new();
        for statement in statements {
            if statement["Effect"] != "Allow"
                || !trusts(&json!({ "Statement": statement }), &self.provider_arn)
            {
                continue;
            }
            for operator in ["StringEquals", "StringLike"] {
                match &statement["Condition"][operator][&sub] {
                    Value::String(one) => subjects.push(one.clone()),
                    Value::Array(list) => {
                        subjects.extend(list.iter().filter_map(Value::as_str).map(str::to_owned));
                    }
                    _ => {}
                }
            }
        }
        subjects
    }

    fn statement(&self) -> Value {
        let sub = format!("{}:sub", self.host_path);
        let aud = format!("{}:aud", self.host_path);
        // One value stands alone, as IAM gives it back.
        let subjects = match self.subjects.as_slice() {
            [one] => json!(one),
            several => json!(several),
        };
        let condition = if !self.wildcard {
            json!({ "StringEquals": { sub: subjects, aud: self.audience } })
        } else {
            json!({ "StringEquals": { aud: self.audience }, "StringLike": { sub: subjects } })
        };
        json!({
            "Effect": "Allow",
            "Principal": { "Federated": self.provider_arn },
            "Action": ACTION,
            "Condition": condition,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn trust(subjects: &[&str]) -> Trust {
        Trust {
            provider_arn: "arn:aws:iam::111122223333:oidc-provider/a.example".to_owned(),
            host_path: "a.example".to_owned(),
            subjects: subjects
                .iter()
                .map(|subject| (*subject).to_owned())
                .collect(),
            audience: "sts.amazonaws.com".to_owned(),
            wildcard: false,
        }
    }

    #[test]
    fn patterns_are_iams() {
        for (pattern, text, expected) in [
            ("a*c", "abbc", true),
            ("a*c", "abb", false),
            ("*", "", true),
            ("a?c", "abc", true),
            ("a?c", "ac", false),
            ("**a*", "bab", true),
            ("", "a", false),
        ] {
            assert_eq!(is_like(pattern, text), expected, "{pattern} {text}");
        }
        assert!(!is_like(&"*a".repeat(1000), &"a".repeat(900)));
    }

    #[test]
    fn long_names_stay_apart() {
        assert_eq!(default_name("demo", "default", "app"), "demo-default-app");
        let (a, b) = ("a".repeat(70), "a".repeat(71));
        let (a, b) = (default_name("c", "n", &a), default_name("c", "n", &b));
        assert_eq!((a.len(), b.len()), (64, 64));
        assert_ne!(a, b);
    }

    #[test]
    fn sub_and_aud_are_always_there_and_foreign_statements_stay() {
        let policy = trust(&["system:serviceaccount:a:b"]).policy(None).unwrap();
        let equals = &policy["Statement"][0]["Condition"]["StringEquals"];
        assert_eq!(equals["a.example:sub"], "system:serviceaccount:a:b");
        assert_eq!(equals["a.example:aud"], "sts.amazonaws.com");
        assert_eq!(
            trust(&["system:serviceaccount:a:b"])
                .policy(Some(&policy))
                .unwrap(),
            policy
        );

        let foreign = json!({ "Effect": "Allow", "Principal": { "Service": "ec2.amazonaws.com" }, "Action": "sts:AssumeRole" });
        let existing =
            json!({ "Version": "2012-10-17", "Statement": [foreign, policy["Statement"][0]] });
        let changed = trust(&["x", "y"]).policy(Some(&existing)).unwrap();
        assert_eq!(changed["Statement"][0], foreign);
        assert_eq!(
            changed["Statement"][1]["Condition"]["StringEquals"]["a.example:sub"],
            json!(["x", "y"])
        );
        assert_eq!(changed["Statement"].as_array().unwrap().len(), 2);

        let mut denial = policy["Statement"][0].clone();
        denial["Effect"] = json!("Deny");
        let existing = json!({ "Version": "2012-10-17", "Statement": [denial] });
        let changed = trust(&["x"]).policy(Some(&existing)).unwrap();
        assert_eq!(changed["Statement"][0], denial);
        assert_eq!(changed["Statement"].as_array().unwrap().len(), 2);

        let long: Vec<String> = (0..60)
            .map(|n| format!("system:serviceaccount:namespace:{n}"))
            .collect();
        let long: Vec<&str> = long.iter().map(String::as_str).collect();
        assert!(matches!(
            trust(&long).policy(None),
            Err(TrustError::TooLong(_))
        ));
        assert_eq!(
            trust(&["x"]).policy(Some(&json!("text"))),
            Err(TrustError::NotAPolicy)
        );
    }
}
