//! Hosts that a provider trusts and that somebody else can take: a deleted bucket, a name that is no
//! longer registered. Whoever takes one signs tokens that the account's roles accept.

use crate::verify::page::Page;
use crate::verify::report::{Check, Outcome};

const NAME: &str = "takeover";
const EXPECTED: &str = "the host that the provider trusts is there, and nobody else can take it";

/// Whose a bucket is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Owner {
    /// The host is no bucket's.
    NoBucket,
    /// This account.
    Us,
    /// Nobody yet, and nobody but this account can: the name has it in it.
    NobodyElse,
    /// Not this account: another one's, or nobody's.
    NotUs,
    /// It cannot be told, for this reason.
    Unknown(String),
}

/// What a provider's trust hangs on: the discovery document, and the JWK Set that it names.
#[derive(Clone, Debug)]
pub struct Place {
    /// What it is called in a report.
    pub name: &'static str,
    /// The document.
    pub page: Page,
    /// Whose bucket it is in.
    pub owner: Owner,
}

/// A provider by its ARN and its documents: whoever can write either signs tokens. `among_many` says that the
/// provider was not asked for by name: one that trusts another account's bucket may be meant to.
pub fn check(provider_arn: &str, places: &[Place], among_many: bool) -> Check {
    let judged = places
        .iter()
        .map(|place| judge(provider_arn, place, among_many));
    let worst = judged.reduce(|worst, check| {
        if severity(&check) > severity(&worst) {
            check
        } else {
            worst
        }
    });
    worst.unwrap_or_else(|| Check::skipped(NAME, provider_arn, "it was not looked at"))
}

fn severity(check: &Check) -> u8 {
    match check.outcome {
        Outcome::Pass => 0,
        Outcome::Skipped => 1,
        Outcome::Warn => 2,
        Outcome::Fail => 3,
    }
}

fn judge(provider_arn: &str, place: &Place, among_many: bool) -> Check {
    let Place { name, page, owner } = place;
    let fail = |what: String| {
        Check::new(NAME, provider_arn, false, EXPECTED, what).hint(
            "delete the provider at once if that is not meant: aws iam delete-open-id-connect-provider; or create the bucket again with 'irsactl bootstrap'",
        )
    };
    let pass = |what: &str| Check::new(NAME, provider_arn, true, EXPECTED, what);
    if page.bucket_is_gone() {
        return match owner {
            Owner::NobodyElse => fail(format!(
                "the {name}'s bucket is gone, and only this account can create it"
            ))
            .or_warn(),
            _ => fail(format!(
                "CRITICAL: S3 answers NoSuchBucket for the {name} ({}), so anybody can create it",
                page.url
            )),
        };
    }
    if page.has_no_name() {
        return fail(format!(
            "CRITICAL: the host of the {name} ({}) has no DNS name",
            page.url
        ));
    }
    match owner {
        Owner::Us => pass("the bucket is this account's"),
        Owner::NobodyElse => pass("the bucket can be no other account's"),
        Owner::NotUs => {
            let what = format!(
                "the bucket of the {name} ({}) is not this account's: whoever has it signs tokens",
                page.url
            );
            if among_many {
                fail(what).or_warn()
            } else {
                fail(format!("CRITICAL: {what}"))
            }
        }
        Owner::Unknown(cause) => {
            Check::skipped(NAME, provider_arn, format!("{}: {cause}", page.url))
        }
        Owner::NoBucket => host(provider_arn, page),
    }
}

/// A host of somebody's own: that it answers, and with what, is all that can be seen.
fn host(provider_arn: &str, page: &Page) -> Check {
    if page.body().is_some() {
        return Check::new(NAME, provider_arn, true, EXPECTED, "its host answers");
    }
    let actual = match &page.answer {
        Ok(answer) => format!("{}: HTTP status {}", page.url, answer.status),
        Err(cause) => format!("{}: {cause}", page.url),
    };
    Check::new(NAME, provider_arn, false, EXPECTED, actual)
        .or_warn()
        .hint("is the host still yours? If not, delete the provider: aws iam delete-open-id-connect-provider")
}
