//! Hosts that a provider trusts and that somebody else can take: a deleted bucket, a name that is no
//! longer registered. Whoever takes one signs tokens that the account's roles accept.

use super::page::Page;
use super::report::Check;

const NAME: &str = "takeover";
const EXPECTED: &str = "the host that the provider trusts is there, and nobody else can take it";

/// Whether the bucket of the provider's host is this account's; `None` for another kind of host.
pub type Owned = Option<Result<bool, String>>;

/// A provider by its ARN and its documents, of which one that answers shows that the host is there.
pub fn check(provider_arn: &str, pages: &[&Page], owned: Owned) -> Check {
    let critical = |what: &str| {
        Check::new(NAME, provider_arn, false, EXPECTED, format!("CRITICAL: {what}")).hint(
            "delete the provider at once: aws iam delete-open-id-connect-provider; or create the bucket again with 'irsactl bootstrap'",
        )
    };
    if pages.iter().any(|page| page.bucket_is_gone()) {
        return critical("S3 answers NoSuchBucket, so anybody can create it");
    }
    if pages.iter().any(|page| page.has_no_name()) {
        return critical("the host has no DNS name");
    }
    match owned {
        Some(Ok(true)) => Check::new(
            NAME,
            provider_arn,
            true,
            EXPECTED,
            "the bucket is this account's",
        ),
        Some(Ok(false)) => critical("the bucket is not there, so anybody can create it"),
        Some(Err(cause)) if cause.contains("403") => {
            critical(&format!("the bucket is not this account's: {cause}"))
        }
        Some(Err(cause)) => Check::skipped(NAME, provider_arn, cause),
        None => host(provider_arn, pages),
    }
}

fn host(provider_arn: &str, pages: &[&Page]) -> Check {
    match pages.iter().all(|page| page.answer.is_ok()) {
        true => Check::new(NAME, provider_arn, true, EXPECTED, "its host answers"),
        false => Check::skipped(NAME, provider_arn, "its host did not answer"),
    }
}
