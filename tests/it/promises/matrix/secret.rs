//! The private halves of the keys in a directory, looked for in everything that left it.

use std::fs;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};

use crate::promises::matrix::case::is;

/// Where a 2048-bit key's modulus has ended (RFC 5958, RFC 8017 A.1.2) and the private exponent begins.
const PRIVATE: usize = 310;

/// Fails when one of the texts holds a private part of a key in `directory`.
pub(super) fn is_nowhere(directory: &Path, texts: &[String]) -> Result<(), String> {
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "key") {
            continue;
        }
        let needles = needles(&fs::read_to_string(&path).unwrap());
        for text in texts {
            let found = needles.iter().find(|needle| text.contains(needle.as_str()));
            is(
                found.is_none(),
                &format!("the key {} is in: {text}", path.display()),
            )?;
        }
    }
    Ok(())
}

fn needles(pem: &str) -> Vec<String> {
    let lines: Vec<&str> = pem
        .lines()
        .filter(|line| !line.starts_with("-----"))
        .collect();
    let der = STANDARD.decode(lines.concat()).unwrap();
    let mut needles: Vec<String> = lines[7..lines.len() - 1]
        .iter()
        .map(|&line| line.to_owned())
        .collect();
    // In the exponent, and in the primes and what follows them; whole groups of three bytes, at each
    // place where such a group can begin.
    for start in [PRIVATE, PRIVATE + 300, PRIVATE + 600] {
        for shift in 0..3 {
            let bytes = &der[start + shift..start + shift + 24];
            needles.extend([STANDARD.encode(bytes), URL_SAFE_NO_PAD.encode(bytes)]);
        }
        let bytes = &der[start..start + 16];
        let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        let decimal: Vec<String> = bytes.iter().map(u8::to_string).collect();
        needles.extend([hex.to_uppercase(), hex, decimal.join(", ")]);
    }
    needles
}

#[test]
fn the_needles_find_a_key() {
    let directory = tempfile::TempDir::new().unwrap();
    let offline = crate::support::tenant::Offline::new();
    offline.irsactl("keygen").ok();
    let path = offline.path("issuer/sa-signer.key");
    let pem = fs::read_to_string(&path).unwrap();
    fs::copy(&path, directory.path().join("one.key")).unwrap();
    assert!(is_nowhere(directory.path(), &[pem]).is_err());
    let public = fs::read_to_string(offline.path("issuer/sa-signer.pub")).unwrap();
    let jwks = offline
        .irsactl("jwks --public-key issuer/sa-signer.pub")
        .ok();
    assert!(is_nowhere(directory.path(), &[public, jwks]).is_ok());
}
