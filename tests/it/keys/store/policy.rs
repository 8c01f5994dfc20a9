//! What `irsactl policy` grants for a key store: enough, and no more; judged by MiniStack and by the calls.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::keys::store::STORES;
use crate::promises::least_privilege::{actions, needed, without};
use crate::support::ministack::MiniStack;
use crate::support::tenant::Tenant;

#[test]
fn a_key_store_needs_the_actions_to_look_and_to_put() {
    let mut mini = MiniStack::start();
    mini.work.shell("rm -r issuer");
    for store in STORES {
        let flag = store.flag;
        let names = |cluster: &str| format!("--cluster {cluster} --key-store {flag}");
        let policy = mini.policy("keygen", &names("demo"));
        let mut allowed = Vec::new();
        for (index, action) in std::iter::once(String::new())
            .chain(actions(&policy))
            .enumerate()
        {
            let cluster = format!("demo-{index}");
            let policy = without(&mini.policy("keygen", &names(&cluster)), &action);
            mini.user(&format!("{flag}-{index}"), &policy);
            let run = mini.work.irsactl(&format!(
                "keygen --adopt --dir {flag}-{index} {}",
                names(&cluster)
            ));
            match (run.code, action.as_str()) {
                (0, "") => {
                    // The policy is for this cluster alone.
                    let elsewhere = mini
                        .work
                        .irsactl(&format!("keygen --dir none {}", names("other")));
                    assert_eq!(elsewhere.code, 77, "{elsewhere:#?}");
                }
                (0, _) => allowed.push(action),
                // Put, and not to be read back.
                (5, "secretsmanager:GetSecretValue" | "ssm:GetParameter") => {}
                _ => run.fails(77, &[&action]),
            }
        }
        // Tags at creation need no action of their own in MiniStack, and a parameter has none then (so --adopt).
        let tags = actions(&policy)
            .into_iter()
            .filter(|action| action.contains("Tag") && !action.contains("List"));
        assert_eq!(allowed, tags.collect::<Vec<_>>());
    }
}

/// What each command calls is what the policy grants, on the log of the local AWS.
#[test]
fn a_key_stores_calls_are_those_of_the_policy() {
    for store in STORES {
        let tenant = Tenant::new();
        let options = store.options();
        let of_store = |entries: Vec<Value>| {
            let mut called = needed(&entries);
            called.retain(|action| action.starts_with(store.flag));
            called
        };
        tenant.irsactl(&format!("bootstrap --yes {options}")).ok();
        tenant
            .irsactl(&format!("rotate prepare --yes {options}"))
            .ok();
        let made = of_store(tenant.log());
        let start = tenant.log().len();
        tenant.irsactl(&format!("verify {options}")).ok();
        tenant
            .irsactl(&format!("bootstrap --dry-run --add-key {options}"))
            .ok();
        let read = of_store(tenant.log().split_off(start));
        let granted = |command: &str| {
            let mut granted = actions(
                &tenant
                    .irsactl(&format!("policy {command} {options}"))
                    .json(),
            );
            granted.retain(|action| action.starts_with(store.flag));
            granted.into_iter().collect::<BTreeSet<_>>()
        };
        for command in ["bootstrap", "keygen"] {
            let mut granted = granted(command);
            if store.flag == "secretsmanager" {
                // In the rotation's record; at creation it has no call of its own.
                assert!(granted.contains("secretsmanager:TagResource"));
            }
            granted.retain(|action| made.contains(action));
            assert_eq!(granted, made, "{command}");
        }
        for command in ["verify", "destroy", "bootstrap --dry-run", "publish"] {
            assert_eq!(granted(command), read, "{command}");
        }
    }
}
