//! An anonymous GET of a public document, as STS does it: verified TLS, no redirects, a size cap
//! and a deadline.

use std::pin::pin;
use std::time::Duration;

use http_body_util::{BodyExt, Empty, Limited};
use hyper::body::Bytes;
use hyper::{Request, StatusCode, header};
use hyper_util::rt::TokioIo;
use tokio::time::{Instant, timeout_at};
use url::Position;

use crate::error::{Error, Result};
use crate::probe::connection;

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
    match peek(url).await? {
        (answer, None) => Ok(answer),
        (_, Some(cause)) => Err(Error::failed(format!("cannot fetch {url}")).because(cause)),
    }
}

/// Fetches as much of an https URL as comes: the answer, and why its body is not whole.
pub async fn peek(url: &url::Url) -> Result<(Answer, Option<String>)> {
    let until = Instant::now() + TIMEOUT;
    let answer = timeout_at(until, get(url, until)).await;
    answer.map_err(|_| Error::failed(format!("cannot fetch {url}")).because(too_slow()))?
}

fn too_slow() -> String {
    format!("no complete answer within {} s", TIMEOUT.as_secs())
}

async fn get(url: &url::Url, until: Instant) -> Result<(Answer, Option<String>)> {
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
        let mut frames = Limited::new(response.into_body(), MAX_BODY);
        let mut body = Vec::new();
        let cut = loop {
            match timeout_at(until, frames.frame()).await {
                Err(_) => break Some(too_slow()),
                Ok(None) => break None,
                Ok(Some(Err(cause))) => break Some(cause.to_string()),
                Ok(Some(Ok(frame))) => body.extend(frame.into_data().unwrap_or_default()),
            }
        };
        let answer = Answer {
            status: status.as_u16(),
            content_type,
            body,
        };
        Ok((answer, cut))
    };
    let mut exchange = pin!(exchange);
    tokio::select! {
        answer = &mut exchange => answer,
        // Some servers end TCP without TLS's close_notify, with the whole answer already here.
        Err(error) = connection => exchange.await.map_err(|_| failed(&error)),
    }
}
