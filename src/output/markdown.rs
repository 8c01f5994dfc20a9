//! Pieces of Markdown; text from outside is put in so that it stays text.

use serde_json::Value;

use super::sanitized;

/// A cell of a table.
pub fn cell(text: &str) -> String {
    let escaped = sanitized(text)
        .replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('|', "\\|")
        .replace('`', "&#96;");
    // Mentions and links of a hostile text would be acted on.
    escaped.replace('@', "&#64;").replace('[', "&#91;")
}

/// A document that is shown when it is asked for.
pub(super) fn folded(title: &str, document: &Value) -> String {
    let text = format!("{document:#}");
    let lines: Vec<String> = text.lines().map(sanitized).collect();
    // A longer fence than any in the text.
    format!(
        "<details><summary>{}</summary>\n\n~~~~~json\n{}\n~~~~~\n\n</details>\n",
        cell(title),
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
