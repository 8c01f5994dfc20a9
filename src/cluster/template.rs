//! How YAML is rendered: strict, and with every value a quoted scalar.

use minijinja::{AutoEscape, Environment, UndefinedBehavior, Value};

use crate::error::{Error, Result};

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
