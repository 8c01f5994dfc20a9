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
        .map(|b| match b.is_ascii_alphanumeric() && b != b'Z' {
            true => char::from(b).to_string(),
            false => format!("Z{b:02x}"),
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

/// A statement that lets everybody in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Public {
    /// Its Sid, or its place in the list.
    pub name: String,
    /// The actions and resources, in words.
    pub what: String,
    /// Whether a Condition may narrow it.
    pub has_condition: bool,
}

/// The statements of a bucket policy that make more public than documents of issuers.
pub fn wider(policy: &Value) -> Vec<Public> {
    public(policy, |statement| !is_of_documents(statement))
}

/// The statements that a public access block holds back: those that S3 calls public, but for the ones that
/// issuers are published with from here.
pub fn held_back(policy: &Value) -> Vec<Public> {
    public(policy, |statement| {
        let is_published_here = is_ours(statement) && is_of_documents(statement);
        !is_published_here && !is_narrow(statement)
    })
}

/// Whether a statement lets everybody in to an object, as far as a pattern tells.
pub fn opens(policy: &Value, object_arn: &str) -> bool {
    let names = |statement: &Value| {
        let resources = list(&statement["Resource"]);
        let mut resources = resources.iter().filter_map(Value::as_str);
        resources.any(|arn| arn == object_arn || arn.contains(['*', '?']))
    };
    !public(policy, names).is_empty()
}

fn public(policy: &Value, is_meant: impl Fn(&Value) -> bool) -> Vec<Public> {
    let mut found = Vec::new();
    for (index, statement) in list(&policy["Statement"]).iter().enumerate() {
        let everybody = list(&statement["Principal"])
            .iter()
            .any(|who| *who == "*" || list(&who["AWS"]).iter().any(|one| *one == "*"))
            || statement.get("NotPrincipal").is_some();
        if statement["Effect"] == "Allow" && everybody && is_meant(statement) {
            found.push(Public {
                name: match statement["Sid"].as_str() {
                    Some(sid) => sid.to_owned(),
                    None => format!("statement {}", index + 1),
                },
                what: in_words(statement),
                has_condition: statement.get("Condition").is_some(),
            });
        }
    }
    found
}

/// Whether a statement gives s3:GetObject on issuers' documents by their exact names, and no more.
fn is_of_documents(statement: &Value) -> bool {
    let document = |resource: &Value| {
        resource.as_str().is_some_and(|arn| {
            let exact = !arn.contains(['*', '?']);
            let names = ["/keys.json", "/.well-known/openid-configuration"];
            exact && names.iter().any(|name| arn.ends_with(name))
        })
    };
    let only_reads = list(&statement["Action"])
        .iter()
        .all(|action| *action == "s3:GetObject")
        && statement.get("NotAction").is_none();
    let only_documents =
        list(&statement["Resource"]).iter().all(document) && statement.get("NotResource").is_none();
    only_reads && only_documents
}

/// Keys whose fixed values keep a statement from being public (S3 User Guide, "The meaning of public").
const NARROWING: [&str; 9] = [
    "aws:sourcearn",
    "aws:sourceaccount",
    "aws:sourceowner",
    "aws:sourcevpc",
    "aws:sourcevpce",
    "aws:principalorgid",
    "aws:principalarn",
    "aws:principalaccount",
    "aws:sourceip",
];

/// Whether S3 does not call a statement public, since a condition names who or from where: then it is in force
/// whatever the block says.
fn is_narrow(statement: &Value) -> bool {
    let operators = statement["Condition"].as_object().into_iter().flatten();
    let positive = operators.filter(|(operator, _)| {
        let names = [
            "stringequals",
            "stringlike",
            "arnequals",
            "arnlike",
            "ipaddress",
        ];
        names.contains(&operator.to_lowercase().as_str())
    });
    let keys = positive.flat_map(|(_, keys)| keys.as_object().into_iter().flatten());
    let is_fixed = |value: &Value| {
        let text = value.as_str().unwrap_or("*");
        !text.contains(['*', '?', '$']) && !is_broad(text)
    };
    keys.filter(|(key, _)| NARROWING.contains(&key.to_lowercase().as_str()))
        .any(|(_, values)| list(values).iter().all(is_fixed))
}

/// Whether a text is a range of more addresses than S3 takes for a place: IPv4 wider than /8, IPv6 than /32.
fn is_broad(text: &str) -> bool {
    let Some((address, bits)) = text.split_once('/') else {
        return false;
    };
    let least = if address.contains(':') { 32 } else { 8 };
    bits.parse().is_ok_and(|bits: u8| bits < least)
}

fn in_words(statement: &Value) -> String {
    let texts = |name: &str| {
        let (named, not) = (&statement[name], &statement[format!("Not{name}")]);
        let texts = |values: &Value| {
            let values = list(values).into_iter();
            let texts: Vec<String> = values
                .map(|value| value.as_str().map_or(value.to_string(), str::to_owned))
                .collect();
            texts.join(", ")
        };
        if named.is_null() {
            format!("all but {}", texts(not))
        } else {
            texts(named)
        }
    };
    format!("{} on {}", texts("Action"), texts("Resource"))
}

fn list(value: &Value) -> Vec<Value> {
    match value {
        Value::Null => Vec::new(),
        Value::Array(items) => items.clone(),
        one => vec![one.clone()],
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
        assert_eq!(wider(&existing)[0].name, "Sid1");
    }

    #[test]
    fn a_block_holds_back_what_is_public_and_not_published_from_here() {
        let ours = merged(
            None,
            &statement_id(Some("a")),
            &["arn:aws:s3:::b/a/keys.json".to_owned()],
        );
        assert_eq!(held_back(&ours.unwrap()), []);
        let with = |condition: Value| {
            json!({ "Statement": [{ "Sid": "Old", "Effect": "Allow", "Principal": "*", "Action": ["s3:GetObject", "s3:ListBucket"],
                "Resource": "arn:aws:s3:::b/*", "Condition": condition }] })
        };
        for (condition, is_held_back) in [
            (json!({}), true),
            (json!({ "Bool": { "aws:SecureTransport": "true" } }), true),
            (
                json!({ "StringLike": { "aws:PrincipalOrgID": "o-*" } }),
                true,
            ),
            (
                json!({ "StringNotEquals": { "aws:PrincipalOrgID": "o-abc" } }),
                true,
            ),
            (
                json!({ "IpAddress": { "aws:SourceIp": ["203.0.113.0/24", "0.0.0.0/1"] } }),
                true,
            ),
            (
                json!({ "IpAddress": { "aws:SourceIp": "203.0.113.0/24" } }),
                false,
            ),
            (
                json!({ "StringEquals": { "aws:PrincipalOrgID": "o-abc" } }),
                false,
            ),
        ] {
            let found = held_back(&with(condition.clone()));
            assert_eq!(found.len(), usize::from(is_held_back), "{condition}");
        }
        assert_eq!(
            held_back(&with(json!({})))[0].what,
            "s3:GetObject, s3:ListBucket on arn:aws:s3:::b/*"
        );
        // Somebody else's statement on documents is not ours to publish.
        let theirs = json!({ "Statement": { "Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::b/x/keys.json" } });
        assert_eq!((held_back(&theirs).len(), wider(&theirs).len()), (1, 0));
    }

    #[test]
    fn what_makes_more_public_is_seen() {
        let ours = merged(None, "Sid1", &["arn:aws:s3:::b/x/keys.json".to_owned()]).unwrap();
        assert_eq!(wider(&ours), []);
        let statement = |principal: Value, action: &str, resource: &str| json!({ "Statement": { "Effect": "Allow", "Principal": principal, "Action": action, "Resource": resource } });
        for (policy, expected) in [
            (
                statement(json!("*"), "s3:GetObject", "arn:aws:s3:::b/leak*"),
                1,
            ),
            (
                statement(json!({ "AWS": ["*"] }), "s3:ListBucket", "arn:aws:s3:::b"),
                1,
            ),
            (statement(json!("*"), "s3:*", "arn:aws:s3:::b/keys.json"), 1),
            (statement(json!({ "AWS": "111122223333" }), "s3:*", "*"), 0),
        ] {
            assert_eq!(wider(&policy).len(), expected, "{policy}");
        }
    }
}
