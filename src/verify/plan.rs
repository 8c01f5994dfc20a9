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

/// A provider whose bucket is gone lets whoever creates it sign tokens.
pub fn dangling(provider_arn: &str, observed: &Observed, discovery: &Page) -> Option<Check> {
    observed.provider.as_ref()?;
    let expected = "the bucket that the provider trusts exists";
    Some(match discovery.bucket_is_gone() {
        false => Check::new("takeover", provider_arn, true, expected, "the bucket is there"),
        true => Check::new("takeover", provider_arn, false, expected, "CRITICAL: S3 answers NoSuchBucket, so anybody can create it").hint(
            "run 'irsactl bootstrap' at once, which creates the bucket, or delete the provider: aws iam delete-open-id-connect-provider",
        ),
    })
}
