//! What else lies beside the two documents of an issuer in a bucket.

use super::page::{self, Page};
use super::report::Check;

const SECRETS: &str = "private keys in the bucket";
const PUBLIC: &str = "other public objects";

/// The keys that are neither document of an issuer; a bucket may hold several issuers, by prefix.
pub fn others(keys: &[String]) -> Vec<&str> {
    let document = |key: &&str| {
        ["keys.json", ".well-known/openid-configuration"]
            .iter()
            .any(|name| *key == *name || key.ends_with(&format!("/{name}")))
    };
    let keys = keys.iter().map(String::as_str);
    keys.filter(|key| !document(key)).collect()
}

/// By name and by content: a signing key, or anything in PEM, has no business in a bucket that is made
/// to be read. `pages` are the other objects as an anonymous reader gets them.
pub fn check(bucket: &str, others: &[&str], pages: &[Page]) -> Vec<Check> {
    let named: Vec<&str> = others
        .iter()
        .copied()
        .filter(|key| is_key_name(key))
        .collect();
    let readable: Vec<&Page> = pages.iter().filter(|page| page.body().is_some()).collect();
    let leaked: Vec<&str> = readable
        .iter()
        .filter(|page| page.body().is_some_and(is_private_key))
        .map(|page| page.url.as_str())
        .collect();
    let actual = match (leaked.as_slice(), named.as_slice()) {
        ([], []) => "none".to_owned(),
        ([], named) => format!("by their names: {}", named.join(", ")),
        (leaked, _) => format!("KEY COMPROMISED: everybody can read {}", leaked.join(", ")),
    };
    let secrets = Check::new(SECRETS, bucket, actual == "none", "none", actual)
        .hint("a signing key belongs on the control-plane nodes alone: take it away, and if it was ever readable make a new one");
    let urls: Vec<&str> = readable.iter().map(|page| page.url.as_str()).collect();
    let actual = match urls.as_slice() {
        [] => "none".to_owned(),
        urls => urls.join(", "),
    };
    let public = Check::new(PUBLIC, bucket, urls.is_empty(), "none", actual)
        .hint("a statement of the bucket policy gives more than the two documents: take it away");
    vec![secrets, public]
}

/// Whether an anonymous reader can list the bucket.
pub fn listing(page: &Page) -> Check {
    page::private("bucket listing", page)
}

fn is_key_name(key: &str) -> bool {
    let name = key.rsplit('/').next().unwrap_or(key).to_lowercase();
    let ending = [".key", ".pem", ".p8", ".p12", ".pfx", ".jks", "_rsa"];
    ending.iter().any(|ending| name.ends_with(ending))
}

fn is_private_key(body: &[u8]) -> bool {
    let text = String::from_utf8_lossy(body);
    text.contains("-----BEGIN") && text.contains("PRIVATE KEY-----")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn documents_of_other_issuers_are_no_strangers() {
        let keys = [
            "keys.json",
            "b/.well-known/openid-configuration",
            "sa-signer.key",
            "my-keys.json",
        ];
        let keys = keys.map(str::to_owned);
        assert_eq!(others(&keys), ["sa-signer.key", "my-keys.json"]);
        let checks = check("s3://b", &others(&keys), &[]);
        assert_eq!(checks[0].actual, "by their names: sa-signer.key");
    }
}
