//! The statements of a bucket policy that let everybody in.

use serde_json::Value;

use crate::iam::arn::AccountId;
use crate::iam::policy;

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
        published_here(statement).is_none() && !is_narrow(statement)
    })
}

/// The statements for others than the account that RestrictPublicBuckets cuts off. It does so as long as any
/// statement is public, such as an issuer's ("Blocking public access to your Amazon S3 storage", S3 User Guide):
/// narrow ones and those for other accounts too.
pub fn cut_off(policy: &Value, account: &AccountId) -> Vec<Public> {
    if public(policy, |statement| !is_narrow(statement)).is_empty() {
        return Vec::new();
    }
    let statements = allowing(policy, |statement| {
        let who = list(&statement["Principal"]);
        let is_outside = |one: &Value| one.as_str().is_none_or(|one| !is_of_account(one, account));
        let names = who.iter().flat_map(|who| match who {
            Value::Object(kinds) => {
                let people = kinds.iter().filter(|(kind, _)| *kind != "Service");
                people.flat_map(|(_, names)| list(names)).collect()
            }
            everybody => vec![everybody.clone()],
        });
        names.into_iter().any(|one| is_outside(&one)) || statement.get("NotPrincipal").is_some()
    });
    statements
        .filter(|(_, statement)| published_here(statement).is_none())
        .map(|(index, statement)| described(index, &statement))
        .collect()
}

/// Whether a principal is an account, or an ARN in it.
fn is_of_account(principal: &str, account: &AccountId) -> bool {
    principal == account.as_str() || principal.split(':').nth(4) == Some(account.as_str())
}

/// The ARNs of the objects that issuers are published with from here.
pub fn published(policy: &Value) -> Vec<String> {
    let statements = list(&policy["Statement"]);
    let found = statements.iter().filter_map(published_here);
    found.flatten().collect()
}

/// The two objects of an issuer's statement, which its Sid is made of: nothing else is known by its Sid alone.
fn published_here(statement: &Value) -> Option<[String; 2]> {
    let arns: Vec<String> = list(&statement["Resource"])
        .iter()
        .filter_map(|arn| arn.as_str().map(str::to_owned))
        .collect();
    let [one, two] = <[String; 2]>::try_from(arns).ok()?;
    let (keys, discovery) = if one.ends_with("/keys.json") {
        (one, two)
    } else {
        (two, one)
    };
    let place = keys.strip_suffix("/keys.json")?;
    let (_, path) = place.split_once(":::")?;
    let prefix = path.split_once('/').map(|(_, prefix)| prefix);
    let is_meant = statement["Sid"].as_str() == Some(&policy::statement_id(prefix))
        && discovery.strip_suffix("/.well-known/openid-configuration") == Some(place)
        && is_of_documents(statement)
        && statement.get("Condition").is_none();
    is_meant.then_some([keys, discovery])
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
    let everybody = |statement: &Value| {
        let names = |who: &Value| *who == "*" || list(&who["AWS"]).iter().any(|one| *one == "*");
        list(&statement["Principal"]).iter().any(names) || statement.get("NotPrincipal").is_some()
    };
    allowing(policy, everybody)
        .filter(|(_, statement)| is_meant(statement))
        .map(|(index, statement)| described(index, &statement))
        .collect()
}

/// The statements that allow something to those who are meant, and their places.
fn allowing(
    policy: &Value,
    is_meant: impl Fn(&Value) -> bool,
) -> impl Iterator<Item = (usize, Value)> {
    let statements = list(&policy["Statement"]).into_iter().enumerate();
    statements.filter(move |(_, statement)| statement["Effect"] == "Allow" && is_meant(statement))
}

fn described(index: usize, statement: &Value) -> Public {
    Public {
        name: match statement["Sid"].as_str() {
            Some(sid) => sid.to_owned(),
            None => format!("statement {}", index + 1),
        },
        what: in_words(statement),
        has_condition: statement.get("Condition").is_some(),
    }
}

/// Whether a statement gives s3:GetObject on issuers' documents by their exact names, and no more.
fn is_of_documents(statement: &Value) -> bool {
    let document = |resource: &Value| {
        resource.as_str().is_some_and(|arn| {
            let exact = !arn.contains(['*', '?', '$']);
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
/// whatever the block says, unless another one is public: see [`cut_off`].
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
        .any(|(_, values)| !list(values).is_empty() && list(values).iter().all(is_fixed))
}

/// Whether a text is a range of more addresses than S3 takes for a place: IPv4 wider than /8, IPv6 than /32.
fn is_broad(text: &str) -> bool {
    let Some((address, bits)) = text.split_once('/') else {
        return false;
    };
    // Every IPv4 address is below ::ffff:0:0/96 (RFC 4291 §2.5.5.2).
    let least = match (
        address.contains(':'),
        address.to_lowercase().contains("ffff:"),
    ) {
        (true, true) => 104,
        (true, false) => 32,
        (false, _) => 8,
    };
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

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::policy;
    use super::*;

    #[test]
    fn a_block_holds_back_what_is_public_and_not_published_from_here() {
        let ours = policy::merged(
            None,
            &policy::statement_id(Some("a")),
            &[
                "arn:aws:s3:::b/a/keys.json".to_owned(),
                "arn:aws:s3:::b/a/.well-known/openid-configuration".to_owned(),
            ],
        )
        .unwrap();
        assert_eq!(held_back(&ours), []);
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
                json!({ "IpAddress": { "aws:SourceIp": "::ffff:0:0/96" } }),
                true,
            ),
            (json!({ "IpAddress": { "aws:SourceIp": [] } }), true),
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
        for (from, to) in [
            ("IrsactlPublicDocumentsa", "IrsactlPublicDocumentsX"),
            ("b/a/keys.json", "b/payroll/keys.json"),
            ("b/a/keys.json", "b/${aws:Referer}/keys.json"),
            ("b/a/.well-known", "b/c/.well-known"),
        ] {
            let other = ours.to_string().replace(from, to);
            let other: Value = serde_json::from_str(&other).unwrap();
            assert_eq!(held_back(&other).len(), 1, "{other}");
        }
        // Somebody else's statement on documents is not ours to publish.
        let theirs = json!({ "Statement": { "Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::b/x/keys.json" } });
        assert_eq!((held_back(&theirs).len(), wider(&theirs).len()), (1, 0));
    }

    #[test]
    fn what_makes_more_public_is_seen() {
        let ours =
            policy::merged(None, "Sid1", &["arn:aws:s3:::b/x/keys.json".to_owned()]).unwrap();
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
