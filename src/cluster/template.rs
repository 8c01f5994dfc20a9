//! How YAML is rendered: strict, and with every value a quoted scalar. The signing key is put in last, so
//! that the engine, which does not wipe its buffers, never sees it.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use minijinja::{AutoEscape, Environment, UndefinedBehavior, Value, context};
use zeroize::Zeroizing;

use crate::cluster::json_patch::Operation;
use crate::cluster::settings::{ApiServerSettings, Flag, Order};
use crate::error::{Error, Result};

/// Stands for the signing key while a template is rendered. No other value has a space in it.
pub(super) const SECRET: &str = "@the signing key@";

/// A template with its values filled in.
pub(super) fn render(template: &str, values: Value) -> Result<String> {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    // A JSON string is a YAML scalar, whatever is in it.
    environment.set_auto_escape_callback(|_| AutoEscape::Json);
    let rendered = environment.render_str(template, values);
    // The template's own last newline is taken off by the engine.
    rendered
        .map(|text| text + "\n")
        .map_err(|e| Error::failed("cannot render a template").because(e))
}

/// What every form is made of. `issuer` is the first one, and `others` come after it.
pub(super) fn common(settings: &ApiServerSettings) -> Value {
    let issuers = settings.issuers();
    let (shown, limit) = match settings.order {
        Order::NewFirst if settings.node_dir().is_some() => (
            "the new issuer",
            "until every API server has the new issuer and key, the others answer 401 to new tokens.",
        ),
        Order::NewFirst => (
            "the new issuer",
            "until every API server has the new issuer, the others answer 401 to new tokens.",
        ),
        Order::NewLast => (
            "the existing issuer",
            "the existing issuer and its key go on signing; the new ones are accepted, and no more.",
        ),
        Order::NewAlone => (
            "the new issuer",
            "tokens of the old issuer are refused from now on, also those that pods hold.",
        ),
    };
    context! {
        issuer => issuers[0],
        others => list(&issuers[1..]),
        existing => list(&settings.existing()),
        jwks_uri => settings.jwks_uri(),
        keeps_key => settings.node_dir().is_none(),
        node_dir => settings.node_dir(),
        signing_key_file => settings.signing_key_file(),
        public_key_file => settings.public_key_file(),
        live => settings.is_live(),
        shown,
        limit,
    }
}

/// A list of texts as a template walks over it.
pub(super) fn list(texts: &[impl AsRef<str>]) -> Value {
    texts
        .iter()
        .map(|text| Value::from(text.as_ref()))
        .collect()
}

/// Flags as a template walks over them: `name` and `value`.
pub(super) fn flags(flags: &[Flag]) -> Value {
    let flags = flags.iter();
    flags
        .map(|flag| context! { name => flag.name, value => flag.value.as_str() })
        .collect()
}

/// A patch as a template walks over it: `op`, `path`, and `value` as JSON.
pub(super) fn patch(operations: &[Operation]) -> Value {
    let operations = operations.iter();
    operations
        .map(|Operation { op, path, value }| context! { op => *op, path => path.as_str(), value => value.to_string() })
        .collect()
}

/// The text with the secret, which needs no escaping, in its place.
pub(super) fn with_secret(text: &str, secret: &str) -> Result<Zeroizing<String>> {
    let Some((before, after)) = text.split_once(SECRET) else {
        return Err(
            Error::failed("cannot render a template").because("it has no place for the key")
        );
    };
    // Room for all of it at once: a buffer that grows leaves copies behind.
    let mut whole = Zeroizing::new(String::with_capacity(text.len() + secret.len()));
    for part in [before, secret, after] {
        whole.push_str(part);
    }
    Ok(whole)
}

/// The base64 form of a secret.
pub(super) fn base64(secret: &str) -> Result<Zeroizing<String>> {
    let mut encoded = Zeroizing::new(vec![0; secret.len().div_ceil(3) * 4]);
    let cannot = |e: &dyn std::fmt::Display| Error::failed("cannot encode the key").because(e);
    STANDARD
        .encode_slice(secret, &mut encoded)
        .map_err(|e| cannot(&e))?;
    let encoded = String::from_utf8(std::mem::take(&mut *encoded));
    encoded
        .map(Zeroizing::new)
        .map_err(|e| cannot(&e.utf8_error()))
}

/// PEM text as it stands within a JSON string.
pub(super) fn json_lines(pem: &str) -> Zeroizing<String> {
    let mut escaped = Zeroizing::new(String::with_capacity(pem.len() * 2));
    for line in pem.lines() {
        escaped.push_str(line);
        escaped.push_str("\\n");
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_takes_its_place_and_only_there() {
        let text = render("key: {{ key }}", minijinja::context! { key => SECRET }).unwrap();
        let pem = "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n";
        let whole = with_secret(&text, &json_lines(pem)).unwrap();
        let json = whole.trim_start_matches("key: ");
        assert_eq!(serde_json::from_str::<String>(json).unwrap(), pem);
        assert_eq!(base64("key").unwrap().as_str(), "a2V5");
        assert!(with_secret("none", "key").is_err());
    }
}
