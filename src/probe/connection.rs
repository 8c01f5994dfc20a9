//! A verified TLS connection, straight or through a proxy.

use std::sync::Arc;
use std::time::Duration;

use hyper::Uri;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::client::legacy::connect::proxy::Tunnel;
use hyper_util::client::proxy::matcher::Matcher;
use hyper_util::rt::TokioIo;
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tower_service::Service;

use crate::error::{Error, Result};
use crate::probe::roots;

/// How long a person may wait; [`crate::probe::document`] has a shorter time of its own.
const TIMEOUT: Duration = Duration::from_secs(10);

/// Connects to `host:port` and completes the handshake; the chain has verified then.
pub(super) async fn connect(host: &str, port: u16) -> Result<TlsStream<TcpStream>> {
    let what = || format!("cannot connect to {host}:{port}");
    let connected = tokio::time::timeout(TIMEOUT, async {
        let stream = tcp(host, port).await.map_err(|cause| {
            Error::failed(what())
                .because(cause)
                .hint("check the name, the network, HTTPS_PROXY and NO_PROXY")
        })?;
        let name = ServerName::try_from(host.to_owned()).map_err(|e| {
            Error::usage(format!("'{}' is not a host name", host.escape_debug())).because(e)
        })?;
        let connector = TlsConnector::from(Arc::new(config()?));
        connector.connect(name, stream).await.map_err(|cause| {
            Error::failed(format!("cannot verify the TLS certificate of {host}:{port}"))
                .because(cause)
                .hint("verification is never switched off; for a private CA, name its certificates with SSL_CERT_FILE")
        })
    });
    connected.await.map_err(|_| {
        Error::failed(what()).because(format!("no answer within {} s", TIMEOUT.as_secs()))
    })?
}

async fn tcp(host: &str, port: u16) -> std::result::Result<TcpStream, String> {
    let target: Uri = format!("https://{host}:{port}")
        .parse()
        .map_err(|e| format!("{e}"))?;
    let mut connector = HttpConnector::new();
    connector.enforce_http(false);
    let stream = match Matcher::from_env().intercept(&target) {
        Some(proxy) if proxy.uri().scheme_str() != Some("http") => {
            return Err(format!(
                "proxy {} is not an http:// proxy",
                proxy.uri().authority().map_or("", |a| a.host())
            ));
        }
        Some(proxy) => {
            let mut tunnel = Tunnel::new(proxy.uri().clone(), connector);
            if let Some(auth) = proxy.basic_auth() {
                tunnel = tunnel.with_auth(auth.clone());
            }
            tunnel
                .call(target)
                .await
                .map_err(|e| format!("through the proxy: {}", causes(&e)))?
        }
        None => connector.call(target).await.map_err(|e| causes(&e))?,
    };
    Ok(TokioIo::into_inner(stream))
}

fn causes(error: &(dyn std::error::Error + 'static)) -> String {
    let sources = std::iter::successors(Some(error), |&error| error.source());
    sources
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join(": ")
}

fn config() -> Result<ClientConfig> {
    let roots = roots::load()?.store();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map(|builder| builder.with_root_certificates(roots).with_no_client_auth())
        .map_err(|e| Error::failed("cannot set TLS up").because(e))
}
