//! What else lies beside the two documents of an issuer in a bucket.

use serde_json::Value;

use crate::iam::public;
use crate::oidc::jwks::{JwkSet, JwksError};
use crate::verify::page::{self, Page};
use crate::verify::report::Check;

const SECRETS: &str = "private keys in the bucket";
const PUBLIC: &str = "other public objects";
/// The check of [`statements`].
pub const STATEMENTS: &str = "wider bucket policy statements";

/// An object other than the two documents, as an anonymous reader gets it.
#[derive(Clone, Debug)]
pub struct Other {
    /// Its key.
    pub key: String,
    /// What is read.
    pub page: Page,
}

/// Whether a key is that of an issuer's document: a bucket may hold several issuers, by prefix.
fn is_document(key: &str) -> bool {
    ["keys.json", ".well-known/openid-configuration"]
        .iter()
        .any(|name| key == *name || key.ends_with(&format!("/{name}")))
}

/// By name and by content: a signing key, or anything in PEM, has no business in a bucket that is made
/// to be read. `keys` are those of all objects that were listed, `others` those that were asked for, and
/// `more` says that there are more than were listed.
pub fn check(bucket: &str, keys: &[String], others: &[Other], more: bool) -> Vec<Check> {
    let judged = others
        .iter()
        .filter(|other| other.page.is_private().is_some());
    let judged = judged.count();
    let unseen = keys.len().saturating_sub(judged) + usize::from(more);
    let readable = || others.iter().filter(|other| other.page.body().is_some());
    let urls = |of: &mut dyn Iterator<Item = &Other>| -> String {
        let urls: Vec<&str> = of.map(|other| other.page.url.as_str()).collect();
        urls.join(", ")
    };
    let leaked = urls(&mut readable().filter(|other| other.page.body().is_some_and(is_private)));
    let named: Vec<&str> = keys
        .iter()
        .map(String::as_str)
        .filter(|key| is_key_name(key))
        .collect();
    let secrets = match (leaked.as_str(), named.as_slice()) {
        ("", []) => String::new(),
        ("", named) => format!("by their names: {}", named.join(", ")),
        (leaked, _) => format!("KEY COMPROMISED: everybody can read {leaked}"),
    };
    let public = urls(&mut readable().filter(|other| !is_document(&other.key)));
    let found = |name, found: String, hint: &str| match (found.as_str(), unseen) {
        ("", 0) => Check::new(name, bucket, true, "none", "none"),
        ("", unseen) => {
            let reason =
                format!("none among the {judged} that were looked at; {unseen} or more were not");
            Check::skipped(name, bucket, reason)
                .hint("keep a bucket for issuers alone; where it is, run again")
        }
        _ => Check::new(name, bucket, false, "none", found).hint(hint),
    };
    vec![
        found(
            SECRETS,
            secrets,
            "a signing key belongs on the control-plane nodes alone: take it away, and if it was ever readable make a new one: 'irsactl rotate'",
        ),
        found(
            PUBLIC,
            public,
            "a statement of the bucket policy gives more than the two documents: take it away",
        ),
    ]
}

/// Statements of the bucket policy that let everybody do more than read issuers' documents.
pub fn statements(bucket: &str, policy: Option<&Value>) -> Check {
    let wider = policy.map(public::wider).unwrap_or_default();
    let names: Vec<&str> = wider.iter().map(|one| one.name.as_str()).collect();
    let actual = match names.as_slice() {
        [] => "none".to_owned(),
        names => names.join(", "),
    };
    let check = Check::new(STATEMENTS, bucket, names.is_empty(), "none", actual)
        .hint("they let everybody do more than read the two documents of an issuer: take them away, or look at their conditions");
    if wider.iter().all(|one| one.has_condition) {
        check.or_warn()
    } else {
        check
    }
}

/// Whether an anonymous reader can list the bucket.
pub fn listing(page: &Page) -> Check {
    page::private("bucket listing", page)
}

fn is_key_name(key: &str) -> bool {
    let name = key.rsplit('/').next().unwrap_or(key).to_lowercase();
    let ending = [".key", ".pem", ".p8", ".p12", ".pfx", ".jks", "_rsa"];
    ending.iter().any(|ending| name.ends_with(ending))
}

fn is_private(body: &[u8]) -> bool {
    let text = String::from_utf8_lossy(body);
    let pem = text.contains("-----BEGIN") && text.contains("PRIVATE KEY-----");
    pem || matches!(JwkSet::parse(body), Err(JwksError::Private(_)))
}

#[cfg(test)]
mod tests {
    use super::super::report::Outcome;
    use super::*;

    #[test]
    fn documents_of_other_issuers_may_be_read_but_hold_no_private_key() {
        let other = |key: &str, body: &str| Other {
            key: key.to_owned(),
            page: Page {
                url: format!("https://b/{key}"),
                answer: Ok(page::Answer {
                    status: 200,
                    content_type: None,
                    body: body.as_bytes().to_vec(),
                }),
            },
        };
        let actual = |others: &[Other]| {
            let keys: Vec<String> = others.iter().map(|other| other.key.clone()).collect();
            let checks = check("s3://b", &keys, others, false);
            [checks[0].actual.clone(), checks[1].actual.clone()]
        };
        assert_eq!(actual(&[other("b/keys.json", "{}")]), ["none", "none"]);
        let [leaked, _] = actual(&[other("b/keys.json", r#"{"keys":[{"d":"x"}]}"#)]);
        assert!(leaked.starts_with("KEY COMPROMISED"), "{leaked}");
        let [named, public] = actual(&[other("a/sa-signer.key", "")]);
        assert_eq!(named, "by their names: a/sa-signer.key");
        assert_eq!(public, "https://b/a/sa-signer.key");
        let unseen = ["notes".to_owned()];
        assert_eq!(
            check("s3://b", &unseen, &[], false)[1].outcome,
            Outcome::Skipped
        );
        let unseen = ["late/sa-signer.key".to_owned()];
        assert_eq!(
            check("s3://b", &unseen, &[], true)[0].outcome,
            Outcome::Fail
        );
        let mut slow = other("notes", "");
        for (answer, outcome) in [
            (Err("no answer".to_owned()), Outcome::Skipped),
            (Ok(503), Outcome::Skipped),
            (Ok(403), Outcome::Pass),
            (Ok(200), Outcome::Fail),
        ] {
            slow.page.answer = answer.map(|status| page::Answer {
                status,
                content_type: None,
                body: Vec::new(),
            });
            let keys = ["notes".to_owned()];
            let checks = check("s3://b", &keys, std::slice::from_ref(&slow), false);
            assert_eq!(checks[1].outcome, outcome, "{:?}", slow.page);
        }
    }
}
