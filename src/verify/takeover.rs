//! Hosts that a provider trusts and that somebody else can take: a deleted bucket, a name that is no
//! longer registered. Whoever takes one signs tokens that the account's roles accept.

use super::page::Page;
use super::report::Check;

const NAME: &str = "takeover";
const EXPECTED: &str = "the host that the provider trusts is there, and nobody else can take it";

/// Whose the bucket of the provider's host is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Owner {
    /// The host is no bucket's.
    NoBucket,
    /// This account.
    Us,
    /// Not this account: another one's, or nobody's.
    NotUs,
    /// It cannot be told, for this reason.
    Unknown(String),
}

/// A provider by its ARN and its documents. `among_many` says that the provider was not asked for by name:
/// one that trusts another account's bucket may be meant to.
pub fn check(provider_arn: &str, pages: &[&Page], owner: &Owner, among_many: bool) -> Check {
    let fail = |what: String| {
        Check::new(NAME, provider_arn, false, EXPECTED, what).hint(
            "delete the provider at once if that is not meant: aws iam delete-open-id-connect-provider; or create the bucket again with 'irsactl bootstrap'",
        )
    };
    let pass = |what: &str| Check::new(NAME, provider_arn, true, EXPECTED, what);
    if pages.iter().any(|page| page.bucket_is_gone()) {
        return fail("CRITICAL: S3 answers NoSuchBucket, so anybody can create it".to_owned());
    }
    if pages.iter().any(|page| page.has_no_name()) {
        return fail("CRITICAL: the host has no DNS name".to_owned());
    }
    match owner {
        Owner::Us => pass("the bucket is this account's"),
        Owner::NotUs => {
            let what = "the bucket is not this account's: whoever has it signs tokens";
            match among_many {
                true => fail(what.to_owned()).or_warn(),
                false => fail(format!("CRITICAL: {what}")),
            }
        }
        Owner::Unknown(cause) => Check::skipped(NAME, provider_arn, cause),
        Owner::NoBucket => host(provider_arn, pages),
    }
}

/// A host of somebody's own: that it answers, and with what, is all that can be seen.
fn host(provider_arn: &str, pages: &[&Page]) -> Check {
    if pages.iter().all(|page| page.body().is_some()) {
        return Check::new(NAME, provider_arn, true, EXPECTED, "its host answers");
    }
    let actual = pages
        .iter()
        .map(|page| match &page.answer {
            Ok(answer) => format!("{}: HTTP status {}", page.url, answer.status),
            Err(cause) => format!("{}: {cause}", page.url),
        })
        .collect::<Vec<_>>()
        .join("; ");
    Check::new(NAME, provider_arn, false, EXPECTED, actual)
        .or_warn()
        .hint("is the host still yours? If not, delete the provider: aws iam delete-open-id-connect-provider")
}
