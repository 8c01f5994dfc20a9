//! Overridden endpoints: what is sent there, and what is shown of them.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::sync::{Arc, Mutex};

use crate::keys::store::STORES;
use crate::support::tenant::Tenant;

/// A machine that takes whatever it is sent, and answers nothing of use.
fn listener() -> (String, Arc<Mutex<Vec<u8>>>) {
    let listener = TcpListener::bind("127.0.0.2:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let heard = Arc::new(Mutex::new(Vec::new()));
    let sink = Arc::clone(&heard);
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut bytes = [0; 65536];
            let read = stream.read(&mut bytes).unwrap_or(0);
            sink.lock().unwrap().extend_from_slice(&bytes[..read]);
            let _ = stream.write_all(
                b"HTTP/1.1 400 Bad Request\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}",
            );
        }
    });
    (address, heard)
}

#[test]
fn no_key_and_no_token_goes_over_plain_http_to_another_machine() {
    for store in STORES {
        let mut tenant = Tenant::new();
        let options = store.options();
        let variable = match store.flag {
            "ssm" => "AWS_ENDPOINT_URL_SSM",
            _ => "AWS_ENDPOINT_URL_SECRETS_MANAGER",
        };
        // TEST-NET-1 is nobody's; nothing is to be sent there.
        for endpoint in [
            "http://192.0.2.2:23600",
            "http://user:hunter2@192.0.2.2:23600",
        ] {
            tenant
                .offline
                .environment
                .insert(variable, endpoint.to_owned());
            for command in [
                "keygen",
                "bootstrap --yes",
                "bootstrap --dry-run",
                "jwks",
                "token mint --stdout",
            ] {
                let run = tenant.irsactl(&format!("{command} {options}"));
                assert!(!format!("{run:?}").contains("hunter2"), "{run:#?}");
                run.fails(
                    4,
                    &[
                        "cannot send the signing key to",
                        "http://192.0.2.2:23600",
                        "plain HTTP to another machine",
                    ],
                );
            }
        }
        // A profile says it as well.
        tenant.offline.environment.remove(variable);
        let service = variable
            .trim_start_matches("AWS_ENDPOINT_URL_")
            .to_lowercase()
            // The Rust SDK's form of a service's name in a profile.
            .replace('_', "-");
        let config = format!(
            "[default]\nservices = s\n[services s]\n{service} =\n  endpoint_url = http://192.0.2.2:23600\n"
        );
        let path = tenant.write("config", config).display().to_string();
        tenant.offline.environment.insert("AWS_CONFIG_FILE", path);
        tenant
            .irsactl(&format!("keygen {options}"))
            .fails(4, &["plain HTTP to another machine"]);
        tenant
            .offline
            .environment
            .insert("AWS_CONFIG_FILE", "/dev/null".to_owned());
        // On this machine it may be so, unless a proxy is between.
        tenant
            .offline
            .environment
            .insert(variable, Tenant::endpoint().to_owned());
        let (proxy, heard) = listener();
        tenant
            .offline
            .environment
            .insert("HTTP_PROXY", format!("http://{proxy}"));
        tenant
            .irsactl(&format!("keygen {options}"))
            .fails(4, &["plain HTTP through a proxy"]);
        assert_eq!(heard.lock().unwrap().len(), 0);
        tenant.offline.environment.remove("HTTP_PROXY");
        let run = tenant.irsactl(&format!("keygen {options}"));
        assert!(
            run.stderr
                .contains(&format!(" is at {}", Tenant::endpoint())),
            "{run:#?}"
        );
        run.ok();
        let plan = tenant.irsactl(&format!("bootstrap --dry-run {options}"));
        let service = if store.flag == "ssm" {
            "(SSM)"
        } else {
            "(Secrets Manager)"
        };
        assert!(
            plan.stdout
                .contains(&format!("endpoint  {} {service}", Tenant::endpoint())),
            "{plan:#?}"
        );
        assert!(store.value(&tenant, "").contains("PRIVATE KEY"));
    }
    // The token of a proof is as good as a key for ten minutes.
    let mut tenant = Tenant::bootstrapped().0;
    tenant
        .offline
        .environment
        .insert("AWS_ENDPOINT_URL_STS", "http://192.0.2.2:23600".to_owned());
    let role = format!("arn:aws:iam::{}:role/x", tenant.account);
    let run = tenant.irsactl(&format!(
        "verify --cluster demo --account-id {} --role-arn {role} --timeout 60",
        tenant.account
    ));
    assert!(
        run.stdout.contains("cannot send a token to STS"),
        "{run:#?}"
    );
}

#[test]
fn a_password_in_an_endpoint_is_nowhere() {
    let mut tenant = Tenant::with_key();
    let endpoint = Tenant::endpoint().replace("http://", "http://user:hunter2@");
    tenant
        .offline
        .environment
        .insert("AWS_ENDPOINT_URL", endpoint);
    tenant
        .offline
        .environment
        .insert("GITHUB_ACTIONS", "true".to_owned());
    for name in ["GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY"] {
        let path = tenant.path(name).display().to_string();
        tenant.offline.environment.insert(
            if name == "GITHUB_OUTPUT" {
                "GITHUB_OUTPUT"
            } else {
                "GITHUB_STEP_SUMMARY"
            },
            path,
        );
    }
    for form in ["text", "json", "env", "markdown", "yaml"] {
        let run = tenant.irsactl(&format!(
            "bootstrap --cluster demo --dry-run --documents docs --out plan.json -o {form}"
        ));
        assert_eq!(run.code, 0, "{run:#?}");
        assert!(!format!("{run:?}").contains("hunter2"), "{run:#?}");
    }
    let written = tenant.shell("cat plan.json docs/* GITHUB_OUTPUT GITHUB_STEP_SUMMARY");
    assert!(
        !written.contains("hunter2") && written.contains(Tenant::endpoint()),
        "{written}"
    );
    let applied = tenant.irsactl("apply plan.json");
    assert!(!format!("{applied:?}").contains("hunter2"));
    applied.ok();
}

/// What one parser takes and another does not: the SDK would write it out, with the request.
#[test]
fn an_endpoint_that_is_no_url_is_not_shown() {
    for service in [
        "",
        "_S3",
        "_STS",
        "_IAM",
        "_SECRETS_MANAGER",
        "_SSM",
        "_S3_CONTROL",
    ] {
        for url in [
            "https://user:hunt^er2@127.0.0.1:1/",
            "https://user:hunter2@127.0.0.1:1/a b",
            "https://user:hunter2\\@127.0.0.1:1",
            "hunter2",
        ] {
            let mut tenant = Tenant::with_key();
            let name: &'static str = format!("AWS_ENDPOINT_URL{service}").leak();
            tenant.offline.environment.insert(name, url.to_owned());
            let run = tenant.irsactl("bootstrap --cluster demo --dry-run -v");
            assert_eq!(run.code, 4, "{run:#?}");
            let said = format!("{run:?}");
            assert!(
                !said.contains("er2") && !said.contains("SdkBody"),
                "{run:#?}"
            );
            assert!(
                run.stderr.contains("cannot use the endpoint of"),
                "{run:#?}"
            );
        }
    }
}
