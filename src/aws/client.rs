//! The HTTP client of all services: the SDK's own, with the roots that were found, and with a limit for answers.

use aws_sdk_s3::primitives::SdkBody;
use aws_smithy_http_client::proxy::ProxyConfig;
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use aws_smithy_http_client::{Connector, tls};
use aws_smithy_runtime_api::client::connector_metadata::ConnectorMetadata;
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient,
    SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use http_body_util::Limited;

/// A page of a thousand roles with their trust policies is smaller; the SDK reads whole what it parses.
const MAX_ANSWER: usize = 16 << 20;

/// The SDK's default client (aws-smithy-runtime, client/http.rs), with `roots` in place of the machine's where
/// they are given, as PEM.
pub(super) fn https(roots: Option<String>) -> Option<SharedHttpClient> {
    let store = roots.map(|roots| tls::TrustStore::empty().with_pem_certificate(roots));
    let context = tls::TlsContext::builder().with_trust_store(store.unwrap_or_default());
    let context = context.build().ok()?;
    let provider = tls::Provider::Rustls(CryptoMode::AwsLc);
    let connector = move |settings: Option<&HttpConnectorSettings>,
                          components: Option<&RuntimeComponents>| {
        let mut connector = Connector::builder()
            .tls_provider(provider.clone())
            .tls_context(context.clone())
            .proxy_config(ProxyConfig::from_env());
        connector.set_connector_settings(settings.cloned());
        connector.set_sleep_impl(components.and_then(RuntimeComponents::sleep_impl));
        connector.build()
    };
    let client = aws_smithy_http_client::Builder::new().build_with_connector_fn(connector);
    Some(SharedHttpClient::new(LimitedClient(client)))
}

#[derive(Debug)]
struct LimitedClient(SharedHttpClient);

impl HttpClient for LimitedClient {
    fn http_connector(
        &self,
        settings: &HttpConnectorSettings,
        components: &RuntimeComponents,
    ) -> SharedHttpConnector {
        let connector = self.0.http_connector(settings, components);
        SharedHttpConnector::new(LimitedConnector(connector))
    }

    fn connector_metadata(&self) -> Option<ConnectorMetadata> {
        self.0.connector_metadata()
    }
}

#[derive(Debug)]
struct LimitedConnector(SharedHttpConnector);

impl HttpConnector for LimitedConnector {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let answer = self.0.call(request);
        HttpConnectorFuture::new(async move {
            let limited = |body: SdkBody| SdkBody::from_body_1_x(Limited::new(body, MAX_ANSWER));
            Ok(answer.await?.map(limited))
        })
    }
}
