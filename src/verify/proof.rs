//! The proof: STS itself was asked to take a token of the issuer.

use crate::verify::explain;
use crate::verify::report::Check;

/// What STS answered to AssumeRoleWithWebIdentity.
#[derive(Clone, Debug)]
pub enum Exchange {
    /// Credentials, of which only the assumed role's ARN is kept.
    Assumed(String),
    /// A refusal.
    Refused {
        /// The error code.
        code: String,
        /// The message.
        message: String,
    },
}

/// Whether the token was accepted. `trusted` says that the role is meant to trust the subject; else a
/// role that does not is proof enough, since STS looks at the token first.
pub fn exchange(role_arn: &str, subject: &str, trusted: bool, exchange: &Exchange) -> Check {
    let expected = if trusted {
        format!("{subject} assumes the role")
    } else {
        "the token is accepted, whether or not the role trusts its subject".to_owned()
    };
    match exchange {
        Exchange::Assumed(arn) if !trusted => {
            let actual = format!(
                "assumed {arn}: the token is accepted, and the role trusts {subject}, whom nobody knows"
            );
            Check::new("proof", role_arn, false, "a role trusts the service accounts that it names", actual)
                .hint("its trust policy has no condition on :sub, or a wildcard: 'irsactl role' writes one that has")
        }
        Exchange::Assumed(arn) => {
            Check::new("proof", role_arn, true, expected, format!("assumed {arn}"))
        }
        Exchange::Refused { code, message } if is_the_roles(code, message) => {
            let actual = format!(
                "AccessDenied: the token is accepted, and the role does not trust {subject}"
            );
            Check::new("proof", role_arn, !trusted, expected, actual)
                .hint("the role's trust policy needs the provider's ARN, and StringEquals on its :sub and :aud; a new role takes some seconds")
        }
        Exchange::Refused { code, message } if is_sts_own(code) => {
            let actual = format!("STS has not judged the token: {code}: {message}");
            Check::new("proof", role_arn, false, expected, actual)
                .hint("nothing is known to be wrong with the issuer: run again")
        }
        Exchange::Refused { code, message } if code == "AccessDenied" => {
            let actual = format!("STS has not judged the token: {code}: {message}");
            Check::new("proof", role_arn, false, expected, actual)
                .hint("nothing is known to be wrong with the issuer: a policy of the organization or of a VPC endpoint may be in the way")
        }
        Exchange::Refused { code, message } => {
            let text = format!("{code}: {message}");
            let hint = explain::find(&text).map_or_else(
                || "the checks above say which part is not as it must be".to_owned(),
                |known| format!("{}; {}", known.causes.join("; or "), known.fix),
            );
            Check::new("proof", role_arn, false, expected, text).hint(hint)
        }
    }
}

/// What the other checks have seen of the issuer.
#[derive(Clone, Copy, Debug)]
pub struct Seen {
    /// The provider exists, or nobody could look.
    pub provider: bool,
    /// The key that signs the test token is published.
    pub key: bool,
}

/// Whether the answer may be another one in some seconds: IAM is eventually consistent, and STS keeps what
/// it has read. A role that was just made denies everybody at first.
pub fn may_settle(exchange: &Exchange, trusted: bool, seen: Seen) -> bool {
    match exchange {
        Exchange::Assumed(_) => false,
        Exchange::Refused { code, .. } if is_sts_own(code) => true,
        Exchange::Refused { code, message } if is_the_roles(code, message) => trusted,
        Exchange::Refused { code, message } => match code.as_str() {
            "IDPCommunicationError" => true,
            _ if message.starts_with("Couldn't retrieve verification key") => seen.key,
            _ => seen.provider && message.starts_with("No OpenIDConnect provider found"),
        },
    }
}

/// Whether the role does not trust the subject, which STS says of tokens that it takes. Others say
/// AccessDenied too, in other words, and before the token is looked at.
fn is_the_roles(code: &str, message: &str) -> bool {
    code == "AccessDenied"
        && message.starts_with("Not authorized to perform sts:AssumeRoleWithWebIdentity")
}

/// Whether STS speaks of itself, and says nothing of the token.
fn is_sts_own(code: &str) -> bool {
    code.starts_with("Throttling")
        || [
            "RequestLimitExceeded",
            "ServiceUnavailable",
            "InternalFailure",
            "InternalError",
        ]
        .contains(&code)
}
