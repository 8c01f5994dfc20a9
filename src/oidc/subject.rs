//! The subject of a service account's tokens.

use std::fmt;

use schemars::JsonSchema;
use serde::Serialize;

const PREFIX: &str = "system:serviceaccount:";

/// `system:serviceaccount:NAMESPACE:NAME` (kubernetes `pkg/serviceaccount/util.go`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(transparent)]
pub struct Subject(String);

/// Text that is not a service account.
#[derive(Debug, thiserror::Error)]
#[error(
    "a service account is NAMESPACE/NAME or system:serviceaccount:NAMESPACE:NAME, in lower-case letters, digits and hyphens"
)]
pub struct NotASubject;

impl std::str::FromStr for Subject {
    type Err = NotASubject;

    fn from_str(text: &str) -> Result<Self, NotASubject> {
        let parts = match text.strip_prefix(PREFIX) {
            Some(rest) => rest.split_once(':'),
            None => text.split_once('/'),
        };
        match parts {
            Some((namespace, name))
                if is_label(namespace, 63)
                    && name.len() <= 253
                    && name.split('.').all(|part| is_label(part, 253)) =>
            {
                Ok(Self(format!("{PREFIX}{namespace}:{name}")))
            }
            _ => Err(NotASubject),
        }
    }
}

/// A DNS label (RFC 1123), which a namespace is; a service account's name has several with dots.
fn is_label(text: &str, max: usize) -> bool {
    (1..=max).contains(&text.len())
        && text
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
        && !text.starts_with('-')
        && !text.ends_with('-')
}

impl Subject {
    /// The namespace and the name.
    pub fn parts(&self) -> (&str, &str) {
        self.0[PREFIX.len()..].split_once(':').unwrap_or_default()
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms_are_one_subject() {
        let parse = |text: &str| text.parse::<Subject>().map(|subject| subject.to_string());
        assert_eq!(
            parse("default/app.one").unwrap(),
            "system:serviceaccount:default:app.one"
        );
        assert_eq!(
            parse("system:serviceaccount:a:b").unwrap(),
            "system:serviceaccount:a:b"
        );
        for text in [
            "",
            "app",
            "default/",
            "/app",
            "De/app",
            "default/*",
            "a/b/c",
            "system:serviceaccount:a",
            "a.b/c",
        ] {
            assert!(parse(text).is_err(), "{text}");
        }
    }
}
