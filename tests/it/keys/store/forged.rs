//! Whoever may create, overwrite and tag secrets, and has none of the cluster's keys, brings in none.

use std::fs;

use crate::keys::store::{Kind, STORES, Tags, lose_disk};
use crate::support::tenant::Tenant;

/// Keys of somebody else, in directories of these names.
fn theirs(tenant: &Tenant, names: &[&str]) -> Vec<(String, String)> {
    let key = |name: &&str| {
        let kid = tenant.irsactl(&format!("keygen --dir {name}")).ok();
        let path = tenant.path(&format!("{name}/sa-signer.key"));
        (kid.trim().to_owned(), fs::read_to_string(path).unwrap())
    };
    names.iter().map(key).collect()
}

/// All the tags of a key of ours, as whoever has `secret` can make them: the keys before it and its own.
fn forged(store: Kind, number: &str, kid: &str, replaces: Option<&str>, secret: &str) -> Tags {
    let mut tags = Tags::from([
        ("managed-by", "irsactl".to_owned()),
        ("irsactl/cluster", "demo".to_owned()),
        ("irsactl/kid", kid.to_owned()),
        ("irsactl/issuer", "unknown".to_owned()),
        ("irsactl/state", "made".to_owned()),
    ]);
    tags.extend(replaces.map(|kid| ("irsactl/replaces", kid.to_owned())));
    let value = |tag: &str| tags.get(tag).cloned().unwrap_or_default();
    let proof = store.proof(number, value, secret);
    tags.insert("irsactl/proof", proof);
    tags
}

/// A chain of keys that prove each other is nobody's, as long as none of them is known.
#[test]
fn keys_that_prove_each_other_and_nothing_else_are_not_used() {
    for store in STORES {
        for (in_files, chain) in [(false, 2), (true, 2), (false, 1), (true, 1)] {
            let tenant = Tenant::with_key();
            let own = tenant.kid("issuer/sa-signer.pub");
            let bootstrap = "bootstrap --cluster demo --yes";
            if !in_files {
                tenant.shell("mv issuer control-plane");
                let key = "--adopt-key control-plane/sa-signer.pub";
                tenant.irsactl(&format!("{bootstrap} {key}")).ok();
            } else {
                tenant.irsactl(bootstrap).ok();
            }
            let keys = theirs(&tenant, &["first", "second"]);
            let [(first, pem), (second, after)] = &keys[..] else {
                unreachable!("two names, two keys");
            };
            let replaces = (chain == 1).then_some(own.as_str());
            let tags = forged(store, "", first, replaces, pem);
            store.create(&tenant, "", pem, &tags);
            if chain == 2 {
                let both = format!("{pem}{after}");
                let tags = forged(store, "-2", second, Some(&own), &both);
                store.create(&tenant, "-2", after, &tags);
            }
            let listing = "ls -R; cat issuer/* 2>/dev/null | sha256sum";
            let before = (tenant.changes(), tenant.shell(listing));
            for step in [
                "prepare --yes",
                "prepare --dry-run",
                "prepare --key-only",
                "activate",
                "status",
                "retire --yes",
                "retire --compromised --yes",
            ] {
                tenant
                    .irsactl(&format!("rotate {step} {}", store.options()))
                    .fails(4, &[first, "none of them is published", "CloudTrail"]);
            }
            assert_eq!((tenant.changes(), tenant.shell(listing)), before);
            // A job that has taken it from there says nothing of who made it.
            if chain == 2 && !in_files {
                tenant.irsactl(&format!("keygen {}", store.options())).ok();
                tenant
                    .irsactl(&format!("rotate prepare --yes {}", store.options()))
                    .fails(4, &["none of them is published", "--new"]);
                assert_eq!(tenant.changes(), before.0);
            }
        }
    }
}

#[test]
fn a_key_after_one_of_ours_is_not_used() {
    for store in STORES {
        let tenant = Tenant::new();
        let options = store.options();
        let current = tenant
            .irsactl(&format!("bootstrap --yes {options} -o json"))
            .json();
        let (kid, pem) = theirs(&tenant, &["attacker"]).remove(0);
        let published = tenant.irsactl(&format!("jwks {options}")).ok();
        for replaces in [current["kid"].as_str(), None] {
            store.create(
                &tenant,
                "-2",
                &pem,
                &forged(store, "-2", &kid, replaces, &pem),
            );
            for command in [
                "rotate prepare --yes",
                "rotate activate",
                "keygen",
                "keygen --adopt",
                "bootstrap --yes",
                "token mint --stdout",
            ] {
                tenant
                    .irsactl(&format!("{command} {options}"))
                    .fails(4, &["do not prove", "CloudTrail"]);
            }
            store.delete(&tenant, "-2");
        }
        assert_eq!(tenant.irsactl(&format!("jwks {options}")).ok(), published);
        // What irsactl makes is proven, from an empty disk too.
        lose_disk(&tenant);
        tenant
            .irsactl(&format!("rotate prepare --yes {options}"))
            .ok();
        lose_disk(&tenant);
        tenant.irsactl(&format!("rotate activate {options}")).ok();
        // Nor does one get before the newest: API servers would accept its tokens.
        store.delete(&tenant, "");
        store.create(&tenant, "", &pem, &forged(store, "", &kid, None, &pem));
        lose_disk(&tenant);
        for command in ["rotate activate", "keygen", "bootstrap --yes"] {
            tenant
                .irsactl(&format!("{command} {options}"))
                .fails(4, &["signing-key-2", "do not prove"]);
        }
        assert!(!tenant.path("issuer").exists());
    }
}

/// The tags can all be made to fit. That it was overwritten is AWS's own word.
#[test]
fn an_overwritten_key_is_refused_whatever_its_tags_say() {
    for store in STORES {
        let tenant = Tenant::new();
        let options = store.options();
        let made = tenant.irsactl(&format!("keygen {options}")).ok();
        let (kid, pem) = theirs(&tenant, &["attacker"]).remove(0);
        if store.flag == "secretsmanager" {
            // What comes with the secret, or right after, is its first value.
            std::thread::sleep(std::time::Duration::from_secs(12));
        }
        store.overwrite(&tenant, &pem, &kid);
        store.set(&tenant, "", &forged(store, "", &kid, None, &pem));
        lose_disk(&tenant);
        let refused = |how: &str| {
            for command in [
                "keygen",
                "keygen --adopt",
                "jwks",
                "token mint --stdout",
                "bootstrap --yes",
                "bootstrap --yes --adopt",
            ] {
                tenant
                    .irsactl(&format!("{command} {options}"))
                    .fails(4, &["it has been overwritten", how, "CloudTrail"]);
            }
            assert!(!tenant.path("issuer").exists());
        };
        if store.flag == "ssm" {
            refused("version 2");
            continue;
        }
        refused("2 versions");
        // Who may move labels hides the first version, and not when the second one came.
        let body = serde_json::json!({
            "SecretId": store.name(""), "VersionStage": "AWSPREVIOUS", "RemoveFromVersionId": made.trim()
        });
        store.call(&tenant, "UpdateSecretVersionStage", &body);
        refused("seconds after the secret");
    }
}

/// Who may tag can stop a job, and makes nothing else of a key than it is.
#[test]
fn tags_that_somebody_has_changed_are_noticed_and_can_be_put_back() {
    for store in STORES {
        let tenant = Tenant::new();
        let options = store.options();
        let made = tenant.irsactl(&format!("bootstrap --yes {options}")).ok();
        let (kid, _) = theirs(&tenant, &["attacker"]).remove(0);
        let refused = || {
            for command in [
                "keygen",
                "jwks",
                "bootstrap --yes --adopt",
                "rotate status",
                "rotate prepare --yes",
            ] {
                tenant
                    .irsactl(&format!("{command} {options}"))
                    .fails(4, &["irsactl/kid", "do not prove", "keygen"]);
            }
        };
        let issuer = "https://other.example".to_owned();
        for (tag, value) in [
            ("irsactl/kid", kid.clone()),
            ("irsactl/proof", kid.clone()),
            ("irsactl/issuer", issuer),
            ("irsactl/state", "compromised".to_owned()),
            ("irsactl/state", "activated=1 retired=1".to_owned()),
        ] {
            for is_set in [false, true] {
                match is_set {
                    true => store.set(&tenant, "", &Tags::from([(tag, value.clone())])),
                    false => store.untag(&tenant, "", tag),
                }
                refused();
                tenant.irsactl(&format!("keygen --adopt {options}")).ok();
                let again = tenant.irsactl(&format!("bootstrap --yes {options}"));
                assert_eq!(again.ok(), made);
            }
        }
        // It is not the one that another makes room for, either, also when it is adopted.
        let replaces = Tags::from([("irsactl/replaces", kid.clone())]);
        store.set(&tenant, "", &replaces);
        refused();
        tenant
            .irsactl(&format!("keygen --adopt {options}"))
            .fails(4, &["irsactl/replaces", "take it off"]);
        store.untag(&tenant, "", "irsactl/replaces");
        tenant.irsactl(&format!("rotate status {options}")).ok();
    }
}

/// A compromised key does not come back when what was said of it is taken off.
#[test]
fn a_compromised_key_stays_out() {
    for store in STORES {
        let tenant = Tenant::new();
        let options = store.options();
        tenant.irsactl(&format!("bootstrap --yes {options}")).ok();
        for step in ["prepare", "retire --compromised"] {
            tenant
                .irsactl(&format!("rotate {step} --yes {options}"))
                .ok();
        }
        for tag in ["irsactl/state", "irsactl/replaces"] {
            let tags = store.tags(&tenant, "-2");
            store.untag(&tenant, "-2", tag);
            lose_disk(&tenant);
            for command in ["keygen", "jwks", "token mint --stdout", "bootstrap --yes"] {
                tenant
                    .irsactl(&format!("{command} {options}"))
                    .fails(4, &["signing-key-2", "do not prove"]);
            }
            let value = tags[tag].clone();
            store.set(&tenant, "-2", &Tags::from([(tag, value)]));
        }
        tenant.irsactl(&format!("keygen {options}")).ok();
        assert_eq!(
            tenant.irsactl("jwks").json()["keys"]
                .as_array()
                .unwrap()
                .len(),
            1
        );
    }
}

/// What verify says of keys that nobody knows does not lead to their publication.
#[test]
fn verify_takes_no_strangers_for_our_own() {
    for store in STORES {
        let tenant = Tenant::new();
        let options = store.options();
        tenant.irsactl(&format!("bootstrap --yes {options}")).ok();
        let published = tenant.irsactl(&format!("jwks {options}")).ok();
        lose_disk(&tenant);
        let (kid, pem) = theirs(&tenant, &["attacker"]).remove(0);
        store.delete(&tenant, "");
        store.create(&tenant, "", &pem, &forged(store, "", &kid, None, &pem));
        let verified = tenant.irsactl(&format!("verify {options}"));
        assert_eq!(verified.code, 3, "{verified:#?}");
        assert!(
            verified.stdout.contains("none of them is published"),
            "{verified:#?}"
        );
        for hint in ["--add-key", "take it out"] {
            assert!(!verified.stdout.contains(hint), "{verified:#?}");
        }
        for command in ["publish --add-key --yes", "bootstrap --add-key --yes"] {
            tenant
                .irsactl(&format!("{command} {options}"))
                .fails(4, &["none of them is published", &kid]);
        }
        let set: serde_json::Value = serde_json::from_str(&published).unwrap();
        let live =
            crate::support::tenant::http("GET", &format!("/{}/keys.json", tenant.bucket()), "", "")
                .1;
        let live: serde_json::Value = serde_json::from_str(&live).unwrap();
        assert_eq!(live, set);
    }
}

/// A secret that somebody has made without a value can be filled by them at any time.
#[test]
fn a_secret_without_a_value_is_not_taken_for_nothing() {
    let store = STORES[0];
    let tenant = Tenant::new();
    let body = serde_json::json!({ "Name": store.name(""), "ClientRequestToken": "e".repeat(32) });
    store.call(&tenant, "CreateSecret", &body);
    for command in ["keygen --adopt", "bootstrap --yes --adopt"] {
        let run = tenant.irsactl(&format!("{command} {}", store.options()));
        assert_eq!(run.code, 4, "{run:#?}");
    }
    tenant
        .irsactl(&format!("keygen --adopt {}", store.options()))
        .fails(4, &["it has no value", "delete-secret"]);
}
