//! Reads an OpenID Connect provider.

use crate::aws::connect::Aws;
use crate::aws::error::{code, failed};
use crate::error::Result;
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
