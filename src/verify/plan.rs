//! What 'irsactl bootstrap' would change is what differs from how it must be.

use crate::plan::change::Change;
use crate::plan::diff::Plan;
use crate::plan::observed::Observed;

use super::page::Page;
use super::report::Check;

/// A check a difference, or one that passes.
pub fn differences(place: &str, plan: &Plan) -> Vec<Check> {
    if plan.changes.is_empty() {
        let expected = "nothing to change";
        return vec![Check::new("AWS resources", place, true, expected, expected)];
    }
    let failed = |change: &Change| {
        let check = Check::new(
            "AWS resources",
            change.resource(),
            false,
            expected(change),
            "it is missing or differs",
        )
        .hint("see how: 'irsactl bootstrap --dry-run'; repair it: 'irsactl bootstrap'");
        match change {
            // AWS looks at it only when it does not trust the certificate otherwise.
            Change::UpdateThumbprints { .. }
            | Change::TagProvider { .. }
            | Change::TagBucket { .. } => check.or_warn(),
            _ => check,
        }
    };
    plan.changes.iter().map(failed).collect()
}

fn expected(change: &Change) -> String {
    let fields = change.fields().into_iter();
    let text = |field: crate::plan::field::Field| match field.after {
        Some(value) => format!("{} {value}", field.name),
        None => format!("no {}", field.name),
    };
    fields.map(text).collect::<Vec<_>>().join(", ")
}

/// Objects that an anonymous reader cannot get, whatever the policy says.
pub fn encryption(observed: &Observed) -> Vec<Check> {
    let Some(bucket) = &observed.bucket else {
        return Vec::new();
    };
    let objects = [
        ("keys.json", &bucket.jwks),
        ("discovery document", &bucket.discovery),
    ];
    objects
        .into_iter()
        .filter_map(|(name, object)| Some((name, object.as_ref()?.encryption.as_deref()?)))
        .map(|(name, encryption)| {
            Check::new(
                "encryption",
                name,
                !encryption.starts_with("aws:kms"),
                "AES256",
                format!("{name}: {encryption}"),
            )
                .hint("with a KMS key an anonymous GET answers 400; 'irsactl publish' writes it with SSE-S3")
        })
        .collect()
}

/// A provider whose bucket is gone, or whose host has no name, lets whoever takes it sign tokens.
/// `owned` is whether the bucket is there and ours, where the host is a bucket's.
pub fn dangling(
    provider_arn: &str,
    observed: &Observed,
    pages: [&Page; 2],
    owned: Option<Result<bool, String>>,
) -> Option<Check> {
    const NAME: &str = "takeover";
    observed.provider.as_ref()?;
    let expected = "the host that the provider trusts is there, and nobody else can take it";
    let critical = |what: &str| {
        Check::new(NAME, provider_arn, false, expected, format!("CRITICAL: {what}")).hint(
            "delete the provider at once: aws iam delete-open-id-connect-provider; or create the bucket again with 'irsactl bootstrap'",
        )
    };
    if pages.iter().any(|page| page.bucket_is_gone()) {
        return Some(critical(
            "S3 answers NoSuchBucket, so anybody can create it",
        ));
    }
    if pages.iter().any(|page| page.has_no_name()) {
        return Some(critical("the host has no DNS name"));
    }
    Some(match owned {
        Some(Ok(true)) => Check::new(
            NAME,
            provider_arn,
            true,
            expected,
            "the bucket is this account's",
        ),
        Some(Ok(false)) => critical("the bucket is not there, so anybody can create it"),
        Some(Err(cause)) if cause.contains("403") => {
            critical(&format!("the bucket is not this account's: {cause}"))
        }
        Some(Err(cause)) => Check::skipped(NAME, provider_arn, cause),
        None => match pages.iter().all(|page| page.answer.is_ok()) {
            true => Check::new(NAME, provider_arn, true, expected, "its host answers"),
            false => Check::skipped(NAME, provider_arn, "its host did not answer"),
        },
    })
}
