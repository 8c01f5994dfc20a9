//! Text from outside must not move a terminal's cursor, nor be a line that a CI runner obeys: GitHub
//! Actions acts on lines that begin with `::`, after spaces too, and on `##[` anywhere in a line (actions/runner,
//! `src/Runner.Common/ActionCommand.cs`, TryParse); Azure Pipelines on `##vso[` and `##[` (the agent's
//! `Command.cs`), TeamCity on `##teamcity[` ("Service messages"), each anywhere in a line too.

use icu_properties::CodePointSetData;
use icu_properties::props::DefaultIgnorableCodePoint;

/// What every runner that looks within a line looks for.
const COMMAND: &str = "##";

/// The text on one line, control and invisible characters escaped, and no command of a runner.
pub fn sanitized(text: &str) -> String {
    let text: String = text
        .chars()
        .flat_map(|c| {
            if is_hidden(c) {
                c.escape_default().collect::<Vec<_>>()
            } else {
                vec![c]
            }
        })
        .collect();
    let text = text.replace(COMMAND, r"#\u{23}");
    let (spaces, rest) = text.split_at(text.len() - text.trim_start().len());
    match rest.strip_prefix("::") {
        Some(rest) => format!(r"{spaces}\u{{3a}}:{rest}"),
        None => text,
    }
}

/// Control characters, and those that no one sees: what Unicode calls default-ignorable (UAX #44), which has the
/// bidirectional controls, the joiners, the tags and the fillers; the separators of lines and paragraphs; and
/// the marks of interlinear annotation.
pub(super) fn is_hidden(c: char) -> bool {
    let is_ignorable = || CodePointSetData::new::<DefaultIgnorableCodePoint>().contains(c);
    let is_separator = matches!(c, '\u{2028}' | '\u{2029}' | '\u{fff9}'..='\u{fffb}');
    c.is_control() || is_separator || !c.is_ascii() && is_ignorable()
}

/// A JSON document with hidden characters in its strings escaped (RFC 8259 §7). Line breaks between
/// its parts stay.
pub fn escaped_json(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        if is_hidden(c) && c != '\n' {
            for unit in c.encode_utf16(&mut [0; 2]) {
                escaped += &format!("\\u{unit:04x}");
            }
        } else {
            escaped.push(c)
        }
    }
    escaped.replace(COMMAND, r"#\u0023")
}

/// Whether nobody would act on text as it stands. A heading of Markdown is none of the commands.
pub(super) fn is_harmless(text: &str) -> bool {
    let is_command = |line: &str| {
        let within = ["##[", "##vso[", "##teamcity["];
        line.trim_start().starts_with("::") || within.iter().any(|command| line.contains(command))
    };
    !text
        .chars()
        .any(|c| !['\n', '\t'].contains(&c) && is_hidden(c))
        && !text.lines().any(is_command)
}

/// A path as it may be shown.
pub fn path(path: &std::path::Path) -> String {
    sanitized(&path.display().to_string())
}

/// JSON from outside, indented, each line sanitised.
pub fn sanitized_json(value: &serde_json::Value) -> String {
    let pretty = format!("{value:#}");
    pretty.lines().map(sanitized).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_reaches_the_terminal_as_a_command() {
        assert_eq!(
            sanitized("a\u{1b}[2J\n::warning::b\r"),
            "a\\u{1b}[2J\\n::warning::b\\r"
        );
        assert_eq!(sanitized("plain – text"), "plain – text");
        assert_eq!(sanitized("a\u{61c}b\u{200b}c"), "a\\u{61c}b\\u{200b}c");
        assert!(is_harmless("- a: b::c\n") && !is_harmless("a: |-\n  ::error::b\n"));
        assert_eq!(sanitized("a ##[add-mask]b"), "a #\\u{23}[add-mask]b");
        assert_eq!(sanitized("###vso[x]"), "#\\u{23}#vso[x]");
        assert_eq!(sanitized("  ::add-mask::x"), "  \\u{3a}:add-mask::x");
        for hidden in
            "\u{ad}\u{34f}\u{115f}\u{180e}\u{3164}\u{fe0f}\u{fff9}\u{2029}\u{e0100}".chars()
        {
            assert!(is_hidden(hidden), "{hidden:?}");
        }
        assert!(!"äß–→日本🙂 \u{301}".chars().any(is_hidden));
        let json = "{\n  \"a\": \"\u{9b}2J\u{e0001} ##[\"\n}\n";
        let escaped = escaped_json(json);
        assert_eq!(
            escaped,
            "{\n  \"a\": \"\\u009b2J\\udb40\\udc01 #\\u0023[\"\n}\n"
        );
        let same = |text: &str| serde_json::from_str::<serde_json::Value>(text).unwrap();
        assert_eq!(same(&escaped), same(json));
    }
}
