//! What is in a key store and is not what it should be: refused, and never overwritten.

use serde_json::json;

use crate::keys::store::{Kind, STORES, lose_disk};
use crate::support::tenant::Tenant;

/// With a key in the store and in the issuer directory.
fn with_key(store: Kind) -> Tenant {
    let tenant = Tenant::new();
    tenant.irsactl(&format!("keygen {}", store.options())).ok();
    tenant
}

const COMMANDS: [&str; 5] = [
    "keygen",
    "jwks",
    "bootstrap --yes",
    "bootstrap --dry-run",
    "token mint --stdout",
];

#[test]
fn two_keys_are_one_too_many() {
    for store in STORES {
        let tenant = with_key(store);
        let before = store.value(&tenant, "");
        let (ours, theirs) = (tenant.kid("issuer/sa-signer.pub"), "other/sa-signer.pub");
        let theirs = (tenant.irsactl("keygen --dir other").ok(), theirs).0;
        for command in COMMANDS {
            tenant
                .irsactl(&format!("{command} --dir other {}", store.options()))
                .fails(4, &["which signing key is meant", &ours, theirs.trim()]);
        }
        // The public file alone is enough to tell.
        tenant.shell("rm other/sa-signer.key");
        tenant
            .irsactl(&format!("keygen --dir other {}", store.options()))
            .fails(4, &[&ours, theirs.trim()]);
        assert_eq!(store.value(&tenant, ""), before);
        assert_eq!(store.changes(&tenant), [store.put]);
    }
}

#[test]
fn what_is_not_ours_is_taken_over_only_when_asked() {
    for store in STORES {
        let tenant = Tenant::new();
        let options = store.options();
        tenant.irsactl("keygen --dir elsewhere").ok();
        let key = std::fs::read_to_string(tenant.path("elsewhere/sa-signer.key")).unwrap();
        store.put(&tenant, &key);
        for command in COMMANDS {
            tenant
                .irsactl(&format!("{command} {options}"))
                .fails(4, &["it is not ours", "managed-by=irsactl", "--adopt"]);
        }
        // It is not even read.
        let is_read = |entry: &serde_json::Value| {
            entry["operation"] == "GetSecretValue"
                || entry["body"].as_str().unwrap().contains("WithDecryption")
        };
        assert!(!tenant.log().iter().any(is_read));
        tenant.irsactl(&format!("keygen --adopt {options}")).ok();
        assert_eq!(
            std::fs::read_to_string(tenant.path("issuer/sa-signer.key")).unwrap(),
            key
        );
        lose_disk(&tenant);
        tenant.irsactl(&format!("bootstrap --yes {options}")).ok();
        assert_eq!(store.value(&tenant, ""), key);
        // Marked as ours, and then as its issuer's.
        assert_eq!(store.changes(&tenant), [store.put, store.tag, store.tag]);

        let other = Tenant::new();
        store.put(&other, "-----BEGIN NONSENSE-----");
        other
            .irsactl(&format!("keygen --adopt {options}"))
            .fails(4, &["as the signing key", "one RSA private key"]);
    }
}

#[test]
fn an_overwritten_key_is_noticed() {
    for store in STORES {
        let tenant = with_key(store);
        tenant.irsactl("keygen --dir other").ok();
        let key = std::fs::read_to_string(tenant.path("other/sa-signer.key")).unwrap();
        store.overwrite(&tenant, &key, &"y".repeat(32));
        lose_disk(&tenant);
        tenant
            .irsactl(&format!("bootstrap --yes {}", store.options()))
            .fails(4, &["it has been overwritten", "CloudTrail"]);
    }
}

#[test]
fn a_key_that_is_going_or_gone_is_not_made_anew() {
    let [secrets, parameters] = STORES;
    let tenant = with_key(secrets);
    let options = secrets.options();
    secrets.call(
        &tenant,
        "DeleteSecret",
        &json!({ "SecretId": secrets.name("") }),
    );
    for command in ["keygen", "jwks", "bootstrap --yes --dir empty"] {
        tenant.irsactl(&format!("{command} {options}")).fails(
            4,
            &[
                "scheduled for deletion",
                "aws secretsmanager restore-secret --secret-id irsactl/demo/signing-key",
            ],
        );
    }
    // It went between the look and the put.
    let racing = Tenant::new().named();
    racing.fail_next("CreateSecret", 1, 400, "InvalidRequestException",
        "You can't create this secret because a secret with this name is already scheduled for deletion.");
    racing
        .irsactl(&format!("keygen {options}"))
        .fails(4, &["restore-secret"]);

    // In clear text: whoever may read parameters has read it.
    let tenant = Tenant::new();
    let kid = tenant.irsactl("keygen").ok();
    let tags = json!([{ "Key": "managed-by", "Value": "irsactl" }, { "Key": "irsactl/kid", "Value": kid.trim() }]);
    let key = std::fs::read_to_string(tenant.path("issuer/sa-signer.key")).unwrap();
    let body = json!({ "Name": parameters.name(""), "Value": key, "Type": "String", "Tags": tags });
    parameters.call(&tenant, "PutParameter", &body);
    tenant
        .irsactl(&format!("keygen {}", parameters.options()))
        .fails(4, &["not a SecureString"]);

    // The first of two.
    let tenant = Tenant::new();
    let body = json!({ "Name": parameters.name("-2"), "Value": key, "Type": "SecureString", "Tags": tags });
    parameters.call(&tenant, "PutParameter", &body);
    tenant
        .irsactl(&format!("bootstrap --yes {}", parameters.options()))
        .fails(
            4,
            &["signing-key-2 is there, and /irsactl/demo/signing-key, which it came after, is not"],
        );
    assert_eq!(tenant.changes(), ["ssm:PutParameter"]);
}

#[test]
fn credentials_of_another_account_than_the_cluster_files_get_no_key() {
    for store in STORES {
        let tenant = Tenant::new();
        tenant.write(
            "irsactl.yaml",
            format!(
                "apiVersion: irsactl/v1alpha1\nkind: Cluster\nmetadata:\n  name: demo\nspec:\n  \
                 accountId: \"999999999999\"\n  keys:\n    store: {}\n",
                store.flag
            ),
        );
        tenant
            .irsactl("keygen --config irsactl.yaml")
            .fails(4, &["cannot work in account 999999999999"]);
        assert!(store.changes(&tenant).is_empty());
    }
}

#[test]
fn a_rotation_of_another_cluster_leaves_the_directory_alone() {
    for store in STORES {
        let tenant = Tenant::new();
        let options = store.options();
        tenant.irsactl(&format!("bootstrap --yes {options}")).ok();
        tenant
            .irsactl(&format!("rotate prepare --yes {options}"))
            .ok();
        let other = tenant.irsactl("keygen --dir other").ok();
        let before = tenant.shell("cd other; sha256sum *");
        tenant
            .irsactl(&format!("rotate status --dir other {options}"))
            .fails(4, &["which is none of the store's", other.trim()]);
        assert_eq!(tenant.shell("cd other; sha256sum *"), before);
    }
}

#[test]
fn a_saved_plan_is_of_what_was_in_the_key_store() {
    for store in STORES {
        let tenant = Tenant::new();
        let options = store.options();
        tenant.irsactl("keygen").ok();
        let plan = format!("bootstrap {options} --dry-run --detailed-exitcode --out plan.json");
        assert_eq!(tenant.irsactl(&plan).code, 2);
        tenant.irsactl(&format!("keygen {options}")).ok();
        let changes = tenant.changes().len();
        tenant
            .irsactl("apply plan.json")
            .fails(4, &["not as it was: key store"]);
        assert_eq!(tenant.changes().len(), changes);
        // All is there but the key: a change is pending all the same.
        let tenant = Tenant::with_key();
        tenant.irsactl("bootstrap --cluster demo --yes").ok();
        assert_eq!(tenant.irsactl(&plan).code, 2);
        tenant.irsactl("apply plan.json").ok();
        assert_eq!(store.changes(&tenant), [store.put]);
        assert_eq!(tenant.irsactl(&plan).code, 0);
    }
}

#[test]
fn a_gap_between_keys_is_noticed() {
    for store in STORES {
        let tenant = Tenant::new();
        let options = store.options();
        tenant.irsactl(&format!("bootstrap --yes {options}")).ok();
        for _ in 0..2 {
            tenant
                .irsactl(&format!("rotate prepare --yes {options}"))
                .ok();
            tenant
                .irsactl(&format!("rotate retire --compromised --yes {options}"))
                .ok();
        }
        store.delete(&tenant, "-2");
        for command in ["keygen --dir new", "bootstrap --yes", "rotate status"] {
            tenant.irsactl(&format!("{command} {options}")).fails(
                4,
                &[
                    "signing-key-3 is there",
                    "signing-key-2, which it came after, is not",
                ],
            );
        }
    }
}

/// Both stores are eventually consistent: `GetSecretValue`, `GetParameter` can come too early.
#[test]
fn a_key_that_does_not_show_at_once_is_waited_for() {
    for store in STORES {
        let tenant = Tenant::new().named();
        let (call, code) = match store.flag {
            "ssm" => ("GetParameter", "ParameterNotFound"),
            _ => ("GetSecretValue", "ResourceNotFoundException"),
        };
        tenant.fail_next(call, 1, 400, code, "not yet");
        tenant.irsactl(&format!("keygen {}", store.options())).ok();
        assert_eq!(store.changes(&tenant), [store.put]);
        let failed =
            |entry: &serde_json::Value| entry["operation"] == call && entry["status"] == 400;
        assert_eq!(tenant.log().iter().filter(|entry| failed(entry)).count(), 1);
    }
}

#[test]
fn nothing_is_put_into_a_store_without_consent() {
    let store = STORES[0];
    let (tenant, _) = Tenant::bootstrapped();
    tenant.irsactl("rotate prepare --cluster demo --yes").ok();
    // script(1) gives the binary a terminal.
    let ask = |answer: &str| {
        let line = format!(
            "(sleep 3; echo {answer}) | script -qec '{} rotate prepare {}' /dev/null",
            env!("CARGO_BIN_EXE_irsactl"),
            store.options()
        );
        let mut shell = tenant.command("sh");
        let run: crate::support::tenant::Run = shell.args(["-c", &line]).output().unwrap().into();
        run
    };
    let no = ask("n");
    assert_eq!(no.code, 4, "{no:#?}");
    assert!(
        no.stdout.contains("will be kept in Secrets Manager"),
        "{no:#?}"
    );
    assert!(store.changes(&tenant).is_empty());
    assert_eq!(ask("y").code, 0);
    assert_eq!(store.changes(&tenant)[..2], [store.put, store.put]);
}

#[test]
fn an_issuer_goes_after_its_key() {
    let store = STORES[0];
    let tenant = Tenant::new();
    let options = store.options();
    tenant.irsactl(&format!("bootstrap --yes {options}")).ok();
    let name = store.name("");
    store.call(&tenant, "DeleteSecret", &json!({ "SecretId": name }));
    lose_disk(&tenant);
    let gone = tenant.irsactl(&format!("destroy --confirm demo {options}"));
    assert!(
        gone.stderr.contains("the key store was not looked at"),
        "{gone:#?}"
    );
    gone.ok();
    assert!(tenant.changes().last().unwrap().contains("Delete"));
}
