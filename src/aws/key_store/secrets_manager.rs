//! A signing key as a secret of Secrets Manager.

use aws_sdk_secretsmanager::Client;
use aws_sdk_secretsmanager::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_secretsmanager::primitives::DateTime;
use aws_sdk_secretsmanager::types::Tag;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_types::request_id::RequestId;
use zeroize::Zeroizing;

use crate::aws::error::{code, failed, garbled};
use crate::aws::key_store::value::{Entry, Value, overwritten};
use crate::error::{Error, Result};
use crate::plan::tags::Tags;

/// How long after the secret its value may come: tools that make both do so in two calls.
const VALUE_WITHIN: i64 = 10;

pub(crate) async fn entry(client: &Client, name: &str) -> Result<Option<Entry>> {
    let result = client.describe_secret().secret_id(name).send().await;
    let secret = match result {
        Ok(secret) => secret,
        Err(e) if code(&e) == Some("ResourceNotFoundException") => return Ok(None),
        Err(e) => return Err(cannot("look at", name, "DescribeSecret", e)),
    };
    if secret.deleted_date().is_some() {
        return Err(deleted(name));
    }
    let tags = secret.tags().iter();
    let pair = |tag: &Tag| Some((tag.key()?.to_owned(), tag.value()?.to_owned()));
    let versions = secret.version_ids_to_stages().into_iter().flatten();
    let versions = versions.filter(|(_, labels)| !labels.is_empty()).count();
    let created = secret.created_date().map_or(0, DateTime::secs);
    Ok(Some(Entry {
        tags: tags.filter_map(pair).collect(),
        history: Some((versions, created)),
    }))
}

/// Labels can be moved and taken off; when a secret and a version of it were made is AWS's own word.
pub(crate) async fn value(client: &Client, name: &str, entry: &Entry) -> Result<Option<Value>> {
    let (versions, created) = entry.history.unwrap_or_default();
    if versions == 0 {
        return Err(Error::refused(format!("cannot use the secret {name}"))
            .because("it has no value: whoever made it can still fill it")
            .hint(format!("look who made it (CloudTrail), and delete it: aws secretsmanager delete-secret --force-delete-without-recovery --secret-id {name}")));
    }
    let call = client.get_secret_value().secret_id(name);
    let call = call.version_stage("AWSCURRENT");
    let secret = match call.send().await {
        Ok(secret) => secret,
        Err(e) if code(&e) == Some("ResourceNotFoundException") => return Ok(None),
        Err(e) => return Err(cannot("read", name, "GetSecretValue", e)),
    };
    let operation = "secretsmanager:GetSecretValue";
    let Some(text) = secret.secret_string else {
        return Err(Error::refused(format!("cannot use the secret {name}"))
            .because("it holds bytes, not text"));
    };
    let late = secret.created_date.map_or(0, |date| date.secs()) - created;
    let how = match () {
        () if versions > 1 => format!("{versions} versions of it have a label"),
        () if late > VALUE_WITHIN => format!("its value came {late} seconds after the secret"),
        () => String::new(),
    };
    if !how.is_empty() {
        return Err(overwritten(name, &how).hint(format!("CloudTrail says who did it; make the first version current again, and leave no other one a label: aws secretsmanager list-secret-version-ids --include-deprecated --secret-id {name}")));
    }
    Ok(Some(Value {
        arn: secret.arn.ok_or_else(|| {
            garbled(
                format!("cannot read the secret {name}"),
                operation,
                "no ARN",
            )
        })?,
        text: Zeroizing::new(text),
    }))
}

pub(crate) async fn create(
    client: &Client,
    name: &str,
    id: &str,
    text: &str,
    tags: &Tags,
) -> Result<bool> {
    let tags = tags.iter().map(|(key, value)| tag_of(key, value));
    let result = client
        .create_secret()
        .name(name)
        // The version's own name: the same key once more is no other version, and no error.
        .client_request_token(id)
        .description("The signing key of a Kubernetes cluster's service account issuer")
        .secret_string(text)
        .set_tags(Some(tags.collect()))
        .send()
        .await;
    match result {
        Ok(_) => Ok(true),
        Err(e) if code(&e) == Some("ResourceExistsException") => Ok(false),
        Err(e) => Err(cannot("create", name, "CreateSecret", e)),
    }
}

pub(crate) async fn tag(client: &Client, name: &str, tags: &Tags) -> Result<()> {
    let tags = tags.iter().map(|(key, value)| tag_of(key, value));
    let call = client.tag_resource().secret_id(name);
    let result = call.set_tags(Some(tags.collect())).send().await;
    result
        .map(drop)
        .map_err(|e| cannot("tag", name, "TagResource", e))
}

fn tag_of(key: &str, value: &str) -> Tag {
    Tag::builder().key(key).value(value).build()
}

fn cannot<E>(verb: &str, name: &str, operation: &str, error: SdkError<E, HttpResponse>) -> Error
where
    E: ProvideErrorMetadata + RequestId + std::error::Error + 'static,
{
    let message = error
        .as_service_error()
        .and_then(ProvideErrorMetadata::message)
        .unwrap_or_default();
    // InvalidRequestException, "… scheduled for deletion" of CreateSecret, "… marked for deletion" of others.
    if message.contains("for deletion") {
        return deleted(name);
    }
    let operation = format!("secretsmanager:{operation}");
    failed(
        format!("cannot {verb} the secret {name}"),
        &operation,
        error,
    )
}

fn deleted(name: &str) -> Error {
    Error::refused(format!("cannot use the secret {name}"))
        .because("it is scheduled for deletion, and its name is not free until then")
        .hint(format!(
            "get it back: aws secretsmanager restore-secret --secret-id {name}"
        ))
}
