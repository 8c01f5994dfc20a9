//! Plain flags, one a line, quoted for a POSIX shell.

use crate::cluster::settings::ApiServerSettings;
use crate::error::shell_quoted;

/// The flags as text.
pub(crate) fn render(settings: &ApiServerSettings) -> String {
    let flags = settings.flags().into_iter();
    flags
        .map(|flag| format!("--{}={}\n", flag.name, shell_quoted(&flag.value)))
        .collect()
}
