//! Text from outside must not move a terminal's cursor, nor start a line that a CI runner obeys
//! (GitHub Actions acts on lines that begin with `::`).

/// The text on one line, control and bidirectional formatting characters escaped.
pub fn sanitized(text: &str) -> String {
    text.chars()
        .flat_map(|c| match c.is_control() || matches!(c, '\u{200e}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}') {
            true => c.escape_default().collect::<Vec<_>>(),
            false => vec![c],
        })
        .collect()
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
    }
}
