//! A dry run: the plan on stdout, and every generated document in a directory for review.

use std::path::Path;

use serde_json::{Value, json};

use crate::config::Global;
use crate::config::change::ChangeOptions;
use crate::converge::planned::Planned;
use crate::converge::saved_plan;
use crate::converge::session::Session;
use crate::error::{Error, Exit, Result};
use crate::iam::policy;
use crate::oidc::jwks::JwkSet;
use crate::output::{self, Answer};
use crate::plan::desired::{Desired, PublicAccessBlock};
use crate::plan::diff;
use crate::plan::document::{Document, json_text};
use crate::system::file::{self, links};

/// Prints the plan, and writes the documents where `--documents` says. `flags` are the API server's.
pub(crate) fn run(
    global: &Global,
    session: &Session<'_>,
    desired: &Desired,
    planned: &Planned,
    options: &ChangeOptions,
    flags: Option<&str>,
) -> Result<Exit> {
    let answer = session.answer(desired, &planned.plan);
    if let Some(directory) = &options.documents {
        let mut documents = generated(desired, planned)?;
        documents.push(("plan.json".to_owned(), json_text(&answer)));
        documents.extend(flags.map(|flags| ("flags.txt".to_owned(), flags.to_owned())));
        write(directory, &documents)?;
    }
    match options.out.as_deref() {
        // There is one answer on stdout.
        Some(path) if saved_plan::is_standard_output(path) => {
            output::say(answer.text());
            let saved = saved_plan::of(global, session, desired, planned)?;
            output::print_bytes(saved_plan::text(&saved)?.as_bytes())?;
        }
        out => {
            if let Some(path) = out {
                let saved = saved_plan::of(global, session, desired, planned)?;
                saved_plan::write(path, &saved)?;
            }
            output::print(&answer, global.output)?;
        }
    }
    Ok(
        if options.detailed_exitcode
            && (planned.plan.key_store_changes > 0 || !planned.plan.changes.is_empty())
        {
            Exit::Pending
        } else {
            Exit::Done
        },
    )
}

/// Every document as it would be in the end, changed or not; of the provider, what it would be made
/// with.
fn generated(desired: &Desired, planned: &Planned) -> Result<Vec<(String, String)>> {
    let mut documents: Vec<(String, String)> = Vec::new();
    if let Some(publication) = &desired.publication {
        let bucket = planned.observed.bucket.as_ref();
        let keys =
            diff::published_keys(publication, bucket.and_then(|bucket| bucket.jwks.as_ref()))?;
        let policy = publication
            .policy(bucket.and_then(|bucket| bucket.policy.as_ref()))
            .map_err(|cause| Error::refused("cannot merge the bucket policy").because(cause))?;
        documents.extend([
            ("keys.json".to_owned(), Document::Jwks(keys).text()),
            (
                "discovery.json".to_owned(),
                Document::Discovery(publication.discovery.clone()).text(),
            ),
            ("bucket-policy.json".to_owned(), json_text(&policy)),
            (
                "public-access-block.json".to_owned(),
                json_text(&PublicAccessBlock::POLICY_ONLY),
            ),
        ]);
    }
    if let Some(provider) = &desired.provider {
        // The input of CreateOpenIDConnectProvider, as 'aws iam … --cli-input-json' takes it.
        let mut input = json!({
            "Url": provider.url,
            "ClientIDList": provider.audiences.initial(),
        });
        if let Some(thumbprint) = provider.thumbprint.value() {
            input["ThumbprintList"] = json!([thumbprint]);
        }
        let tags = provider
            .tags
            .iter()
            .map(|(key, value)| json!({ "Key": key, "Value": value }));
        input["Tags"] = tags.collect();
        documents.push(("provider.json".to_owned(), json_text(&input)));
    }
    for role in &desired.roles {
        let found = planned.observed.roles.get(&role.name);
        let existing = found.map(|found| &found.trust);
        let policy = role
            .trust
            .policy(existing)
            .map_err(|cause| Error::refused("cannot merge the trust policy").because(cause))?;
        let name = match desired.roles.len() {
            1 => "trust-policy.json".to_owned(),
            _ => format!("trust-policy-{}.json", role.name),
        };
        documents.push((name, json_text(&policy)));
    }
    Ok(documents)
}

fn write(directory: &Path, documents: &[(String, String)]) -> Result<()> {
    links::refuse(directory)?;
    file::create_dir(directory)?;
    // All or none.
    for (name, _) in documents {
        file::refuse_others(&directory.join(name), WRITTEN, |found| is_ours(name, found))?;
    }
    for (name, text) in documents {
        let path = directory.join(name);
        // They are read on terminals and in logs of jobs.
        let text = if name.ends_with(".json") {
            &output::escaped_json(text)
        } else {
            text
        };
        file::write_document(&path, text.as_bytes(), WRITTEN, |found| {
            is_ours(name, found)
        })?;
    }
    output::say(format_args!(
        "wrote {} documents to {}",
        documents.len(),
        output::path(directory)
    ));
    Ok(())
}

/// What may be replaced.
const WRITTEN: &str = "a document of a dry run";

/// Whether a file is what a dry run has written under this name, for whatever cluster.
fn is_ours(name: &str, text: &[u8]) -> bool {
    let Ok(value) = serde_json::from_slice::<Value>(text) else {
        let text = String::from_utf8_lossy(text);
        let is_flag = |line: &str| {
            ["--service-account-", "--api-audiences="]
                .iter()
                .any(|flag| line.starts_with(flag))
        };
        return name == "flags.txt" && text.lines().all(is_flag);
    };
    let is_in_our_form = output::escaped_json(&json_text(&value)).as_bytes() == text;
    let has = |members: &[&str]| members.iter().all(|member| value.get(member).is_some());
    let statements = value["Statement"].as_array().into_iter().flatten();
    is_in_our_form
        && match name {
            "keys.json" => JwkSet::parse(text).is_ok(),
            "discovery.json" => {
                value["authorization_endpoint"] == "urn:kubernetes:programmatic_authorization"
            }
            "bucket-policy.json" => statements.into_iter().any(policy::is_ours),
            "public-access-block.json" => value == json!(PublicAccessBlock::POLICY_ONLY),
            "provider.json" => {
                has(&["Url", "ClientIDList"]) && value["Tags"].to_string().contains("irsactl")
            }
            "plan.json" => has(&["format_version", "issuer", "account", "changes", "notes"]),
            // Of the many who write trust policies, only a cluster's name service accounts.
            _ => value.to_string().contains("system:serviceaccount:"),
        }
}
