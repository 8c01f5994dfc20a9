//! The discovery document that an issuer serves under `/.well-known/openid-configuration`.

use serde::Serialize;

use crate::oidc::issuer::Issuer;

/// OpenID Connect Discovery 1.0 §3, with the members that the Amazon EKS Pod Identity Webhook's
/// self-hosted guide publishes. kube-apiserver's own document has no `authorization_endpoint`;
/// the standard requires one, and the URN says that there is no such endpoint.
#[derive(Clone, Debug, Serialize)]
pub struct DiscoveryDocument {
    issuer: Issuer,
    jwks_uri: String,
    authorization_endpoint: &'static str,
    response_types_supported: [&'static str; 1],
    subject_types_supported: [&'static str; 1],
    id_token_signing_alg_values_supported: [&'static str; 1],
    claims_supported: [&'static str; 2],
}

impl DiscoveryDocument {
    /// The document of an issuer whose JWK Set is at [`Issuer::jwks_uri`].
    pub fn of(issuer: &Issuer) -> Self {
        Self {
            issuer: issuer.clone(),
            jwks_uri: issuer.jwks_uri(),
            authorization_endpoint: "urn:kubernetes:programmatic_authorization",
            response_types_supported: ["id_token"],
            subject_types_supported: ["public"],
            id_token_signing_alg_values_supported: ["RS256"],
            claims_supported: ["sub", "iss"],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_stand_in_the_order_of_the_standard() {
        let issuer = Issuer::parse("https://example.com/a").unwrap();
        assert_eq!(
            serde_json::to_string(&DiscoveryDocument::of(&issuer)).unwrap(),
            concat!(
                r#"{"issuer":"https://example.com/a","jwks_uri":"https://example.com/a/keys.json","#,
                r#""authorization_endpoint":"urn:kubernetes:programmatic_authorization","#,
                r#""response_types_supported":["id_token"],"subject_types_supported":["public"],"#,
                r#""id_token_signing_alg_values_supported":["RS256"],"claims_supported":["sub","iss"]}"#
            )
        );
    }
}
