//! Hostile answers of AWS: cut connections, garbled bodies, faults at each call.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::support::tenant::Tenant;

const BOOTSTRAP: &str = "bootstrap --cluster demo --yes -o json";

/// What is between the tool and AWS does with a request.
#[derive(Clone, Copy)]
enum Trouble {
    /// It never arrives.
    Before,
    /// It is done, and nobody hears of it.
    After,
    /// This is the answer, whatever AWS says.
    Says(&'static str),
}

/// Leads a tenant to AWS through a relay that troubles the `count` first requests that start so.
fn relay(
    tenant: &mut Tenant,
    request: &'static str,
    count: usize,
    trouble: Trouble,
) -> Arc<AtomicUsize> {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let environment = &mut tenant.offline.environment;
    environment.remove("HTTPS_PROXY");
    environment.insert("AWS_ENDPOINT_URL", url);
    let seen = Arc::new(AtomicUsize::new(0));
    let counter = seen.clone();
    std::thread::spawn(move || {
        for socket in listener.incoming() {
            let counter = counter.clone();
            std::thread::spawn(move || pass(socket.unwrap(), request, count, trouble, &counter));
        }
    });
    seen
}

/// One request on a connection: the answer says that it is the last.
fn pass(
    mut socket: TcpStream,
    wanted: &str,
    count: usize,
    trouble: Trouble,
    seen: &AtomicUsize,
) -> Option<()> {
    let mut request = Vec::new();
    let head = loop {
        let mut buffer = [0; 65536];
        let read = socket.read(&mut buffer).ok().filter(|read| *read > 0)?;
        request.extend(&buffer[..read]);
        let text = String::from_utf8_lossy(&request).into_owned();
        let Some((head, _)) = text.split_once("\r\n\r\n") else {
            continue;
        };
        let length = head.lines().find_map(|line| {
            line.to_lowercase()
                .strip_prefix("content-length: ")?
                .parse()
                .ok()
        });
        if request.len() >= head.len() + 4 + length.unwrap_or(0) {
            break head.to_owned();
        }
    };
    let body = String::from_utf8_lossy(&request[head.len() + 4..]).into_owned();
    let text = format!("{head} {body}");
    let is_wanted = wanted.split('*').all(|part| text.contains(part));
    let troubled = is_wanted && seen.fetch_add(1, Ordering::SeqCst) < count;
    if let (true, Trouble::Says(answer)) = (troubled, trouble) {
        return socket.write_all(answer.as_bytes()).ok();
    }
    if let (true, Trouble::Before) = (troubled, trouble) {
        return None;
    }
    let mut aws = TcpStream::connect(Tenant::endpoint().strip_prefix("http://")?).ok()?;
    let once = head.replacen("\r\n", "\r\nConnection: close\r\n", 1);
    aws.write_all(format!("{once}\r\n\r\n").as_bytes()).ok()?;
    aws.write_all(&request[head.len() + 4..]).ok()?;
    let mut answer = Vec::new();
    aws.read_to_end(&mut answer).ok()?;
    match (troubled, trouble) {
        (true, Trouble::After) => None,
        _ => socket.write_all(&answer).ok(),
    }
}

/// Words of the changing requests of a first run.
const CHANGES: [&str; 6] = [
    "CreateBucketConfiguration",
    "PUT /BUCKET*?publicAccessBlock",
    "PUT /BUCKET*?policy",
    "PUT /BUCKET*/keys.json",
    "PUT /BUCKET*/.well-known",
    "Action=CreateOpenIDConnectProvider",
];

fn in_bucket(tenant: &Tenant, request: &str) -> &'static str {
    Box::leak(
        request
            .replace("/BUCKET", &format!("/{}", tenant.bucket()))
            .into_boxed_str(),
    )
}

#[test]
fn a_connection_that_is_cut_before_or_after_has_one_effect() {
    for request in CHANGES {
        for trouble in [Trouble::Before, Trouble::After] {
            let mut tenant = Tenant::with_key();
            let request = in_bucket(&tenant, request);
            let seen = relay(&mut tenant, request, 1, trouble);
            let run = tenant.irsactl(&format!("{BOOTSTRAP} --no-thumbprint"));
            assert_eq!(run.json()["changes"], 6, "{request}");
            assert!(
                seen.load(Ordering::SeqCst) >= 2,
                "{request} was not troubled"
            );
            let again = tenant.irsactl(&format!("{BOOTSTRAP} --no-thumbprint"));
            assert_eq!(again.json()["changes"], 0, "{request}");
        }
    }
}

#[test]
fn an_answer_that_is_not_awss_is_an_error_and_no_storm() {
    const OK: &str =
        "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Type: application/xml\r\nContent-Length: ";
    let answer = |body: &str| -> &'static str {
        Box::leak(format!("{OK}{}\r\n\r\n{body}", body.len()).into_boxed_str())
    };
    let html = "HTTP/1.1 511 Network Authentication Required\r\nConnection: close\r\nContent-Type: text/html\r\nContent-Length: 29\r\n\r\n<html>\n::error::log in</html>";
    let cases: [(&str, &'static str); 6] = [
        ("Action=GetCallerIdentity", answer("<html>log in</html>")),
        (
            "Action=GetCallerIdentity",
            answer("<GetCallerIdentityResponse><GetCallerIdentityResult><Arn>arn:aws"),
        ),
        ("Action=GetCallerIdentity", answer("")),
        ("Action=GetCallerIdentity", html),
        (
            "Action=GetOpenIDConnectProvider",
            answer("<GetOpenIDConnectProviderResponse><GetOpenIDConn"),
        ),
        (
            "Action=CreateOpenIDConnectProvider",
            answer("<Error><Code>InternalError</Code>\u{1b}[2J</Error>"),
        ),
    ];
    for (request, says) in cases {
        let mut tenant = Tenant::with_key();
        let seen = relay(&mut tenant, request, 1000, Trouble::Says(says));
        let run = tenant.irsactl(&format!("{BOOTSTRAP} --no-thumbprint --timeout 20"));
        assert!(
            [1, 5, 124].contains(&run.code),
            "{request} {says}: {run:#?}"
        );
        assert!(
            !run.stderr.contains('\u{1b}') && !run.stderr.contains("\n::"),
            "{run:#?}"
        );
        assert!(!run.stderr.contains("panicked"), "{run:#?}");
        let seen = seen.load(Ordering::SeqCst);
        assert!(
            (1..=12).contains(&seen),
            "{request} {says}: {seen} requests"
        );
        if request != "Action=CreateOpenIDConnectProvider" {
            assert_eq!(tenant.changes(), Vec::<String>::new());
        }
    }
}

/// A call, AWS's status, code and message; then the exit code, and words that tell it apart.
type Case<'a> = (&'a str, u16, &'a str, &'a str, i32, &'a [&'a str]);

#[test]
fn each_error_of_aws_says_what_it_means_and_the_next_run_converges() {
    let cases: [Case<'_>; 9] = [
        (
            "PutBucketPolicy",
            400,
            "ExpiredToken",
            "The provided token has expired.",
            5,
            &["have expired", "done       + bucket"],
        ),
        (
            "PutBucketPolicy",
            403,
            "RequestTimeTooSkewed",
            "The difference is too large.",
            5,
            &["clock is more than 15 minutes off"],
        ),
        (
            "GetCallerIdentity",
            400,
            "ExpiredToken",
            "The security token has expired",
            77,
            &["have expired"],
        ),
        (
            "CreateOpenIDConnectProvider",
            409,
            "LimitExceeded",
            "Cannot exceed quota for OpenIdConnectProvidersPerAccount: 100",
            5,
            &["LimitExceeded", "quota", "failed     + OpenID"],
        ),
        (
            "CreateBucket",
            400,
            "TooManyBuckets",
            "You have attempted to create more buckets than allowed",
            1,
            &["TooManyBuckets"],
        ),
        (
            "PutObject",
            501,
            "NotImplemented",
            "A header you provided implies functionality that is not implemented",
            5,
            &["NotImplemented", "keys.json"],
        ),
        (
            "PutObject",
            412,
            "PreconditionFailed",
            "At least one of the pre-conditions did not hold",
            5,
            &["somebody else published"],
        ),
        (
            "GetBucketPolicy",
            403,
            "AccessDenied",
            "no\r\n::warning::x",
            77,
            &["s3:GetBucketPolicy", "no\\r\\n::warning::x"],
        ),
        (
            "GetPublicAccessBlock",
            405,
            "MethodNotAllowed",
            "no",
            1,
            &["MethodNotAllowed"],
        ),
    ];
    for (operation, status, code, message, exit, words) in cases {
        let tenant = Tenant::with_key().named();
        tenant.fail_next(operation, 9, status, code, message);
        let run = tenant.irsactl(&format!("{BOOTSTRAP} --timeout 15"));
        assert_eq!(run.code, exit, "{operation} {code}: {run:#?}");
        run.fails(exit, words);
        for _ in 0..9 {
            let run = tenant.irsactl(&format!("{BOOTSTRAP} --timeout 15"));
            if run.code == 0 {
                break;
            }
        }
        assert_eq!(
            tenant.irsactl(BOOTSTRAP).json()["changes"],
            0,
            "{operation} {code}"
        );
    }
}

#[test]
fn throttling_is_waited_for_by_the_sdk() {
    for (operation, status, code) in [
        ("GetCallerIdentity", 429, "ThrottlingException"),
        ("HeadBucket", 503, "SlowDown"),
        ("PutObject", 503, "SlowDown"),
        ("PutBucketPolicy", 500, "InternalError"),
        ("CreateOpenIDConnectProvider", 400, "Throttling"),
        ("GetOpenIDConnectProvider", 503, "ServiceUnavailable"),
    ] {
        let tenant = Tenant::with_key().named();
        tenant.fail_next(operation, 2, status, code, "slow down");
        assert_eq!(
            tenant.irsactl(BOOTSTRAP).json()["changes"],
            6,
            "{operation}"
        );
    }
}
