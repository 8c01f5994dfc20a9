//! A public document as an anonymous GET saw it.

use crate::verify::report::Check;

/// What was fetched from a URL.
#[derive(Clone, Debug)]
pub struct Page {
    /// The URL.
    pub url: String,
    /// The answer, or why there is none.
    pub answer: Result<Answer, String>,
}

/// An HTTP answer.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// The `Content-Type`.
    pub content_type: Option<String>,
    /// The body.
    pub body: Vec<u8>,
}

impl Page {
    /// The body, when the status is 200.
    pub fn body(&self) -> Option<&[u8]> {
        let answer = self.answer.as_ref().ok()?;
        (answer.status == 200).then_some(answer.body.as_slice())
    }

    /// Whether it is kept from anonymous readers; none when the answer does not tell. With status 200 they
    /// have it, whatever became of the body.
    pub fn is_private(&self) -> Option<bool> {
        match self.answer.as_ref().ok()?.status {
            200 => Some(false),
            403 | 404 => Some(true),
            _ => None,
        }
    }

    /// Whether the host has no DNS name: then somebody may register it. A resolver that cannot answer now
    /// says something else (getaddrinfo's EAI_AGAIN).
    pub fn has_no_name(&self) -> bool {
        let unknown = |cause: &String| {
            // EAI_NONAME in the words of glibc, macOS and musl.
            [
                "Name or service not known",
                "nodename nor servname provided",
                "Name does not resolve",
            ]
            .iter()
            .any(|part| cause.contains(part))
        };
        self.answer.as_ref().is_err_and(unknown)
    }

    /// Whether S3 says that the bucket does not exist: then anybody can create it.
    pub fn bucket_is_gone(&self) -> bool {
        let gone = |answer: &Answer| {
            answer.status == 404
                && String::from_utf8_lossy(&answer.body).contains("<Code>NoSuchBucket</Code>")
        };
        self.answer.as_ref().is_ok_and(gone)
    }
}

/// STS reads a document anonymously, follows no redirect that we know of, and wants status 200.
pub fn public(name: &'static str, page: &Page) -> Check {
    let actual = match &page.answer {
        Ok(answer) if (300..400).contains(&answer.status) => {
            format!("HTTP status {}, a redirect", answer.status)
        }
        Ok(answer) => format!("HTTP status {}", answer.status),
        Err(cause) => cause.clone(),
    };
    Check::new(name, &page.url, page.body().is_some(), "HTTP status 200 without credentials", actual)
        .hint("publish it again, for everybody to read ('irsactl bootstrap' for a bucket); an account or organization may forbid public buckets")
}

/// Other relying parties than STS want JSON's media type (OpenID Connect Discovery 1.0 §4.2).
pub fn content_type(name: &'static str, page: &Page) -> Check {
    let actual = page
        .answer
        .as_ref()
        .ok()
        .and_then(|answer| answer.content_type.as_deref());
    let json = |text: &str| {
        text.split(';')
            .next()
            .is_some_and(|media| media.trim().ends_with("json"))
    };
    Check::new(
        name,
        &page.url,
        actual.is_some_and(json),
        "application/json",
        actual.unwrap_or("absent"),
    )
    .or_warn()
    .hint("set it on the web server, or 'irsactl publish' for a bucket")
}

/// What must not be public. S3 says so with 403, or 404; any other answer tells nothing.
pub fn private(name: &'static str, page: &Page) -> Check {
    match (page.is_private(), &page.answer) {
        (_, Err(cause)) => Check::skipped(name, &page.url, cause),
        (None, Ok(answer)) => {
            Check::skipped(name, &page.url, format!("HTTP status {}", answer.status))
                .hint("run again: S3 has not said whether everybody may read it")
        }
        (Some(passed), Ok(answer)) => {
            let actual = format!("HTTP status {}", answer.status);
            Check::new(name, &page.url, passed, "not readable without credentials", actual)
                .hint("a statement of the bucket policy gives more than s3:GetObject on the two documents: take it away")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_without_a_name_is_told_by_every_libc() {
        let page = |cause: &str| Page {
            url: String::new(),
            answer: Err(format!("failed to lookup address information: {cause}")),
        };
        for cause in [
            "Name or service not known",
            "nodename nor servname provided, or not known",
            "Name does not resolve",
        ] {
            assert!(page(cause).has_no_name(), "{cause}");
        }
        for cause in ["Temporary failure in name resolution", "Try again"] {
            assert!(!page(cause).has_no_name(), "{cause}");
        }
    }
}
