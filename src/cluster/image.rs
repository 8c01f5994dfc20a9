//! The name of a container image.

/// `latest` would change under a running cluster, and nothing would say so.
pub(crate) fn image(text: &str) -> std::result::Result<String, String> {
    let tagged = text.rsplit_once('/').map_or(text, |(_, name)| name);
    let graphic = text.bytes().all(|b| b.is_ascii_graphic());
    match tagged.split_once([':', '@']) {
        Some((_, tag)) if graphic && !tag.is_empty() && tag != "latest" => Ok(text.to_owned()),
        _ => Err("it is an image with a tag other than latest, or a digest".to_owned()),
    }
}
