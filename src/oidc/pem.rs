//! PEM text (RFC 7468) as it comes from openssl, ssh-keygen, kubeadm and editors: CRLF, a byte
//! order mark, trailing spaces and text around the blocks are accepted; a block that does not
//! end is an error with its line, since a truncated key must never pass for a shorter file.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

use crate::oidc::key_error::KeyError;

/// One `-----BEGIN label-----` block.
pub(super) struct Block {
    pub(super) label: String,
    pub(super) der: Zeroizing<Vec<u8>>,
    /// Line of the BEGIN marker, from 1.
    pub(super) line: usize,
    /// Whether RFC 1421 headers say `Proc-Type: 4,ENCRYPTED` (OpenSSL's old encrypted form).
    pub(super) encrypted: bool,
}

/// All blocks of a file, in order.
pub(super) fn blocks(text: &[u8]) -> Result<Vec<Block>, KeyError> {
    let text = std::str::from_utf8(text).map_err(|_| KeyError::NotPem)?;
    let text = text.trim_start_matches('\u{feff}');
    let mut blocks = Vec::new();
    let mut lines = text.lines().map(str::trim).zip(1..);
    while let Some((line, begin)) = lines.next() {
        let Some(label) = marker(line, "-----BEGIN ") else {
            continue;
        };
        let mut body = Zeroizing::new(String::with_capacity(text.len()));
        let mut encrypted = false;
        let closed = lines.by_ref().any(|(line, _)| {
            let end = marker(line, "-----END ");
            if end.is_none() {
                if line.contains(':') {
                    encrypted |= line.contains("ENCRYPTED")
                } else {
                    body.push_str(line)
                }
            }
            end == Some(label)
        });
        if !closed {
            return Err(KeyError::Unterminated { line: begin });
        }
        let der = if encrypted {
            Vec::new()
        } else {
            STANDARD
                .decode(body.as_bytes())
                .map_err(|_| KeyError::Base64 { line: begin })?
        };
        blocks.push(Block {
            label: label.to_owned(),
            der: Zeroizing::new(der),
            line: begin,
            encrypted,
        });
    }
    if blocks.is_empty() {
        Err(KeyError::NotPem)
    } else {
        Ok(blocks)
    }
}

fn marker<'a>(line: &'a str, prefix: &str) -> Option<&'a str> {
    line.strip_prefix(prefix)?.strip_suffix("-----")
}
