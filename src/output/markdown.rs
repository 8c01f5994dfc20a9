//! Pieces of Markdown; text from outside is put in so that it stays text.

use serde_json::Value;

use crate::output::sanitized;

/// A text as it is: in a code span, where it could be more than words. There no link, mention or asterisk of it
/// is acted on (GitHub Flavored Markdown §6.3); a pipe would end a table's cell all the same (§4.10).
pub fn cell(text: &str) -> String {
    let text = sanitized(text);
    let is_plain = |c: char| c.is_alphanumeric() || " ,.;()-+→".contains(c);
    if text.chars().all(is_plain) && !text.to_lowercase().contains("www.") {
        return text;
    }
    let runs = text.split(|c| c != '`').map(str::len);
    let fence = "`".repeat(runs.max().unwrap_or_default() + 1);
    // One space at each end is not a part of it.
    let space = if text.contains('`') { " " } else { "" };
    format!("{fence}{space}{}{space}{fence}", text.replace('|', "\\|"))
}

/// A text between tags.
fn html(text: &str) -> String {
    let text = sanitized(text).replace('&', "&amp;");
    text.replace('<', "&lt;").replace('@', "&#64;")
}

/// A document that is shown when it is asked for.
pub(super) fn folded(title: &str, document: &Value) -> String {
    let text = format!("{document:#}");
    let lines: Vec<String> = text.lines().map(sanitized).collect();
    // A longer fence than any in the text.
    format!(
        "<details><summary>{}</summary>\n\n~~~~~json\n{}\n~~~~~\n\n</details>\n",
        html(title),
        lines.join("\n").replace("~~~~~", "~~~~ ~")
    )
}

/// A picture of what trusts what, from the cluster on.
pub fn chain(links: &[(&str, String)]) -> String {
    let mut picture = "```mermaid\nflowchart LR\n".to_owned();
    for (index, (label, name)) in links.iter().enumerate() {
        let name = sanitized(name).replace(['"', '`', '<', '>', '#'], " ");
        picture += &format!("  n{index}[\"{label}: {name}\"]\n");
        if index > 0 {
            picture += &format!("  n{} --> n{index}\n", index - 1);
        }
    }
    picture + "```\n"
}
