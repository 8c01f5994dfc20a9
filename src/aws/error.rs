//! What AWS's errors mean for the user.
//!
//! `SdkError` itself prints only "service error", so the message is built from the code, the text
//! and the request ID.

use std::fmt::Display;

use aws_credential_types::provider::error::CredentialsError;
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_types::request_id::RequestId;

use crate::error::{Error, Exit};

/// Codes that say who we are is not accepted, or that we may not.
const PERMISSION: [&str; 12] = [
    "AccessDenied",
    "AccessDeniedException",
    "UnauthorizedOperation",
    "ExpiredToken",
    "ExpiredTokenException",
    "InvalidAccessKeyId",
    "InvalidClientTokenId",
    "InvalidToken",
    "MissingAuthenticationToken",
    "SignatureDoesNotMatch",
    "UnrecognizedClientException",
    "AuthFailure",
];

/// An error of `operation` (`service:Operation`) as the user should read it.
pub(super) fn failed<E>(
    what: impl Into<String>,
    operation: &str,
    error: SdkError<E, HttpResponse>,
) -> Error
where
    E: ProvideErrorMetadata + RequestId + std::error::Error + 'static,
{
    let code = code(&error).map(str::to_owned);
    let failed = match &error {
        SdkError::ServiceError(service) => {
            let meta = service.err();
            let status = service.raw().status().as_u16();
            let mut cause = format!("{operation}: {}", meta.code().unwrap_or("no error code"));
            match meta.message() {
                Some(message) => cause += &format!(": {message}"),
                None => cause += &format!(" (HTTP status {status})"),
            }
            if let Some(id) = meta.request_id() {
                cause += &format!(" (request {id})");
            }
            let error = Error::failed(what).because(cause);
            match code.as_deref() {
                Some("ExpiredToken" | "ExpiredTokenException") => error
                    .with_exit(Exit::Permission)
                    .hint("the credentials have expired: renew them (aws sso login, or a new session) and run again"),
                Some("RequestTimeTooSkewed") => {
                    error.hint("this machine's clock is more than 15 minutes off; set it and run again")
                }
                Some(code) if code.starts_with("AccessDenied") => {
                    let message = meta.message().unwrap_or_default();
                    let hint = if message.contains("explicit deny") {
                        "a policy of the organization, a permissions boundary or the resource denies it: ask whoever owns that".to_owned()
                    } else {
                        format!(
                            "grant {} ('irsactl policy' prints the whole list), or hand an administrator the output of --dry-run",
                            action(operation)
                        )
                    };
                    error.with_exit(Exit::Permission).hint(hint)
                }
                Some("InvalidClientTokenId" | "InvalidToken") => error.with_exit(Exit::Permission).hint(
                    "check the credentials (aws sts get-caller-identity), and that --region is enabled in this account",
                ),
                Some(code) if PERMISSION.contains(&code) => error
                    .with_exit(Exit::Permission)
                    .hint("check the credentials: aws sts get-caller-identity"),
                _ if status == 403 => error
                    .with_exit(Exit::Permission)
                    .hint(format!("grant {}; 'irsactl policy' prints the whole list", action(operation))),
                _ => match advice(status, code.as_deref()) {
                    Some(advice) => error.hint(advice),
                    None => error,
                },
            }
        }
        _ => {
            if let Some(cause) = credentials_error(&error) {
                let error = cause.lines().fold(Error::permission(what), |error, line| {
                    error.because(line.trim())
                });
                return error.hint(
                    "log in with: aws sso login; or choose a profile that exists with --profile, or set AWS_ACCESS_KEY_ID with AWS_SECRET_ACCESS_KEY",
                );
            }
            Error::failed(what)
                .because(format!("{operation}: {}", chain(&error)))
                .hint("check --region, the network, HTTPS_PROXY, SSL_CERT_FILE and AWS_ENDPOINT_URL, then run again")
        }
    };
    failed.with_code(code)
}

/// An answer of `operation` that is no answer, though AWS's form is around it.
pub(super) fn garbled(what: impl Into<String>, operation: &str, cause: impl Display) -> Error {
    Error::failed(what)
        .because(format!("{operation}: {cause}"))
        .hint(
            "the answer may have been cut short or changed on the way: run the same command again",
        )
}

/// What to do about an answer that is nobody's fault, or not AWS's.
fn advice(status: u16, code: Option<&str>) -> Option<&'static str> {
    match (status, code) {
        (200..400, None) => Some(
            "something on the way answered in AWS's place: look for a log-in page of this network, check HTTPS_PROXY and AWS_ENDPOINT_URL, then run again",
        ),
        (429 | 500.., _)
        | (_, Some("Throttling" | "ThrottlingException" | "RequestLimitExceeded")) => {
            Some("AWS is busy or has trouble of its own: run the same command again in a while")
        }
        (409, None | Some("OperationAborted" | "ConcurrentModification")) => {
            Some("something else is changing it at the same time: run the same command again")
        }
        (409, Some("DeleteConflict" | "BucketNotEmpty")) => Some(
            "something is still in it, or attached to it: run the same command again, and look at it by hand if that does not help",
        ),
        // It was looked for before.
        (_, Some("NoSuchBucket")) => Some(
            "it was there a moment ago: something else may have removed it, or answers in AWS's place; run the same command again",
        ),
        // The answer to a HEAD has no body that could say more.
        (400, None) => Some(
            "check that the credentials have not expired (aws sts get-caller-identity), and --region",
        ),
        _ => None,
    }
}

/// The IAM action of an API operation, where the two differ (Service Authorization Reference).
fn action(operation: &str) -> &str {
    match operation {
        "s3:HeadBucket" | "s3:ListObjectsV2" => "s3:ListBucket",
        "s3:ListBuckets" => "s3:ListAllMyBuckets",
        "s3:PutPublicAccessBlock" => "s3:PutBucketPublicAccessBlock",
        same => same,
    }
}

/// The AWS error code, where a service answered.
pub(super) fn code<E: ProvideErrorMetadata>(error: &SdkError<E, HttpResponse>) -> Option<&str> {
    error.as_service_error()?.code()
}

/// The HTTP status, where a service answered.
pub(super) fn status<E>(error: &SdkError<E, HttpResponse>) -> Option<u16> {
    Some(error.raw_response()?.status().as_u16())
}

fn sources<'a>(
    error: &'a (dyn std::error::Error + 'static),
) -> impl Iterator<Item = &'a (dyn std::error::Error + 'static)> {
    std::iter::successors(Some(error), |&error| error.source())
}

fn chain<E: std::error::Error + 'static>(error: &SdkError<E, HttpResponse>) -> String {
    let texts = sources(error).map(ToString::to_string);
    // The SDK writes out requests, with their bodies, that it could not make.
    let texts: Vec<String> = texts.filter(|text| !text.contains("SdkBody")).collect();
    texts.join(": ")
}

/// Why there are no credentials, when that is what went wrong.
fn credentials_error<E: std::error::Error + 'static>(
    error: &SdkError<E, HttpResponse>,
) -> Option<String> {
    let error = sources(error).find_map(|source| source.downcast_ref::<CredentialsError>())?;
    let innermost = sources(error)
        .last()
        .filter(|_| std::error::Error::source(error).is_some());
    Some(match innermost {
        // One source a line.
        Some(cause) => {
            format!("there are no AWS credentials: {cause}").replace(" Attempted:\n", "\n")
        }
        None => "there are no AWS credentials".to_owned(),
    })
}
