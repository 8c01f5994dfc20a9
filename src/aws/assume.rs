//! AssumeRoleWithWebIdentity, as a pod's SDK calls it: unsigned, at the regional endpoint.

use aws_sdk_sts::error::SdkError;

use crate::aws::connect::Aws;
use crate::aws::error::failed;
use crate::error::Result;

/// What STS answered.
#[derive(Clone, Debug)]
pub(crate) enum Assumed {
    /// The ARN of the session. The credentials are dropped unread.
    Role(String),
    /// An error code and its message.
    Refused(String, String),
}

/// Exchanges a token. An error is one of the network, not of STS.
pub(crate) async fn assume_role_with_web_identity(
    aws: &Aws,
    role_arn: &str,
    token: &str,
) -> Result<Assumed> {
    aws.check_private("STS", "a token")?;
    let request = aws
        .sts
        .assume_role_with_web_identity()
        .role_arn(role_arn)
        .role_session_name("irsactl-verify")
        // The shortest that STS gives.
        .duration_seconds(900)
        .web_identity_token(token);
    match request.send().await {
        Ok(output) => {
            let user = output.assumed_role_user();
            Ok(Assumed::Role(
                user.map(|user| user.arn().to_owned()).unwrap_or_default(),
            ))
        }
        Err(SdkError::ServiceError(service)) => {
            let meta = service.err().meta();
            let text = |part: Option<&str>| part.unwrap_or_default().to_owned();
            Ok(Assumed::Refused(text(meta.code()), text(meta.message())))
        }
        Err(error) => Err(failed(
            format!("cannot ask STS about {role_arn}"),
            "sts:AssumeRoleWithWebIdentity",
            error,
        )),
    }
}
