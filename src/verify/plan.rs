//! What 'irsactl bootstrap' would change is what differs from how it must be.

use crate::plan::change::Change;
use crate::plan::change::bucket::BucketChange;
use crate::plan::change::provider::ProviderChange;
use crate::plan::change::role::RoleChange;
use crate::plan::diff::plan::Plan;
use crate::plan::line::Field;
use crate::plan::observed::Observed;
use crate::verify::report::Check;

/// A check a difference, or one that passes. `repair` is the command that makes the changes.
pub fn differences(place: &str, repair: &str, plan: &Plan) -> Vec<Check> {
    if plan.changes.is_empty() {
        let expected = "nothing to change";
        return vec![Check::new("AWS resources", place, true, expected, expected)];
    }
    let changes = plan.changes.iter();
    changes.map(|change| difference(change, repair)).collect()
}

fn difference(change: &Change, repair: &str) -> Check {
    let fields = change.fields();
    let text = |value: fn(&Field) -> Option<String>| {
        let stated = fields
            .iter()
            .filter_map(|field| Some(format!("{} {}", field.name, value(field)?)));
        match stated.collect::<Vec<_>>().join(", ") {
            text if text.is_empty() => "absent".to_owned(),
            text => text,
        }
    };
    let (expected, actual) = (
        text(|field| field.after.as_ref().map(ToString::to_string)),
        text(|field| field.before.as_ref().map(ToString::to_string)),
    );
    let check = Check::new(name(change), change.resource(), false, expected, actual);
    let repair = format!("see how with --dry-run, and repair it: '{repair}'");
    match change {
        Change::Provider(ProviderChange::UpdateThumbprints { .. }) => check.or_warn().hint(format!(
            "{repair}; AWS looks at it only where it does not trust the issuer's certificate by itself, which for S3 it does"
        )),
        Change::Provider(ProviderChange::Tag { .. }) | Change::Bucket(BucketChange::Tag { .. }) => check.or_warn().hint(repair),
        _ => check.hint(repair),
    }
}

fn name(change: &Change) -> &'static str {
    match change {
        Change::Bucket(BucketChange::Create { .. }) => "bucket",
        Change::Bucket(BucketChange::Tag { .. }) => "bucket tags",
        Change::Bucket(BucketChange::PutPublicAccessBlock { .. }) => "public access block",
        Change::Bucket(BucketChange::PutPolicy { .. }) => "bucket policy",
        Change::Bucket(BucketChange::PutObject { key, .. }) if key.ends_with("keys.json") => "JWK Set object",
        Change::Bucket(BucketChange::PutObject { .. }) => "discovery object",
        Change::Provider(ProviderChange::Create { .. }) => "provider",
        Change::Provider(ProviderChange::Tag { .. }) => "provider tags",
        Change::Provider(ProviderChange::AddAudience { .. }) | Change::Provider(ProviderChange::RemoveAudience { .. }) => "provider audiences",
        Change::Provider(ProviderChange::UpdateThumbprints { .. }) => "thumbprint",
        Change::Role(RoleChange::Create { .. })
        | Change::Role(RoleChange::Tag { .. })
        | Change::Role(RoleChange::UpdateTrust { .. })
        | Change::Role(RoleChange::AttachPolicy { .. })
        | Change::Role(RoleChange::PutInlinePolicy { .. })
        | Change::Role(RoleChange::PutBoundary { .. })
        | Change::Role(RoleChange::UpdateMaxSession { .. })
        // A teardown's, which verify never plans.
        | Change::Remove(_) => "role",
    }
}

/// The account's own public access block: a policy that is there stays in force, and no other can be written.
pub fn account_block(place: &str, observed: &Observed) -> Option<Check> {
    let check = Check::new(
        "account public access block",
        place,
        false,
        "BlockPublicPolicy off",
        "BlockPublicPolicy on: the documents stay public, and a bucket policy that is lost cannot be written again",
    );
    let blocks = observed.account_blocks_policies && observed.bucket.is_some();
    blocks.then(|| {
        check.or_warn().hint("ask whoever owns the account to allow public bucket policies, before the policy must be changed")
    })
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
