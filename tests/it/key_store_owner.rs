//! Whose keys are in a key store: another issuer's, overwritten ones, and how they get there.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::sync::{Arc, Mutex};

use serde_json::json;

use crate::key_store::{STORES, lose_disk};
use crate::tenant::Tenant;

#[test]
fn two_clusters_of_one_name_do_not_share_a_key() {
    for store in STORES {
        let tenant = Tenant::new();
        let options = store.options();
        tenant.irsactl(&format!("bootstrap --yes {options}")).ok();
        let before = tenant.changes();
        let elsewhere = format!("--dir other --prefix other {options}");
        for command in ["bootstrap --yes", "bootstrap --dry-run", "publish --yes"] {
            tenant
                .irsactl(&format!("{command} {elsewhere}"))
                .fails(4, &["it signs the tokens of https://", "--move-key"]);
        }
        assert_eq!(tenant.changes(), before);
        assert!(!tenant.path("other").exists());
        // Taking over a bucket is not taking over another issuer's key, which is looked at first.
        let foreign = format!("twin-{}-{}", store.flag, tenant.account);
        tenant.call("s3", "PUT", &format!("/{foreign}"), "", "<CreateBucketConfiguration><LocationConstraint>us-west-2</LocationConstraint></CreateBucketConfiguration>");
        for adopt in ["", " --adopt"] {
            let run = tenant.irsactl(&format!(
                "bootstrap --yes --bucket {foreign}{adopt} --dir other {options}"
            ));
            assert!(!run.stderr.contains("run again with --adopt"), "{run:#?}");
            run.fails(4, &["it signs the tokens of https://", "--move-key"]);
        }
        // A change of issuer, and back; the plan says so.
        let plan = tenant.irsactl(&format!("publish --dry-run --move-key {elsewhere}"));
        assert_eq!(plan.code, 0, "{plan:#?}");
        tenant
            .irsactl(&format!("bootstrap --yes --move-key {elsewhere}"))
            .ok();
        let again = tenant.irsactl(&format!("bootstrap --yes {elsewhere}"));
        assert!(again.stderr.contains("no changes"), "{again:#?}");
        tenant
            .irsactl(&format!("publish --yes {options}"))
            .fails(4, &["/other"]);
    }
}

/// PutSecretValue alone is refused for the tag; with the tag taken off, too.
#[test]
fn a_key_without_the_tag_of_its_kid_is_refused() {
    for store in STORES {
        let tenant = Tenant::new();
        let options = store.options();
        tenant.irsactl(&format!("keygen {options}")).ok();
        tenant.irsactl("keygen --dir attacker").ok();
        let theirs = std::fs::read_to_string(tenant.path("attacker/sa-signer.key")).unwrap();
        let name = store.name("");
        match store.flag {
            "ssm" => {
                store.call(&tenant, "PutParameter", &json!({ "Name": name, "Value": theirs, "Type": "SecureString", "Overwrite": true }));
                store.call(&tenant, "RemoveTagsFromResource", &json!({ "ResourceType": "Parameter", "ResourceId": name, "TagKeys": ["irsactl/kid"] }));
            }
            _ => {
                store.call(&tenant, "PutSecretValue", &json!({ "SecretId": name, "SecretString": theirs, "ClientRequestToken": "y".repeat(32) }));
                store.call(
                    &tenant,
                    "UntagResource",
                    &json!({ "SecretId": name, "TagKeys": ["irsactl/kid"] }),
                );
            }
        }
        lose_disk(&tenant);
        for command in [
            "keygen",
            "keygen --adopt",
            "bootstrap --yes",
            "bootstrap --yes --adopt",
            "jwks",
        ] {
            tenant.irsactl(&format!("{command} {options}")).fails(
                4,
                &["it has no tag irsactl/kid", "may have been overwritten"],
            );
        }
        assert!(!tenant.path("issuer").exists());
    }
}

/// Who may create a secret of the next name can set every tag, all of which are public, and has no key before it.
#[test]
fn a_key_that_nobody_of_ours_made_is_not_the_next_one() {
    for store in STORES {
        let tenant = Tenant::new();
        let options = store.options();
        let current = tenant
            .irsactl(&format!("bootstrap --yes {options} -o json"))
            .json();
        let forged = tenant.irsactl("keygen --dir attacker").ok();
        let theirs = std::fs::read_to_string(tenant.path("attacker/sa-signer.key")).unwrap();
        let published = tenant.irsactl(&format!("jwks {options}")).ok();
        let create = |replaces: bool| {
            let mut tags = vec![
                ("managed-by", "irsactl"),
                ("irsactl/cluster", "demo"),
                ("irsactl/kid", forged.trim()),
                ("irsactl/proof", forged.trim()),
            ];
            if replaces {
                tags.push(("irsactl/replaces", current["kid"].as_str().unwrap()));
            }
            let tags: Vec<_> = tags
                .iter()
                .map(|(key, value)| json!({ "Key": key, "Value": value }))
                .collect();
            let name = store.name("-2");
            let body = match store.flag {
                "ssm" => {
                    json!({ "Name": name, "Value": theirs, "Type": "SecureString", "Tags": tags })
                }
                _ => {
                    json!({ "Name": name, "SecretString": theirs, "ClientRequestToken": "z".repeat(32), "Tags": tags })
                }
            };
            store.call(&tenant, store.put, &body);
        };
        let remove = || match store.flag {
            "ssm" => store.call(
                &tenant,
                "DeleteParameter",
                &json!({ "Name": store.name("-2") }),
            ),
            _ => store.call(
                &tenant,
                "DeleteSecret",
                &json!({ "SecretId": store.name("-2"), "ForceDeleteWithoutRecovery": true }),
            ),
        };
        for replaces in [true, false] {
            create(replaces);
            for command in [
                "rotate prepare --yes",
                "rotate activate",
                "keygen",
                "bootstrap --yes",
                "token mint --stdout",
            ] {
                tenant.irsactl(&format!("{command} {options}")).fails(
                    4,
                    &[
                        "nothing proves that who made it had the key before it",
                        "CloudTrail",
                    ],
                );
            }
            remove();
        }
        assert_eq!(tenant.irsactl(&format!("jwks {options}")).ok(), published);
        // What irsactl makes is proven, from an empty disk too.
        lose_disk(&tenant);
        tenant
            .irsactl(&format!("rotate prepare --yes {options}"))
            .ok();
        lose_disk(&tenant);
        tenant.irsactl(&format!("rotate activate {options}")).ok();
    }
}

/// The first key of a store, which is to replace the cluster's own, has none before it.
#[test]
fn a_first_key_that_nobody_here_made_is_published_only_by_its_name() {
    let store = STORES[0];
    let tenant = Tenant::with_key();
    tenant.shell("mv issuer control-plane");
    tenant
        .irsactl("bootstrap --cluster demo --adopt-key control-plane/sa-signer.pub --yes")
        .ok();
    let options = store.options();
    let mut prepare = tenant.command(env!("CARGO_BIN_EXE_irsactl"));
    prepare
        .args(format!("rotate prepare --yes {options}").split(' '))
        .env("AWS_SDK_UA_APP_ID", &tenant.account);
    tenant.fail_next("PutObject", 1, 403, "AccessDenied", "no");
    assert_eq!(prepare.output().unwrap().status.code(), Some(5));
    let made = tenant.shell("cd issuer; ls sa-signer-*.key");
    let kid = made
        .trim()
        .trim_start_matches("sa-signer-")
        .trim_end_matches(".key");
    lose_disk(&tenant);
    tenant
        .irsactl(&format!("rotate prepare --yes {options}"))
        .fails(4, &["nothing proves who made it", "--new"]);
    tenant
        .irsactl(&format!("rotate prepare --yes --new={kid} {options}"))
        .ok();
}

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
