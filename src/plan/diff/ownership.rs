//! Whose a resource is: what is not ours is not changed.

use crate::error::{Error, Result};
use crate::plan::tags::{CLUSTER, MANAGED_BY, Tags, missing_tags};

pub(crate) fn owned(what: &str, tags: &Tags, adopt: bool) -> Result<()> {
    let (key, value) = MANAGED_BY;
    if adopt || tags.get(key).is_some_and(|v| v == value) {
        return Ok(());
    }
    Err(Error::refused(format!("cannot change {what}: it is not ours"))
        .because(format!("it exists, but has no tag {key}={value}"))
        .hint("if it is meant to be managed from here, run again with --adopt; else choose another name with --bucket, --prefix or (a role) --name"))
}

pub(crate) fn same_cluster(what: &str, wanted: &Tags, found: &Tags, hint: &str) -> Result<()> {
    match (wanted.get(CLUSTER), found.get(CLUSTER)) {
        (Some(ours), Some(theirs)) if ours != theirs => Err(Error::refused(format!(
            "cannot use {what}: it belongs to another cluster"
        ))
        .because(format!(
            "its tag {CLUSTER} says {theirs:?}, and this is {ours:?}"
        ))
        .hint(hint)),
        _ => Ok(()),
    }
}

/// The tags to add or to change, as they are now and then; none when all are as wanted.
pub(crate) fn retagged(wanted: &Tags, found: &Tags) -> Option<(Tags, Tags)> {
    let after = missing_tags(wanted, found)?;
    let mut before = found.clone();
    before.retain(|key, _| after.contains_key(key));
    Some((before, after))
}
