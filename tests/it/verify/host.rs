//! An issuer on a host of its own, with one thing broken at a time.

use std::collections::HashMap;
use std::io::Write;
use std::sync::Arc;
use std::time::Duration;

use rcgen::{CertificateParams, date_time_ymd};
use serde_json::json;

use crate::support::host::{self, NAME, Page};
use crate::support::tenant::Tenant;
use crate::verify::{check, failed};

const DISCOVERY: &str = "/.well-known/openid-configuration";

type Break<'a> = &'a dyn Fn(&mut HashMap<&'static str, Page>);

#[test]
fn each_broken_host_is_named() {
    let verify = format!("verify --issuer https://{NAME} -o json");
    let far = |params: &mut CertificateParams| params.not_after = date_time_ymd(4000, 1, 1);
    let good = |tenant: &Tenant| {
        let discovery = tenant.irsactl(&format!("discovery --issuer https://{NAME}"));
        HashMap::from([
            (DISCOVERY, Page::json(&discovery.ok())),
            ("/keys.json", Page::json(&tenant.irsactl("jwks").ok())),
        ])
    };
    let slow = |page: &mut Page| page.delay = Duration::from_secs(7);
    let redirect = |page: &mut Page| {
        page.head = format!("HTTP/1.1 301 Moved\r\nLocation: https://{NAME}/there");
    };
    let cases: [(&str, Break<'_>, &[&str], &str); 6] = [
        ("nothing", &|_| {}, &[], ""),
        (
            "a slow host",
            &|pages| slow(pages.get_mut("/keys.json").unwrap()),
            &["JWK Set"],
            "no complete answer within 5 s",
        ),
        (
            "a redirect",
            &|pages| redirect(pages.get_mut("/keys.json").unwrap()),
            &["JWK Set"],
            "HTTP status 301, a redirect",
        ),
        (
            "a redirected discovery document",
            &|pages| redirect(pages.get_mut(DISCOVERY).unwrap()),
            &["discovery document"],
            "HTTP status 301, a redirect",
        ),
        (
            "keys that are somewhere else",
            &|pages| {
                let body = &mut pages.get_mut(DISCOVERY).unwrap().body;
                *body = body.replace("/keys.json", "/absent.json");
            },
            &["JWK Set"],
            "HTTP status 404",
        ),
        (
            "an endless body",
            &|pages| pages.get_mut("/keys.json").unwrap().body = " ".repeat(3 << 20),
            &["JWK Set"],
            "length limit exceeded",
        ),
    ];
    for (what, cause, expected, words) in cases {
        let mut tenant = Tenant::with_key();
        let mut pages = good(&tenant);
        cause(&mut pages);
        host::start(&mut tenant.offline, pages, far);
        // 'irsactl provider' would not trust all of them.
        tenant.iam(&format!(
            "Action=CreateOpenIDConnectProvider&Url=https%3A%2F%2F{NAME}&ClientIDList.member.1=sts.amazonaws.com\
             &ThumbprintList.member.1={}&Tags.member.1.Key=managed-by&Tags.member.1.Value=irsactl",
            "a".repeat(40)
        ));
        let (names, report) = failed(&tenant, &verify);
        assert_eq!(names, expected, "{what}: {report:#}");
        if let [name] = expected {
            let actual = check(&report, name)["actual"].as_str().unwrap();
            assert!(actual.contains(words), "{what}: {actual}");
        }
    }
}

#[test]
fn a_certificate_that_has_expired_or_soon_will() {
    let verify = format!("verify --issuer https://{NAME} -o json");
    let mut tenant = Tenant::with_key();
    let past = |params: &mut CertificateParams| params.not_after = date_time_ymd(2020, 1, 1);
    host::start(&mut tenant.offline, HashMap::new(), past);
    let (names, report) = failed(&tenant, &verify);
    assert_eq!(
        names,
        ["discovery document", "JWK Set", "TLS", "provider"],
        "{report:#}"
    );
    let actual = check(&report, "TLS")["actual"].as_str().unwrap();
    assert!(actual.contains("expired"), "{actual}");

    let soon = tenant.shell("date -u -d '+10 days' +%Y-%m-%d");
    let mut soon = soon
        .trim()
        .split('-')
        .map(|part| part.parse::<u32>().unwrap());
    let mut part = || soon.next().unwrap();
    let (year, month, day) = (part(), part() as u8, part() as u8);
    let ends = move |params: &mut CertificateParams| {
        params.not_after = date_time_ymd(year as i32, month, day);
    };
    host::start(&mut tenant.offline, HashMap::new(), ends);
    let report = failed(&tenant, &verify).1;
    assert_eq!(check(&report, "TLS expiry")["outcome"], "warn");
}

/// The chain of the issuer's own host counts too when the keys are on another one.
#[test]
fn both_hosts_are_looked_at() {
    let mut tenant = Tenant::with_key();
    let discovery = tenant
        .irsactl(&format!("discovery --issuer https://{NAME}"))
        .ok();
    let discovery = discovery.replace(
        &format!("https://{NAME}/keys.json"),
        "https://elsewhere.test/keys.json",
    );
    host::start(
        &mut tenant.offline,
        HashMap::from([(DISCOVERY, Page::json(&discovery))]),
        |_| {},
    );
    let (names, report) = failed(&tenant, &format!("verify --issuer https://{NAME} -o json"));
    assert_eq!(names, ["JWK Set", "TLS", "provider"], "{report:#}");
    let places = report["checks"].as_array().unwrap().iter();
    let places = places
        .filter(|check| check["name"] == "TLS")
        .map(|check| (check["place"].clone(), check["outcome"].clone()))
        .collect::<Vec<_>>();
    assert_eq!(
        json!(places),
        json!([["elsewhere.test", "fail"], [NAME, "pass"]])
    );
}

/// An answer is whole with its Content-Length, also where TCP ends without TLS's close_notify (RFC 9112 §9.8).
#[test]
fn a_whole_answer_counts_however_the_connection_ends() {
    let mut tenant = Tenant::with_key();
    let discovery = tenant
        .irsactl(&format!("discovery --issuer https://{NAME}"))
        .ok();
    let keys = tenant.irsactl("jwks").ok();
    let abrupt = |body: String| {
        let mut page = Page::json("");
        page.head += &format!("\r\nContent-Length: {}", body.len());
        page.send = Some(Arc::new(move |stream: &mut dyn Write| {
            write!(stream, "\r\n{body}")?;
            stream.flush()
        }));
        page
    };
    let pages = HashMap::from([(DISCOVERY, abrupt(discovery)), ("/keys.json", abrupt(keys))]);
    host::start(&mut tenant.offline, pages, |_| {});
    let verify = format!("verify --issuer https://{NAME} -o json");
    for _ in 0..10 {
        let (names, report) = failed(&tenant, &verify);
        assert_eq!(names, ["provider"], "{report:#}");
    }
}
