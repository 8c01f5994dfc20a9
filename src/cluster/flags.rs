//! Plain flags, one a line, quoted for a POSIX shell.

use super::settings::ApiServerSettings;

/// The flags as text.
pub fn render(settings: &ApiServerSettings) -> String {
    let lines = settings
        .flags()
        .into_iter()
        .map(|flag| format!("--{}={}\n", flag.name, quoted(&flag.value)));
    lines.collect()
}

fn quoted(value: &str) -> String {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"-._~/:,@%+=".contains(&b);
    match value.bytes().all(plain) {
        true => value.to_owned(),
        false => format!("'{}'", value.replace('\'', r"'\''")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shell_reads_back_the_same_value() {
        assert_eq!(quoted("/etc/kubernetes/pki"), "/etc/kubernetes/pki");
        assert_eq!(quoted("/my dir/it's"), r"'/my dir/it'\''s'");
    }
}
