//! Overridden endpoints: as they may be shown, and whether a secret may be sent there.

use hyper_util::client::proxy::matcher::Matcher;
use url::{Host, Url};

use crate::error::{Error, Result};

/// An endpoint without user and password, which somebody may have put into its URL.
pub(super) fn shown(endpoint: &str) -> String {
    let Ok(mut url) = Url::parse(endpoint) else {
        return "a URL that cannot be read".to_owned();
    };
    if url.cannot_be_a_base() {
        return "a URL that cannot be shown".to_owned();
    }
    if url.username().is_empty() && url.password().is_none() {
        return endpoint.to_owned();
    }
    let taken_off = url.set_username("").and_then(|()| url.set_password(None));
    match taken_off {
        Ok(()) => url.to_string(),
        Err(()) => "a URL that cannot be shown".to_owned(),
    }
}

/// Refuses an endpoint that the SDK cannot use. It is not quoted, as the SDK would do: it may hold a password that
/// nobody can find in it.
pub(super) fn check_form(service: &str, endpoint: &str) -> Result<()> {
    let is_url = Url::parse(endpoint).is_ok_and(|url| url.host().is_some());
    let has_host = |uri: http::Uri| uri.scheme().is_some() && uri.host().is_some();
    if is_url && endpoint.parse().is_ok_and(has_host) {
        return Ok(());
    }
    Err(Error::refused(format!("cannot use the endpoint of {service}"))
        .because("it is no URL as RFC 3986 has it")
        .hint("look at AWS_ENDPOINT_URL, its form for the service, and the profile; percent-encode what is special in a password"))
}

/// Refuses to send a secret to a service that a variable or a profile has put behind plain HTTP: everybody on
/// the way reads it. This machine is the exception, unless the call goes through a proxy.
pub(super) fn check_private(endpoint: &str, service: &str, secret: &str) -> Result<()> {
    let refused = |cause: &str| {
        Err(Error::refused(format!("cannot send {secret} to {service} at {endpoint}"))
            .because(cause)
            .hint("give an https:// endpoint, or take it out of AWS_ENDPOINT_URL, its form for the service, or the profile"))
    };
    let Ok(url) = Url::parse(endpoint) else {
        return refused("it is no URL");
    };
    if url.scheme() == "https" {
        return Ok(());
    }
    let is_here = match url.host() {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        Some(Host::Domain(name)) => name == "localhost",
        None => false,
    };
    if !is_here {
        return refused("it is plain HTTP to another machine");
    }
    let uri = endpoint.parse().ok();
    match uri.and_then(|uri| Matcher::from_env().intercept(&uri)) {
        Some(_) => refused("it is plain HTTP through a proxy"),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_password_is_shown() {
        for (endpoint, expected) in [
            ("http://127.0.0.1:4566", "http://127.0.0.1:4566"),
            ("https://user:pass@a.example/x", "https://a.example/x"),
            ("http://:pass@a.example", "http://a.example/"),
            ("user:pass@a.example", "a URL that cannot be shown"),
        ] {
            assert_eq!(shown(endpoint), expected);
        }
    }
}
