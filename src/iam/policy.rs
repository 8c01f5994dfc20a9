//! The bucket policy that makes two exact objects public, and nothing else.
//!
//! ACLs are off on every bucket since April 2023, so a policy is the only way. A bucket may hold
//! other clusters' issuers under other prefixes and other people's statements: ours is found by its
//! Sid, everything else is kept as it is.

use serde_json::{Value, json};

/// The Sid of an issuer's statement: several prefixes of a bucket do not touch each other's. A Sid is
/// alphanumeric (IAM policy grammar), so what else a prefix has, and the escape Z, becomes hex.
pub fn statement_id(prefix: Option<&str>) -> String {
    let escaped: String = prefix
        .unwrap_or_default()
        .bytes()
        .map(|b| {
            if b.is_ascii_alphanumeric() && b != b'Z' {
                char::from(b).to_string()
            } else {
                format!("Z{b:02x}")
            }
        })
        .collect();
    format!("{SID}{escaped}")
}

/// How the Sid of every issuer's statement begins.
const SID: &str = "IrsactlPublicDocuments";

/// Whether a statement is an issuer's, as its Sid says.
pub fn is_ours(statement: &Value) -> bool {
    let sid = statement["Sid"].as_str();
    sid.is_some_and(|sid| sid.starts_with(SID))
}

/// S3's limit for a bucket policy (S3 User Guide, "Policies and permissions in Amazon S3").
const MAX_LEN: usize = 20 * 1024;

/// Why an existing policy cannot be merged with ours.
#[derive(Debug, thiserror::Error)]
pub enum MergeError {
    /// No list of statements.
    #[error("the bucket's policy is not a policy document with a Statement")]
    NotAPolicy,
    /// No room for ours.
    #[error("with ours it would have {0} bytes; S3 takes {MAX_LEN}")]
    TooLong(usize),
}

/// The policy after a merge: the existing statements in their order, ours added or brought to what
/// it must be. Equal to `existing` when nothing has to change.
pub fn merged(
    existing: Option<&Value>,
    sid: &str,
    object_arns: &[String],
) -> Result<Value, MergeError> {
    let ours = json!({
        "Sid": sid,
        "Effect": "Allow",
        "Principal": "*",
        "Action": "s3:GetObject",
        "Resource": object_arns,
    });
    let Some(existing) = existing else {
        return Ok(json!({ "Version": "2012-10-17", "Statement": [ours] }));
    };
    let mut policy = existing.clone();
    let statements = policy.get_mut("Statement").ok_or(MergeError::NotAPolicy)?;
    // IAM grammar: a single statement needs no array.
    if statements.is_object() {
        *statements = Value::Array(vec![statements.take()]);
    }
    let list = statements.as_array_mut().ok_or(MergeError::NotAPolicy)?;
    match list.iter_mut().find(|statement| statement["Sid"] == sid) {
        Some(statement) if canonical(statement) == canonical(&ours) => return Ok(existing.clone()),
        Some(statement) => *statement = ours,
        None => list.push(ours),
    }
    match policy.to_string().len() {
        long if long > MAX_LEN => Err(MergeError::TooLong(long)),
        _ => Ok(policy),
    }
}

/// A statement without the freedoms that S3 uses when it gives a policy back: a one-element list
/// is its element, lists have no order, and `{"AWS": "*"}` is `"*"`.
fn canonical(statement: &Value) -> Value {
    match statement {
        Value::Object(map)
            if map.len() == 1 && map.get("AWS").is_some_and(|v| canonical(v) == "*") =>
        {
            json!("*")
        }
        Value::Object(map) => map.iter().map(|(k, v)| (k.clone(), canonical(v))).collect(),
        Value::Array(items) if items.len() == 1 => canonical(&items[0]),
        Value::Array(items) => {
            let mut items: Vec<String> = items.iter().map(|v| canonical(v).to_string()).collect();
            items.sort();
            json!(items)
        }
        other => other.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn arns() -> Vec<String> {
        vec![
            "arn:aws:s3:::b/k1".to_owned(),
            "arn:aws:s3:::b/k2".to_owned(),
        ]
    }

    #[test]
    fn what_s3_gives_back_for_our_policy_needs_no_change() {
        let ours = merged(None, "Sid1", &arns()).unwrap();
        let returned = json!({ "Version": "2012-10-17", "Statement": {
            "Sid": "Sid1", "Effect": "Allow", "Principal": { "AWS": ["*"] },
            "Action": ["s3:GetObject"], "Resource": ["arn:aws:s3:::b/k2", "arn:aws:s3:::b/k1"],
        }});
        assert_eq!(merged(Some(&ours), "Sid1", &arns()).unwrap(), ours);
        assert_eq!(merged(Some(&returned), "Sid1", &arns()).unwrap(), returned);
    }

    #[test]
    fn foreign_statements_stay_and_ours_is_repaired() {
        let foreign = json!({ "Sid": "Theirs", "Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": "*" });
        let drifted = json!({ "Sid": "Sid1", "Effect": "Allow", "Principal": "*", "Action": "s3:*", "Resource": "*" });
        let existing =
            json!({ "Version": "2012-10-17", "Id": "x", "Statement": [foreign, drifted] });
        let policy = merged(Some(&existing), "Sid1", &arns()).unwrap();
        assert_eq!(policy["Id"], "x");
        assert_eq!(policy["Statement"][0], foreign);
        assert_eq!(policy["Statement"][1]["Action"], "s3:GetObject");
        assert_eq!(policy["Statement"].as_array().unwrap().len(), 2);
        assert!(merged(Some(&json!("text")), "Sid1", &arns()).is_err());
    }
}
