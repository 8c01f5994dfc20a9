//! Reads an OpenID Connect provider.

use crate::aws::connect::Aws;
use crate::aws::error::{code, failed};
use crate::aws::outcome::{Failure, created, done_unless, iam_tags};
use crate::error::Result;
use crate::plan::change::Change;
use crate::plan::change::provider::ProviderChange;
use crate::plan::observed::Provider;

/// A provider, if it exists.
pub(crate) async fn provider(aws: &Aws, arn: &str) -> Result<Option<Provider>> {
    let result = aws
        .iam
        .get_open_id_connect_provider()
        .open_id_connect_provider_arn(arn)
        .send()
        .await;
    match result {
        Ok(output) => Ok(Some(Provider {
            audiences: output.client_id_list().to_vec(),
            thumbprints: output.thumbprint_list().to_vec(),
            tags: output
                .tags()
                .iter()
                .map(|tag| (tag.key().to_owned(), tag.value().to_owned()))
                .collect(),
        })),
        Err(e) if code(&e) == Some("NoSuchEntity") => Ok(None),
        Err(e) => Err(failed(
            format!("cannot read the OpenID Connect provider {arn}"),
            "iam:GetOpenIDConnectProvider",
            e,
        )),
    }
}

/// Makes a change. `whole` is the same, for what is said of it.
pub(super) async fn make(
    aws: &Aws,
    whole: &Change,
    change: &ProviderChange,
) -> std::result::Result<(), Failure> {
    match change {
        ProviderChange::Create {
            arn,
            url,
            audiences,
            thumbprint,
            tags,
            ..
        } => {
            let request = aws
                .iam
                .create_open_id_connect_provider()
                .url(url.as_str())
                .set_client_id_list(Some(audiences.clone()))
                .set_thumbprint_list(thumbprint.as_ref().map(|t| vec![t.to_string()]))
                .set_tags(Some(iam_tags(tags)));
            let found = async { Ok(provider(aws, arn).await?.map(|found| (found.tags, true))) };
            created(
                whole,
                request.send().await,
                "EntityAlreadyExists",
                tags,
                found,
            )
            .await
        }
        ProviderChange::Tag { arn, after, .. } => {
            let request = aws
                .iam
                .tag_open_id_connect_provider()
                .open_id_connect_provider_arn(arn)
                .set_tags(Some(iam_tags(after)));
            done_unless(whole, request.send().await, &[])
        }
        ProviderChange::AddAudience { arn, audience } => {
            let request = aws
                .iam
                .add_client_id_to_open_id_connect_provider()
                .open_id_connect_provider_arn(arn)
                .client_id(audience);
            done_unless(whole, request.send().await, &[])
        }
        ProviderChange::RemoveAudience { arn, audience } => {
            let request = aws
                .iam
                .remove_client_id_from_open_id_connect_provider()
                .open_id_connect_provider_arn(arn)
                .client_id(audience);
            done_unless(whole, request.send().await, &[])
        }
        ProviderChange::UpdateThumbprints { arn, after, .. } => {
            let request = aws
                .iam
                .update_open_id_connect_provider_thumbprint()
                .open_id_connect_provider_arn(arn)
                .set_thumbprint_list(Some(after.clone()));
            done_unless(whole, request.send().await, &[])
        }
    }
}
