//! What AWS's errors mean for the user.
//!
//! `SdkError` itself prints only "service error", so the message is built from the code, the text
//! and the request ID.

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
    match &error {
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
                Some(code) if code.starts_with("AccessDenied") => error.with_exit(Exit::Permission).hint(format!(
                    "grant {operation} ('irsactl policy' prints the whole list), or hand an administrator the output of --dry-run"
                )),
                Some(code) if PERMISSION.contains(&code) => error
                    .with_exit(Exit::Permission)
                    .hint("check the credentials: aws sts get-caller-identity"),
                _ if status == 403 => error
                    .with_exit(Exit::Permission)
                    .hint(format!("grant {operation}; 'irsactl policy' prints the whole list")),
                _ => error,
            }
        }
        _ => {
            let causes = chain(&error);
            if credentials_missing(&error) {
                return Error::permission(what)
                    .because("there are no AWS credentials")
                    .hint("set AWS_PROFILE or --profile, AWS_ACCESS_KEY_ID with AWS_SECRET_ACCESS_KEY, or log in with: aws sso login");
            }
            Error::failed(what)
                .because(format!("{operation}: {causes}"))
                .hint("check --region, the network, HTTPS_PROXY, SSL_CERT_FILE and AWS_ENDPOINT_URL, then run again")
        }
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
    let texts: Vec<String> = sources(error).map(ToString::to_string).collect();
    texts.join(": ")
}

fn credentials_missing<E: std::error::Error + 'static>(error: &SdkError<E, HttpResponse>) -> bool {
    sources(error).any(|source| {
        matches!(
            source.downcast_ref(),
            Some(CredentialsError::CredentialsNotLoaded(_))
        )
    })
}
