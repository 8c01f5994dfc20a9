//! Messages that people paste into searches, and what they mean: from STS, the SDKs, S3 and
//! kube-apiserver. Causes stand in the order of likelihood.

use std::cmp::Reverse;
use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::Serialize;

/// A message and what is known of it.
#[derive(Clone, Copy, Debug, Serialize, JsonSchema)]
pub struct Known {
    /// A part of the message that is in no other.
    pub message: &'static str,
    /// What causes it, the likeliest first.
    pub causes: &'static [&'static str],
    /// What tells the causes apart.
    pub check: &'static str,
    /// What helps.
    pub fix: &'static str,
}

/// The entry for a message, if it is known; upper and lower case, spaces and curly quotes do not count.
pub fn find(text: &str) -> Option<&'static Known> {
    let text = folded(text);
    KNOWN
        .iter()
        .find(|known| text.contains(&folded(known.message)))
}

/// The messages that have the most words in common with a text, the nearest first; at most three.
pub fn nearest(text: &str) -> Vec<&'static str> {
    let words = |text: &str| -> BTreeSet<String> {
        let text = folded(text);
        let words = text.split(|one: char| !one.is_alphanumeric());
        // Shorter ones are in every sentence.
        words
            .filter(|word| word.len() > 4)
            .map(str::to_owned)
            .collect()
    };
    let given = words(text);
    let common = |known: &&str| words(known).intersection(&given).count();
    let mut known: Vec<&str> = KNOWN.iter().map(|known| known.message).collect();
    known.retain(|known| common(known) > 0);
    known.sort_by_key(|known| Reverse(common(known)));
    known.truncate(3);
    known
}

fn folded(text: &str) -> String {
    let text = text.replace('\u{2019}', "'");
    text.split_whitespace()
        .collect::<Vec<_>>()
        .join(" ")
        .to_lowercase()
}

/// All of them; the more particular message stands first.
pub const KNOWN: [Known; 30] = [
    Known {
        message: "No OpenIDConnect provider found in your account",
        causes: &[
            "the IAM provider does not exist in the account of the role, or was made some seconds ago",
            "its URL is not the token's iss byte for byte (a slash at the end makes another provider)",
            "the STS region is not enabled in the account",
        ],
        check: "irsactl verify; irsactl token decode shows the token's iss",
        fix: "irsactl bootstrap, or set the issuer of kube-apiserver to the provider's URL",
    },
    Known {
        message: "Couldn't retrieve verification key from your identity provider",
        causes: &[
            "keys.json or the discovery document is not public",
            "the token's kid is not in keys.json: the API server signs with another key",
            "a key in keys.json has no kid, or the host answers more slowly than in 5 seconds",
        ],
        check: "irsactl verify; irsactl token decode FILE --issuer URL",
        fix: "irsactl bootstrap makes the documents public; publish the key that signs",
    },
    Known {
        message: "The web identity token provided could not be validated",
        causes: &[
            "the token's audience is not a client ID of the provider",
            "it was signed by another key than the one published under its kid",
            "a key in keys.json has key_ops, or use other than sig",
        ],
        check: "irsactl token decode FILE --issuer URL --audience sts.amazonaws.com",
        fix: "give the volume audience sts.amazonaws.com, or the provider every audience: irsactl provider --audience sts.amazonaws.com --audience A; publish the key that signs",
    },
    Known {
        message: "Incorrect token audience",
        causes: &["the token's audience is not a client ID of the provider"],
        check: "irsactl token decode FILE --audience sts.amazonaws.com",
        fix: "give the projected volume audience sts.amazonaws.com, or the provider every audience: irsactl provider --audience sts.amazonaws.com --audience A",
    },
    Known {
        message: "Token audience contains more than one audience",
        causes: &["the token was requested for several audiences"],
        check: "irsactl token decode FILE --audience sts.amazonaws.com",
        fix: "request one audience: the projected volume's serviceAccountToken takes one",
    },
    Known {
        message: "Invalid timestamp in token claims",
        causes: &[
            "a time in the token is not a whole number of seconds: the API server did not make it",
        ],
        check: "irsactl token decode FILE",
        fix: "use the file that AWS_WEB_IDENTITY_TOKEN_FILE names",
    },
    Known {
        message: "Claim is not allowed to be empty",
        causes: &["a claim of the token, or the provider's list of audiences, is empty"],
        check: "irsactl token decode FILE; irsactl verify",
        fix: "irsactl provider --audience sts.amazonaws.com; use the file that AWS_WEB_IDENTITY_TOKEN_FILE names",
    },
    Known {
        message: "Missing a required claim",
        causes: &["it is not a service account token of a projected volume"],
        check: "irsactl token decode FILE",
        fix: "use the file that AWS_WEB_IDENTITY_TOKEN_FILE names",
    },
    Known {
        message: "Token expired",
        causes: &[
            "the process keeps a token that the kubelet has replaced",
            "a clock is more than 5 minutes off",
        ],
        check: "irsactl token decode FILE shows its times",
        fix: "read the token's file anew for each call, as the AWS SDKs do",
    },
    Known {
        message: "Token not yet valid",
        causes: &["the API server's clock is more than 5 minutes ahead"],
        check: "irsactl token decode FILE shows its times",
        fix: "synchronise the control plane's clocks",
    },
    Known {
        message: "HTTPS certificate doesn't match configured thumbprint",
        causes: &["the issuer's host has a certificate of a private CA, and its chain has changed"],
        check: "irsactl thumbprint --issuer URL",
        fix: "irsactl provider adds the thumbprint of the chain",
    },
    Known {
        message: "Not authorized to perform sts:AssumeRoleWithWebIdentity",
        causes: &[
            "the role's trust policy names another subject (namespace or service account) or audience",
            "its condition keys are not those of the issuer (HOST/PATH:sub, without https://)",
            "its Principal is another account's or partition's provider, or the role was made some seconds ago",
        ],
        check: "irsactl token decode FILE shows sub and aud; compare them with: aws iam get-role --role-name NAME",
        fix: "StringEquals on HOST/PATH:sub and HOST/PATH:aud, Principal Federated the provider's ARN",
    },
    Known {
        message: "RegionDisabledException",
        causes: &["the region's STS is not activated in the account of the role"],
        check: "aws account get-region-opt-status --region-name REGION",
        fix: "activate it (IAM console, Account settings), or set AWS_REGION of the pod to a region that is",
    },
    Known {
        message: "IDPCommunicationError",
        causes: &[
            "STS could not reach the issuer's host: a firewall, a rate limit, more than 5 seconds",
        ],
        check: "irsactl verify --issuer URL",
        fix: "try again; let the host answer everybody, and quickly",
    },
    Known {
        message: "IDPRejectedClaim",
        causes: &["the issuer's host refused: for STS it answers other than with status 200"],
        check: "irsactl verify --issuer URL",
        fix: "let the host give both documents to everybody",
    },
    Known {
        message: "Federated principals must be valid domain names",
        causes: &[
            "a trust policy names the issuer by its URL or host, and not by the provider's ARN",
        ],
        check: "irsactl role --print-trust-policy",
        fix: "Principal Federated is arn:PARTITION:iam::ACCOUNT:oidc-provider/HOST[/PATH]: irsactl role writes it",
    },
    Known {
        message: "DurationSeconds exceeds the MaxSessionDuration",
        causes: &["the SDK asks for longer credentials than the role gives"],
        check: "aws iam get-role --role-name NAME shows MaxSessionDuration",
        fix: "irsactl role --max-session-duration SECONDS, or a shorter duration_seconds of the SDK",
    },
    Known {
        message: "AccessControlListNotSupported",
        causes: &["a tool uses --acl public-read, which new buckets refuse since April 2023"],
        check: "irsactl bootstrap --dry-run shows the policy that takes its place",
        fix: "irsactl publish makes the documents public by bucket policy",
    },
    Known {
        message: "The bucket does not allow ACLs",
        causes: &["a tool uses --acl public-read, which new buckets refuse since April 2023"],
        check: "irsactl bootstrap --dry-run shows the policy that takes its place",
        fix: "irsactl publish makes the documents public by bucket policy",
    },
    Known {
        message: "prevented by the BlockPublicPolicy setting",
        causes: &[
            "the account's or the organization's public access block forbids public policies",
            "the bucket's does",
        ],
        check: "irsactl bootstrap --dry-run names the account's; the organization's shows in no call",
        fix: "ask whoever owns the account, or serve the documents from a host of your own (irsactl discovery --issuer URL)",
    },
    Known {
        message: "no valid providers in chain",
        causes: &[
            "the pod has no token: the webhook did not run when it was created, or its service account has no annotation",
            "the SDK is too old for web identity",
        ],
        check: "kubectl get pod POD -o yaml shows AWS_ROLE_ARN and the volume aws-iam-token, or not",
        fix: "annotate the service account, then create the pod again; irsactl echoer tries it",
    },
    Known {
        message: "Unable to locate credentials",
        causes: &[
            "the pod has no token: the webhook did not run when it was created, or its service account has no annotation",
            "the SDK is too old for web identity",
        ],
        check: "kubectl get pod POD -o yaml shows AWS_ROLE_ARN and the volume aws-iam-token, or not",
        fix: "annotate the service account, then create the pod again",
    },
    Known {
        message: "expected webhook response of admission.k8s.io/v1",
        causes: &[
            "the webhook's MutatingWebhookConfiguration asks in v1 first, which released images (up to v0.6.17) do not answer",
        ],
        check: "irsactl verify --webhook kubectl",
        fix: "admissionReviewVersions: [v1beta1, v1], as 'irsactl webhook' prints it",
    },
    Known {
        message: "failed calling webhook",
        causes: &[
            "the webhook's certificate has expired, or its caBundle is of another authority (x509 in the rest of the message)",
            "no pod of it is ready, or a network policy keeps the API server from it",
        ],
        check: "irsactl verify --webhook kubectl",
        fix: "irsactl webhook --renew, and apply both files; then create the pods again",
    },
    Known {
        message: "certificate signed by unknown authority",
        causes: &[
            "the caBundle of a webhook is not of the authority that signed its certificate",
            "the issuer's host, or a proxy, has a certificate of a private CA",
        ],
        check: "irsactl verify --webhook kubectl; irsactl verify --issuer URL",
        fix: "irsactl webhook --renew, and apply both files; SSL_CERT_FILE names a private CA",
    },
    Known {
        message: "You must be logged in to the server",
        causes: &[
            "the API server accepts the token's issuer or key no more, or its audience",
            "the credentials of the kubeconfig have expired",
        ],
        check: "irsactl token decode FILE shows iss, kid and aud",
        fix: "keep the old issuer and the old public key: irsactl flags --existing-issuer URL --existing-public-key FILE",
    },
    Known {
        message: "invalid signature, no keys found",
        causes: &[
            "an API server does not have the public key of the token's kid among its --service-account-key-file",
        ],
        check: "irsactl token decode FILE shows the kid; kubectl get --raw /openid/v1/jwks the keys",
        fix: "list old and new public keys on every API server before one signs with the new",
    },
    Known {
        message: "is invalid for the target audiences",
        causes: &[
            "--api-audiences was changed and no longer has the audience of tokens that are in use",
        ],
        check: "irsactl token decode FILE shows aud",
        fix: "irsactl flags --existing-issuer URL keeps it; never sts.amazonaws.com alone",
    },
    Known {
        message: "service account token has expired",
        causes: &[
            "the client does not read its token's file anew",
            "a clock is off",
        ],
        check: "irsactl token decode FILE shows its times",
        fix: "update the client, or restart the pod; synchronise clocks",
    },
    Known {
        message: "invalid bearer token",
        causes: &[
            "the API server no longer accepts the issuer of tokens that are in use",
            "the token has expired, or its pod or service account is gone (the rest of the message says so)",
        ],
        check: "irsactl token decode FILE shows iss",
        fix: "keep the old issuer as a second --service-account-issuer: irsactl flags --existing-issuer URL",
    },
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pasted_message_finds_its_entry_and_no_other() {
        let pasted = "An error occurred (InvalidIdentityToken) when calling the AssumeRoleWithWebIdentity operation: \
                      Couldn't  retrieve verification key from your identity provider,  please reference";
        assert!(find(pasted).unwrap().causes[0].contains("not public"));
        let nested = "[invalid bearer token, invalid signature, no keys found]";
        assert_eq!(
            find(nested).unwrap().message,
            "invalid signature, no keys found"
        );
        assert!(find("something else").is_none());
        for known in &KNOWN {
            assert_eq!(find(known.message).unwrap().message, known.message);
        }
    }
}
