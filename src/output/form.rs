//! The forms of an answer: text for people, JSON, YAML and variables for programs, Markdown for reviews.

use serde::Serialize;
use serde_json::{Value, json};

use crate::output::sanitize;
use crate::plan::document::json_text;

/// The form of the answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// For people, and for files where the answer is a document.
    Text,
    /// One JSON document.
    Json,
    /// The same as YAML.
    Yaml,
    /// For a pull request's comment or a job's summary.
    Markdown,
    /// `name=value` lines, for `>> "$GITHUB_OUTPUT"` and dotenv.
    Env,
}

/// What a command answers: one serialisable value that also has a text form.
pub trait Answer: Serialize {
    /// The text form; it ends with a newline.
    fn text(&self) -> String;

    /// The Markdown form.
    fn markdown(&self) -> String {
        format!("```text\n{}```\n", plain(&self.text()))
    }

    /// Whether a CI job's summary and outputs are to have it; it holds no secret then.
    fn is_for_ci(&self) -> bool {
        false
    }

    /// Whether the answer is a document of a form of its own, such as a JWK Set: nothing is added to it.
    fn is_document(&self) -> bool {
        false
    }
}

/// The version of the JSON forms; a change that breaks a reader changes it.
pub const FORMAT_VERSION: &str = "1.0";

/// The answer in a form.
pub(super) fn render(answer: &impl Answer, format: Format) -> String {
    match format {
        Format::Text => answer.text(),
        Format::Json => sanitize::escaped_json(&json_text(&value(answer))),
        Format::Yaml => yaml(&value(answer)),
        Format::Markdown => answer.markdown(),
        Format::Env => variables(&value(answer)),
    }
}

/// The answer as JSON; an object says which version of its form it is.
pub(super) fn value(answer: &impl Answer) -> Value {
    let value = serde_json::to_value(answer).unwrap_or(Value::Null);
    match value {
        Value::Object(members)
            if !answer.is_document() && !members.contains_key("format_version") =>
        {
            let mut versioned = json!({ "format_version": FORMAT_VERSION });
            if let Some(all) = versioned.as_object_mut() {
                all.extend(members);
            }
            versioned
        }
        other => other,
    }
}

/// Every JSON document is a YAML one (YAML 1.2 §1.3), which is what text that must be escaped becomes.
fn yaml(value: &Value) -> String {
    match serde_saphyr::to_string(value) {
        Ok(text) if sanitize::is_harmless(&text) => text,
        _ => sanitize::escaped_json(&json_text(value)),
    }
}

/// The scalars of the answer, and its lists of them with commas. What has spaces or lines would need
/// quotes, which the readers of such files do not agree on, and is left out.
pub(super) fn variables(value: &Value) -> String {
    let scalar = |value: &Value| match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(_) | Value::Bool(_) => Some(value.to_string()),
        _ => None,
    };
    let text = |name: &str, value: &Value| match value {
        // A plan lists its changes; what was done says how many.
        Value::Array(changes) if name == "changes" => Some(changes.len().to_string()),
        Value::Array(items) if items.is_empty() => None,
        Value::Array(items) => {
            let items: Option<Vec<String>> = items.iter().map(scalar).collect();
            items.map(|items| items.join(","))
        }
        one => scalar(one),
    };
    let members = value.as_object().into_iter().flatten();
    members
        .filter_map(|(name, value)| Some((name, text(name, value)?)))
        .filter(|(_, text)| sanitize::is_harmless(text) && !text.contains(char::is_whitespace))
        .map(|(name, text)| format!("{name}={text}\n"))
        .collect()
}

/// Text without colours, which Markdown would show as what they are.
pub(super) fn plain(text: &str) -> String {
    anstream::adapter::strip_str(text).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_are_one_line_each() {
        let value = json!({ "issuer": "https://a.example", "kids": ["a", "b"], "changes": 2, "text": "a b",
            "hostile": "a\nPATH=x", "checks": [{}], "none": null });
        assert_eq!(
            variables(&value),
            "issuer=https://a.example\nkids=a,b\nchanges=2\n"
        );
    }
}
