//! Hostile hosts: what they answer to the GET of an issuer's documents.

use std::collections::HashMap;
use std::io::Write;
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::support::host::{self, NAME, Page, Send};
use crate::support::tenant::Tenant;
use crate::verify::{check, failed};

const DISCOVERY: &str = "/.well-known/openid-configuration";

fn sends(
    send: impl Fn(&mut dyn Write) -> std::io::Result<()> + std::marker::Send + Sync + 'static,
) -> Option<Send> {
    Some(Arc::new(send))
}

/// A case: what it is, how the host's pages change, the checks that fail, and words of the last one.
type Case<'a> = (
    &'a str,
    &'a dyn Fn(&mut Page, &mut Page),
    &'a [&'a str],
    &'a str,
);

#[test]
fn each_hostile_answer_of_a_host_is_named() {
    let zeros = Command::new("sh")
        .args(["-c", "head -c 100M /dev/zero | gzip -9"])
        .output()
        .unwrap()
        .stdout;
    let bomb = zeros.clone();
    let keys: &[&str] = &["JWK Set keys"];
    let jwks: &[&str] = &["JWK Set"];
    let cases: [Case<'_>; 17] = [
        (
            "a charset",
            &|_, jwks| jwks.head += "; charset=utf-8",
            &[],
            "",
        ),
        (
            "a byte order mark",
            &|_, jwks| jwks.body.insert(0, '\u{feff}'),
            keys,
            "not a JSON object",
        ),
        (
            "HTML",
            &|_, jwks| jwks.body = "<html>".to_owned(),
            keys,
            "not a JSON object",
        ),
        (
            "deep nesting",
            &|_, jwks| jwks.body = "[".repeat(500_000),
            keys,
            "not a JSON object",
        ),
        (
            "alg none",
            &|_, jwks| jwks.body = jwks.body.replace("RS256", "none"),
            keys,
            "has not alg RS256",
        ),
        (
            "a symmetric key",
            &|_, jwks| jwks.body = r#"{"keys":[{"kty":"oct","k":"AQAB"}]}"#.to_owned(),
            keys,
            "KEY COMPROMISED",
        ),
        (
            "keys twice",
            &|_, jwks| jwks.body = jwks.body.replacen('{', r#"{"keys":[],"#, 1),
            keys,
            "duplicate field",
        ),
        (
            "a kid that is a workflow command",
            &|_, jwks| {
                jwks.body = jwks
                    .body
                    .replacen(r#""kid":""#, r#""kid":"\n::error::x"#, 1)
                    .replacen(r#""kid": ""#, r#""kid": "\n::error::x\u001b[2J"#, 1)
            },
            keys,
            "::error::x",
        ),
        (
            "the issuer twice",
            &|discovery, _| {
                discovery.body =
                    discovery
                        .body
                        .replacen('{', r#"{"issuer":"https://evil.example","#, 1)
            },
            &["discovery members"],
            "duplicate field",
        ),
        (
            "another issuer",
            &|discovery, _| {
                discovery.body = discovery.body.replacen("https://oidc", "https://o1dc", 1)
            },
            &["discovery issuer"],
            "https://o1dc",
        ),
        (
            "keys over http",
            &|discovery, _| {
                discovery.body = discovery
                    .body
                    .replace("https://oidc.test/keys", "http://oidc.test/keys")
            },
            &["discovery jwks_uri", "JWK Set"],
            "not an https URL",
        ),
        (
            "302",
            &|_, jwks| {
                jwks.head = "HTTP/1.1 302 Found\r\nLocation: https://evil.example/".to_owned()
            },
            jwks,
            "a redirect",
        ),
        (
            "307",
            &|_, jwks| jwks.head = "HTTP/1.1 307 Temporary Redirect\r\nLocation: /there".to_owned(),
            jwks,
            "a redirect",
        ),
        (
            "no HTTP",
            &|_, jwks| jwks.head = "SSH-2.0-x\r\n".to_owned(),
            jwks,
            "HTTP",
        ),
        (
            "a gzip bomb",
            &move |_, jwks| {
                let bomb = bomb.clone();
                jwks.head += &format!(
                    "\r\nContent-Encoding: gzip\r\nContent-Length: {}",
                    bomb.len()
                );
                jwks.send = sends(move |stream| {
                    stream
                        .write_all(b"\r\n")
                        .and_then(|()| stream.write_all(&bomb))
                });
            },
            keys,
            "not a JSON object",
        ),
        (
            "endless chunks",
            &|_, jwks| {
                jwks.send = sends(|stream| {
                    let chunk = format!("10000\r\n{}\r\n", " ".repeat(0x10000));
                    stream.write_all(b"Transfer-Encoding: chunked\r\n\r\n")?;
                    loop {
                        stream.write_all(chunk.as_bytes())?;
                    }
                });
            },
            jwks,
            "length limit exceeded",
        ),
        (
            "a byte a second",
            &|_, jwks| {
                jwks.send = sends(|stream| {
                    stream.write_all(b"Content-Length: 1000\r\n\r\n")?;
                    loop {
                        stream.write_all(b" ")?;
                        stream.flush()?;
                        std::thread::sleep(Duration::from_secs(1));
                    }
                });
            },
            jwks,
            "no complete answer within 5 s",
        ),
    ];
    let verify = format!("verify --issuer https://{NAME}");
    let mut tenant = Tenant::with_key();
    let discovery = tenant
        .irsactl(&format!("discovery --issuer https://{NAME}"))
        .ok();
    let (discovery, jwks) = (
        Page::json(&discovery),
        Page::json(&tenant.irsactl("jwks").ok()),
    );
    let aws = tenant.offline.environment.clone();
    let mut provided = false;
    for (what, change, expected, words) in cases {
        let (mut discovery, mut jwks) = (discovery.clone(), jwks.clone());
        change(&mut discovery, &mut jwks);
        tenant.offline.environment.clone_from(&aws);
        let pages = HashMap::from([(DISCOVERY, discovery), ("/keys.json", jwks)]);
        host::start(&mut tenant.offline, pages, |_| {});
        if !std::mem::replace(&mut provided, true) {
            tenant
                .irsactl(&format!("provider --issuer https://{NAME} --yes"))
                .ok();
        }
        let start = Instant::now();
        let (names, report) = failed(&tenant, &format!("{verify} -o json"));
        assert_eq!(names, expected, "{what}: {report:#}");
        assert!(
            start.elapsed() < Duration::from_secs(40),
            "{what}: {:?}",
            start.elapsed()
        );
        if let Some(name) = expected.last() {
            let actual = check(&report, name)["actual"].as_str().unwrap();
            assert!(actual.contains(words), "{what}: {actual}");
        }
        if words.contains("::") {
            let text = tenant.irsactl(&verify);
            assert!(
                !text.stdout.contains("\n::") && !text.stdout.contains('\u{1b}'),
                "{text:#?}"
            );
        }
    }
}
