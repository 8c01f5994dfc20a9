//! Whose keys are in a key store: another issuer's, overwritten ones, and how they get there.

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
