//! How a changing call ended: done, failed, or not yet.

use aws_sdk_iam::types::Tag;
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_types::request_id::RequestId;

use crate::aws::error::{code, failed};
use crate::error::{Error, Exit, Result};
use crate::plan::action::Action;
use crate::plan::change::Change;
use crate::plan::change::bucket::BucketChange;
use crate::plan::change::role::RoleChange;
use crate::plan::tags::Tags;

/// A call that did not do what it was to do.
pub(super) struct Failure {
    pub(super) error: Error,
    /// The error code, when AWS only needs time.
    pub(super) not_yet: Option<String>,
}

impl Failure {
    /// AWS has done it, and does not show it yet.
    pub(super) fn not_yet(change: &Change, reason: &str) -> Self {
        Self {
            error: Error::failed(cannot(change)).because(reason),
            not_yet: Some(reason.to_owned()),
        }
    }
}

/// The outcome of a call; an error with one of the codes `done` says that it is there already.
pub(super) fn done_unless<O, E>(
    change: &Change,
    result: std::result::Result<O, SdkError<E, HttpResponse>>,
    done: &[&str],
) -> std::result::Result<(), Failure>
where
    E: ProvideErrorMetadata + RequestId + std::error::Error + 'static,
{
    let Err(error) = result else { return Ok(()) };
    let code = code(&error).unwrap_or_default();
    if done.contains(&code) {
        return Ok(());
    }
    let message = error
        .as_service_error()
        .and_then(ProvideErrorMetadata::message)
        .unwrap_or_default();
    let not_yet = not_yet(change, code, message).then(|| code.to_owned());
    let hint = match code {
        "BucketAlreadyExists" => {
            Some("the name is taken by another account: choose another with --bucket")
        }
        "PreconditionFailed" => Some(
            "somebody else published in the meantime: run again, it starts from what is there now",
        ),
        _ if message.contains("BlockPublicPolicy") => Some(
            "a public access block forbids public policies: not the bucket's and not the account's, which were looked at, so the organization's",
        ),
        "OpenIdIdpCommunicationError" => {
            Some("IAM could not read the issuer's certificate: give it with --thumbprint")
        }
        _ => None,
    };
    let precondition = code == "PreconditionFailed";
    let blocked = message.contains("BlockPublicPolicy");
    let mut error = failed(cannot(change), change.operation(), error);
    if let Some(hint) = hint {
        error = error.hint(hint);
    }
    // Nothing was changed by this call, and by no other run of it.
    if blocked || precondition {
        error = error.with_exit(Exit::Refused);
    }
    Err(Failure { error, not_yet })
}

/// Whether AWS only needs time. The SDK retries throttling and server errors, but none of these.
fn not_yet(change: &Change, code: &str, message: &str) -> bool {
    match (change, code) {
        (_, "OperationAborted" | "ConditionalRequestConflict" | "ConcurrentModification") => true,
        // Bucket configuration is eventually consistent: the bucket was there, or was just made.
        (Change::Bucket(BucketChange::Create { .. }), _) => false,
        (_, "NoSuchBucket") => true,
        // A role that was just made; a policy that does not exist has another message.
        (_, "NoSuchEntity") => message.contains("role with name"),
        // A provider that was just made (IAM User Guide, "Changes that I make are not always immediately
        // visible").
        (
            Change::Role(RoleChange::Create { .. }) | Change::Role(RoleChange::UpdateTrust { .. }),
            "MalformedPolicyDocument",
        ) => message.contains("Invalid principal"),
        // The same text as for the account-level block, which was found to be off.
        (Change::Bucket(BucketChange::PutPolicy { .. }), "AccessDenied") => {
            message.contains("BlockPublicPolicy")
        }
        _ => false,
    }
}

pub(super) fn cannot(change: &Change) -> String {
    let verb = match change.action() {
        Action::Create => "create",
        Action::Update => "update",
        Action::Remove => "remove",
    };
    format!("cannot {verb} {}", change.resource())
}

/// The outcome of a creation; the error code `exists` says that something is there already. An earlier attempt whose
/// answer was lost, or another run of the same, has made it: with these tags, and as it is to be otherwise, which
/// `found` says. What anybody else has made since it was looked for is not changed.
pub(super) async fn created<O, E>(
    change: &Change,
    result: std::result::Result<O, SdkError<E, HttpResponse>>,
    exists: &str,
    wanted: &Tags,
    found: impl Future<Output = Result<Option<(Tags, bool)>>>,
) -> std::result::Result<(), Failure>
where
    E: ProvideErrorMetadata + RequestId + std::error::Error + 'static,
{
    let is_there = matches!(&result, Err(error) if code(error) == Some(exists));
    done_unless(change, result, &[exists])?;
    if !is_there {
        return Ok(());
    }
    let found = found.await.map_err(|error| Failure {
        error,
        not_yet: None,
    })?;
    let Some((found, is_same)) = found.filter(|(found, _)| !found.is_empty()) else {
        return Err(Failure::not_yet(change, "its tags do not show"));
    };
    let has_tags = wanted
        .iter()
        .all(|(key, value)| found.get(key) == Some(value));
    if has_tags && is_same {
        return Ok(());
    }
    Err(Failure {
        error: Error::refused(cannot(change))
            .because("another process created it during this run")
            .hint("run the command again; it continues from the current state"),
        not_yet: None,
    })
}

/// Tags as IAM takes them.
pub(super) fn iam_tags(tags: &Tags) -> Vec<Tag> {
    tags.iter()
        .filter_map(|(key, value)| Tag::builder().key(key).value(value).build().ok())
        .collect()
}
