//! Documents in colours: text cut into pieces, each with its kind. The text itself stays as it is.

use serde::Serialize;
use serde::de::IgnoredAny;
use serde_json::Value;

use crate::output::plan;
use crate::verify::page::Page;

/// The longest text that is shown; a JWK Set of a hundred keys has half of it.
const SHOWN: usize = 128 * 1024;

/// A piece of a text: its kind is a class of the page's style sheet, or none.
#[derive(Debug, PartialEq, Serialize)]
pub(super) struct Token {
    kind: &'static str,
    text: String,
}

impl Token {
    fn new(kind: &'static str, text: &str) -> Self {
        let text = text.to_owned();
        Self { kind, text }
    }
}

/// A published document.
#[derive(Serialize)]
pub(super) struct Document {
    name: &'static str,
    url: String,
    status: String,
    content_type: Option<String>,
    bytes: usize,
    tokens: Vec<Token>,
    left_out: usize,
}

/// A document as anybody gets it.
pub(super) fn published(name: &'static str, page: &Page) -> Document {
    let answer = page.answer.as_ref();
    let (tokens, left_out) = page.body().map(body).unwrap_or_default();
    Document {
        name,
        url: page.url.clone(),
        status: match answer {
            Ok(answer) => format!("HTTP status {}", answer.status),
            Err(cause) => cause.clone(),
        },
        content_type: answer.ok().and_then(|answer| answer.content_type.clone()),
        bytes: page.body().map_or(0, <[u8]>::len),
        tokens,
        left_out,
    }
}

/// The text of a body, and how many bytes of it are left out.
fn body(body: &[u8]) -> (Vec<Token>, usize) {
    let is_json = serde_json::from_slice::<IgnoredAny>(body).is_ok();
    let shown = &body[..body.len().min(SHOWN)];
    let text = String::from_utf8_lossy(shown);
    let tokens = if is_json {
        tokens(&text)
    } else {
        vec![Token::new("", &text)]
    };
    (tokens, body.len() - shown.len())
}

/// A JSON document of an API.
pub(super) fn json(value: &Value) -> Vec<Token> {
    tokens(&format!("{value:#}"))
}

/// Whether a field of a change has lines of its own.
pub(super) fn is_document(value: &Value) -> bool {
    match value {
        Value::Object(members) => !members.values().all(Value::is_string),
        Value::Array(items) => !items.iter().all(Value::is_string),
        _ => false,
    }
}

/// A field of a change.
pub(super) fn field(value: &Value, is_document: bool) -> Vec<Token> {
    if is_document && !value.is_string() {
        json(value)
    } else {
        vec![Token::new("", &plan::value(value))]
    }
}

/// JSON by its lexical grammar alone (RFC 8259), so that it is shown byte for byte.
fn tokens(text: &str) -> Vec<Token> {
    let mut tokens = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        let (kind, length) = match rest.as_bytes()[0] {
            b'"' => {
                let length = string_length(rest);
                let is_name = rest[length..].trim_start().starts_with(':');
                (if is_name { "name" } else { "string" }, length)
            }
            c if is_word(c) => {
                let other = rest.bytes().position(|c| !is_word(c));
                ("word", other.unwrap_or(rest.len()))
            }
            _ => {
                let other = rest.bytes().position(|c| c == b'"' || is_word(c));
                ("", other.unwrap_or(rest.len()))
            }
        };
        let (token, after) = rest.split_at(length);
        tokens.push(Token::new(kind, token));
        rest = after;
    }
    tokens
}

/// Numbers, true, false and null.
fn is_word(c: u8) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, b'-' | b'+' | b'.')
}

/// With both quotes; all of the text when the second one was cut off.
fn string_length(text: &str) -> usize {
    let mut escaped = false;
    for (index, c) in text.bytes().enumerate().skip(1) {
        match c {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => return index + 1,
            _ => {}
        }
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_change_no_byte() {
        for text in [
            "{\"a\": [1.5e-3, true, null, \"b\\\"c\\\\\"],\n \"ä\" : \"ö\"}",
            "[\"cut off\\",
            "é\"é",
        ] {
            let tokens = tokens(text);
            let whole: String = tokens.iter().map(|token| token.text.as_str()).collect();
            assert_eq!(whole, text);
        }
        let kinds: Vec<&str> = tokens("{\"a\":\"b\",\"c\":-1}")
            .iter()
            .map(|token| token.kind)
            .collect();
        assert_eq!(
            kinds,
            ["", "name", "", "string", "", "name", "", "word", ""]
        );
        let (tokens, left_out) = body(&[b'a'; SHOWN + 3]);
        assert_eq!((tokens.len(), left_out), (1, 3));
    }
}
