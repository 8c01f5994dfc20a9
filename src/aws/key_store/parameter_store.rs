//! A signing key as a SecureString of Parameter Store.

use aws_sdk_ssm::Client;
use aws_sdk_ssm::types::{ParameterTier, ParameterType, ResourceTypeForTagging, Tag};
use zeroize::Zeroizing;

use crate::aws::error::{code, failed, garbled};
use crate::aws::key_store::value::{Entry, Value, overwritten};
use crate::error::{Error, Result};
use crate::plan::tags::Tags;

pub(crate) async fn entry(client: &Client, name: &str) -> Result<Option<Entry>> {
    let result = client
        .list_tags_for_resource()
        .resource_type(ResourceTypeForTagging::Parameter)
        .resource_id(name)
        .send()
        .await;
    match result {
        Ok(output) => {
            let tags = output.tag_list().iter();
            let pair = |tag: &Tag| (tag.key().to_owned(), tag.value().to_owned());
            let tags: Tags = tags.map(pair).collect();
            // Nothing there would be an error, but is no more than a list of nothing in some emulators.
            Ok(if tags.is_empty() && !exists(client, name).await? {
                None
            } else {
                Some(Entry {
                    tags,
                    history: None,
                })
            })
        }
        Err(e) if code(&e) == Some("InvalidResourceId") => Ok(None),
        Err(e) => Err(failed(
            format!("cannot look at the parameter {name}"),
            "ssm:ListTagsForResource",
            e,
        )),
    }
}

/// Without decryption: nobody's secret is read.
async fn exists(client: &Client, name: &str) -> Result<bool> {
    match client.get_parameter().name(name).send().await {
        Ok(_) => Ok(true),
        Err(e) if code(&e) == Some("ParameterNotFound") => Ok(false),
        Err(e) => {
            let what = format!("cannot look for the parameter {name}");
            Err(failed(what, "ssm:GetParameter", e))
        }
    }
}

pub(crate) async fn value(client: &Client, name: &str) -> Result<Option<Value>> {
    let what = || format!("cannot read the parameter {name}");
    let call = client.get_parameter().name(name).with_decryption(true);
    let output = match call.send().await {
        Ok(output) => output,
        Err(e) if code(&e) == Some("ParameterNotFound") => return Ok(None),
        Err(e) => return Err(failed(what(), "ssm:GetParameter", e)),
    };
    let missing = || garbled(what(), "ssm:GetParameter", "no parameter");
    let parameter = output.parameter.ok_or_else(missing)?;
    let text = Zeroizing::new(parameter.value.ok_or_else(missing)?);
    if parameter.r#type != Some(ParameterType::SecureString) {
        return Err(Error::refused(format!("cannot use the parameter {name}"))
            .because("it is not a SecureString: whoever may read parameters has read it"));
    }
    // Counted by AWS, from 1; only a parameter that was deleted and made again starts anew.
    if parameter.version != 1 {
        let how = format!("this is version {} of it", parameter.version);
        return Err(overwritten(name, &how).hint(format!("CloudTrail says who did it; delete the parameter, and make it again with the value of version 1 and the tags that it has: aws ssm get-parameter-history --name {name}")));
    }
    Ok(Some(Value {
        arn: parameter.arn.ok_or_else(missing)?,
        text,
    }))
}

pub(crate) async fn create(client: &Client, name: &str, text: &str, tags: &Tags) -> Result<bool> {
    let tags = tags.iter().map(|(key, value)| tag_of(key, value));
    let tags = tags.collect::<Result<_>>()?;
    let result = client
        .put_parameter()
        .name(name)
        .description("The signing key of a Kubernetes cluster's service account issuer")
        .r#type(ParameterType::SecureString)
        // Up to 4 KiB; RSA of 4096 bits takes 3.3.
        .tier(ParameterTier::Standard)
        .value(text)
        .overwrite(false)
        .set_tags(Some(tags))
        .send()
        .await;
    match result {
        Ok(_) => Ok(true),
        Err(e) if code(&e) == Some("ParameterAlreadyExists") => Ok(false),
        Err(e) => Err(failed(
            format!("cannot create the parameter {name}"),
            "ssm:PutParameter",
            e,
        )),
    }
}

pub(crate) async fn tag(client: &Client, name: &str, tags: &Tags) -> Result<()> {
    let tags = tags.iter().map(|(key, value)| tag_of(key, value));
    let result = client
        .add_tags_to_resource()
        .resource_type(ResourceTypeForTagging::Parameter)
        .resource_id(name)
        .set_tags(Some(tags.collect::<Result<_>>()?))
        .send()
        .await;
    let what = || format!("cannot tag the parameter {name}");
    result
        .map(drop)
        .map_err(|e| failed(what(), "ssm:AddTagsToResource", e))
}

fn tag_of(key: &str, value: &str) -> Result<Tag> {
    let tag = Tag::builder().key(key).value(value).build();
    tag.map_err(|e| Error::failed("cannot make a tag").because(e))
}
