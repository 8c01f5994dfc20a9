//! HCL, the language of Terraform, as `terraform fmt` writes it (HCL Native Syntax Specification).

use crate::output::sanitize::{is_harmless, is_hidden};

/// A block: its attributes, and the blocks in it.
pub(super) struct Block {
    head: String,
    parts: Vec<String>,
}

impl Block {
    /// A block of a type, with labels.
    pub(super) fn new(kind: &str, labels: &[&str]) -> Self {
        let labels = labels.iter().map(|label| format!(" {}", string(label)));
        Self {
            head: format!("{kind}{}", labels.collect::<String>()),
            parts: Vec::new(),
        }
    }

    /// Attributes of a line each, which are expressions.
    pub(super) fn attributes(mut self, attributes: &[(&str, String)]) -> Self {
        self.parts.push(aligned(attributes));
        self
    }

    /// A map, where it is not empty.
    pub(super) fn map<'a>(
        mut self,
        name: &str,
        entries: impl IntoIterator<Item = (&'a String, &'a String)>,
    ) -> Self {
        let entries: Vec<(String, String)> = entries
            .into_iter()
            .map(|(key, value)| (string(key), string(value)))
            .collect();
        let entries: Vec<(&str, String)> = entries
            .iter()
            .map(|(key, value)| (key.as_str(), value.clone()))
            .collect();
        if !entries.is_empty() {
            let entries = indented(&aligned(&entries));
            self.parts.push(format!("{name} = {{\n{entries}}}\n"));
        }
        self
    }

    /// A text of several lines.
    pub(super) fn text(mut self, name: &str, text: &str) -> Self {
        let text = if is_harmless(text) && text.ends_with('\n') {
            heredoc(text)
        } else {
            string(text)
        };
        self.parts.push(format!("{name} = {text}\n"));
        self
    }

    /// A block in it, with a remark above.
    pub(super) fn block(mut self, remark: &str, block: &Self) -> Self {
        let remark = match remark {
            "" => String::new(),
            remark => format!("# {remark}\n"),
        };
        self.parts.push(remark + &block.render());
        self
    }

    /// The text of it.
    pub(super) fn render(&self) -> String {
        // The lines of a heredoc are what they are, so it is not indented with the rest.
        let parts: Vec<String> = self.parts.iter().map(|part| indented(part)).collect();
        format!("{} {{\n{}}}\n", self.head, parts.join("\n"))
    }
}

/// Equals signs stand below one another.
fn aligned(attributes: &[(&str, String)]) -> String {
    let names = attributes.iter().map(|(name, _)| name.chars().count());
    let width = names.max().unwrap_or_default();
    let line = |(name, value): &(&str, String)| format!("{name:width$} = {value}\n");
    attributes.iter().map(line).collect()
}

const END: &str = "EOT";

fn indented(text: &str) -> String {
    let mut is_heredoc = false;
    let mut indented = String::new();
    for line in text.split_inclusive('\n') {
        if is_heredoc || line == "\n" {
            indented += line
        } else {
            indented += &format!("  {line}")
        }
        is_heredoc = if is_heredoc {
            line.trim_end() != END
        } else {
            line.ends_with(&format!("= <<{END}\n"))
        };
    }
    indented
}

/// A quoted string, in which nothing is a template or a command for a terminal.
pub(super) fn string(text: &str) -> String {
    let mut quoted = String::from('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => quoted.extend(['\\', c]),
            '\n' => quoted += "\\n",
            '\r' => quoted += "\\r",
            '\t' => quoted += "\\t",
            c if is_hidden(c) && u32::from(c) > 0xffff => {
                quoted += &format!("\\U{:08x}", u32::from(c));
            }
            c if is_hidden(c) => quoted += &format!("\\u{:04x}", u32::from(c)),
            c => quoted.push(c),
        }
    }
    // What some CI systems take for a command of the job.
    literal(&quoted).replace("##", "#\\u0023") + "\""
}

/// A list of strings, on one line.
pub(super) fn list<'a>(items: impl IntoIterator<Item = &'a String>) -> String {
    let items: Vec<String> = items.into_iter().map(|item| string(item)).collect();
    format!("[{}]", items.join(", "))
}

/// Lines as they are, the end of the last included. They are JSON, which has no line that is END.
fn heredoc(text: &str) -> String {
    format!("<<{END}\n{}{END}", literal(text))
}

/// Without the beginnings of templates.
fn literal(text: &str) -> String {
    text.replace("${", "$${").replace("%{", "%%{")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_text_is_a_template_or_ends_its_string() {
        assert_eq!(string("a\"b\\c\nd"), r#""a\"b\\c\nd""#);
        assert_eq!(string("${var.a}%{if}$$"), r#""$${var.a}%%{if}$$""#);
        assert_eq!(
            string("\u{1b}\u{202e}\u{e0001}"),
            r#""\u001b\u202e\U000e0001""#
        );
        let block = Block::new("a", &["b"]).text("text", "{\n  \"x\": \"${y}\"\n}\n");
        assert_eq!(
            block.render(),
            "a \"b\" {\n  text = <<EOT\n{\n  \"x\": \"$${y}\"\n}\nEOT\n}\n"
        );
    }
}
