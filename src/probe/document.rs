//! An anonymous GET of a public document, as STS does it: verified TLS, no redirects, a size cap
//! and a deadline.

use std::time::Duration;

use http_body_util::{BodyExt, Empty, Limited};
use hyper::body::Bytes;
use hyper::{Request, StatusCode, header};
use hyper_util::rt::TokioIo;

use url::Position;

use crate::error::{Error, Result};

use super::connection;

/// An issuer that is slower is none to STS ("Couldn't retrieve verification key").
const TIMEOUT: Duration = Duration::from_secs(5);

/// No JWK Set of a hundred keys is larger.
const MAX_BODY: usize = 1 << 20;

/// What the server answered.
#[derive(Debug)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// The `Content-Type`.
    pub content_type: Option<String>,
    /// The body, at most 1 MiB.
    pub body: Vec<u8>,
}

/// Fetches an https URL.
pub async fn fetch(url: &url::Url) -> Result<Answer> {
    let what = || format!("cannot fetch {url}");
    tokio::time::timeout(TIMEOUT, get(url)).await.map_err(|_| {
        Error::failed(what()).because(format!("no complete answer within {} s", TIMEOUT.as_secs()))
    })?
}

async fn get(url: &url::Url) -> Result<Answer> {
    let failed =
        |cause: &dyn std::fmt::Display| Error::failed(format!("cannot fetch {url}")).because(cause);
    let host = url.host_str().unwrap_or_default();
    let stream = connection::connect(host, url.port_or_known_default().unwrap_or(443)).await?;
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream))
        .await
        .map_err(|e| failed(&e))?;
    let request = Request::get(&url[Position::BeforePath..Position::AfterQuery])
        // With the port, where it is not the scheme's own (RFC 9110 §7.2).
        .header(
            header::HOST,
            &url[Position::BeforeHost..Position::AfterPort],
        )
        .header(header::ACCEPT, "application/json, */*")
        .body(Empty::<Bytes>::new())
        .map_err(|e| failed(&e))?;
    let exchange = async {
        let response = sender.send_request(request).await.map_err(|e| failed(&e))?;
        let status: StatusCode = response.status();
        let content_type = response.headers().get(header::CONTENT_TYPE);
        let content_type = content_type.and_then(|value| Some(value.to_str().ok()?.to_owned()));
        let body = Limited::new(response.into_body(), MAX_BODY).collect().await;
        let body = body.map_err(|e| failed(&e))?.to_bytes().to_vec();
        Ok(Answer {
            status: status.as_u16(),
            content_type,
            body,
        })
    };
    tokio::select! {
        answer = exchange => answer,
        Err(error) = connection => Err(failed(&error)),
    }
}
