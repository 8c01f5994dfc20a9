//! What must hold whatever goes wrong.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::promises::matrix::case::is;
use crate::promises::matrix::forks::{ACCOUNT, Doors};
use crate::promises::matrix::scenario::{Scenario, bucket, provider};

/// A registered provider has a bucket that is ours.
pub(super) fn bucket_behind_provider(aws: &Doors) -> Result<(), String> {
    let arn = provider().replace('/', "%2F").replace(':', "%3A");
    let query = format!(
        "Version=2010-05-08&Action=GetOpenIDConnectProvider&OpenIDConnectProviderArn={arn}"
    );
    let (found, answer) = aws.call("iam", "POST", "/", &query);
    if found == 404 {
        return Ok(());
    }
    is(found == 200, &answer)?;
    let (status, tags) = aws.call("s3", "GET", &format!("/{}?tagging", bucket()), "");
    let ours = status == 200 && tags.contains("managed-by") && tags.contains("irsactl");
    is(
        ours,
        &format!("a provider without a bucket of {ACCOUNT}: {tags}"),
    )
}

/// The neighbour's statement of the bucket policy is there, and its documents.
pub(super) fn neighbour_is_public(aws: &Doors) -> Result<(), String> {
    let (status, policy) = aws.call("s3", "GET", &format!("/{}?policy", bucket()), "");
    let is_there = status == 200 && policy.contains("IrsactlPublicDocumentsother");
    is(
        is_there,
        &format!("the neighbour's statement is gone: {policy}"),
    )?;
    let (status, _) = aws.call("s3", "GET", &format!("/{}/other/keys.json", bucket()), "");
    is(status == 200, "the neighbour's keys are gone")
}

/// How many changes AWS has answered with success.
pub(super) fn confirmed(calls: &[Value]) -> usize {
    let changes = calls.iter().filter(|call| call["changing"] == true);
    let confirmed = changes.filter(|call| call["fault"].is_null() && is_success(call));
    confirmed.count()
}

/// What the calls have changed: an operation and what it was about.
pub(super) fn effects(calls: &[Value]) -> Vec<String> {
    let changes = calls.iter().filter(|call| call["changing"] == true);
    let changes = changes.filter(|call| call["fault"] != "html" && is_success(call));
    let text = |call: &Value, name: &str| call[name].as_str().unwrap_or_default().to_owned();
    changes
        .map(|call| {
            ["operation", "host", "path", "query", "body"]
                .map(|name| text(call, name))
                .join(" ")
        })
        .collect()
}

fn is_success(call: &Value) -> bool {
    call["status"]
        .as_u64()
        .is_some_and(|status| (200..300).contains(&status))
}

/// Nothing is created twice.
pub(super) fn made_once<'e>(effects: impl Iterator<Item = &'e String>) -> Result<(), String> {
    let mut creations: Vec<&String> = effects.filter(|one| one.starts_with("Create")).collect();
    creations.sort();
    // One ClientRequestToken is one creation, however often AWS hears of it.
    creations.dedup_by(|one, other| one == other && one.starts_with("CreateSecret "));
    let all = creations.len();
    creations.dedup_by_key(|one| one.split(' ').next());
    is(all == creations.len(), "something was created twice")
}

/// Every file of a directory.
pub(super) fn files(directory: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let paths = fs::read_dir(directory)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    paths
        .map(|path| (path.clone(), fs::read(path).unwrap()))
        .collect()
}

/// However often a rotation begins, it makes one key.
pub(super) fn one_new_key(scenario: &Scenario, directory: &Path) -> Result<(), String> {
    let names = fs::read_dir(directory).unwrap();
    let names: Vec<String> = names
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    let new = names
        .iter()
        .filter(|name| name.starts_with("sa-signer-") && name.ends_with(".key"));
    let wanted = usize::from(scenario.name.starts_with("rotate-prepare"));
    is(
        new.count() == wanted,
        &format!("the key files are {names:?}"),
    )?;
    let stray = names.iter().find(|name| name.starts_with('.'));
    is(
        stray.is_none(),
        &format!("a file was left behind: {stray:?}"),
    )
}
