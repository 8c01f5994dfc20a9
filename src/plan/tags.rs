//! The tags that mark what is ours, and the user's own.

use std::collections::BTreeMap;

/// Tags of a bucket or a provider.
pub type Tags = BTreeMap<String, String>;

/// The tag that makes a resource ours.
pub const MANAGED_BY: (&str, &str) = ("managed-by", "irsactl");

/// The tag that names the cluster; on the provider, of which a cluster has its own.
pub const CLUSTER: &str = "irsactl/cluster";

/// Whether something is tagged as ours.
pub fn is_ours(tags: &Tags) -> bool {
    let (key, value) = MANAGED_BY;
    tags.get(key).is_some_and(|found| found == value)
}

/// The owner's mark.
pub(crate) fn owner_tags(cluster: Option<&str>) -> Tags {
    let (key, value) = MANAGED_BY;
    let mut tags = Tags::from([(key.to_owned(), value.to_owned())]);
    tags.extend(cluster.map(|cluster| (CLUSTER.to_owned(), cluster.to_owned())));
    tags
}

/// Parses a tag.
pub(crate) fn tag(text: &str) -> std::result::Result<(String, String), String> {
    // The intersection of what S3 and IAM take: letters, digits, spaces and + - = . _ : / @
    let allowed = |c: char| c.is_alphanumeric() || " +-=._:/@".contains(c);
    match text.split_once('=') {
        Some((key, value))
            if !key.is_empty()
                && key.len() <= 128
                && value.len() <= 256
                && !key.to_ascii_lowercase().starts_with("aws:")
                && text.chars().all(allowed) =>
        {
            Ok((key.to_owned(), value.to_owned()))
        }
        _ => Err("a tag is KEY=VALUE with letters, digits, spaces and + - = . _ : / @, and no aws: in front".to_owned()),
    }
}

/// The wanted tags that are absent or differ; others on the resource are not ours to touch.
pub(crate) fn missing_tags(wanted: &Tags, found: &Tags) -> Option<Tags> {
    let missing: Tags = wanted
        .iter()
        .filter(|(key, value)| found.get(*key) != Some(value))
        .map(|(key, value)| (key.clone(), value.clone()))
        .collect();
    (!missing.is_empty()).then_some(missing)
}
