//! A rotation in which every step is another job, with an empty disk.

use std::fs;
use std::process::Stdio;

use serde_json::{Value, json};

use crate::keys::store::{Kind, STORES, Tags, lose_disk};
use crate::support::tenant::{Run, Tenant};

/// A step of a rotation, on an empty disk.
pub(crate) fn step(tenant: &Tenant, store: Kind, step: &str) -> Run {
    lose_disk(tenant);
    tenant.irsactl(&format!("rotate {step} -o json {}", store.options()))
}

/// How many keys API servers that get `sa-signer.pub` accept.
pub(crate) fn accepted(tenant: &Tenant) -> usize {
    let listed = fs::read_to_string(tenant.path("issuer/sa-signer.pub")).unwrap();
    listed.matches("BEGIN PUBLIC KEY").count()
}

/// A token of the key in a file.
pub(crate) fn token(tenant: &Tenant, key: &str) {
    let issuer = format!(
        "https://{}.s3.{}.amazonaws.com",
        tenant.bucket(),
        tenant.region
    );
    tenant.shell(&format!(
        "rm -rf signs token.jwt; mkdir -m 700 signs; cp -p {key} signs/sa-signer.key"
    ));
    tenant
        .irsactl(&format!(
            "token mint --dir signs --issuer {issuer} --out token.jwt"
        ))
        .ok();
}

/// Lets a time pass, as far as the store knows: as a run of long ago has told it.
fn shift(tenant: &Tenant, store: Kind) {
    let mut tags = store.tags(tenant, "-2");
    let state = tags.get_mut("irsactl/state").unwrap();
    let words = state
        .split(' ')
        .filter(|word| !word.starts_with("activated"));
    *state = words
        .chain(["activated=1000000000"])
        .collect::<Vec<_>>()
        .join(" ");
    let secret = store.value(tenant, "") + &store.value(tenant, "-2");
    let value = |tag: &str| tags.get(tag).cloned().unwrap_or_default();
    let proof = store.proof("-2", value, &secret);
    let tags = Tags::from([
        ("irsactl/state", value("irsactl/state")),
        ("irsactl/proof", proof),
    ]);
    store.set(tenant, "-2", &tags);
}

#[test]
fn a_rotation_goes_on_from_an_empty_disk() {
    for store in STORES {
        let tenant = Tenant::new();
        let options = store.options();
        let old = tenant
            .irsactl(&format!("bootstrap --yes -o json {options}"))
            .json()["kid"]
            .clone();
        let first = store.value(&tenant, "");
        step(&tenant, store, "activate").fails(4, &["none is under way"]);
        step(&tenant, store, "prepare --dry-run").fails(4, &["--key-only"]);
        let prepared = step(&tenant, store, "prepare --yes").json();
        let new = prepared["new"].as_str().unwrap().to_owned();
        assert_eq!((&prepared["old"], &prepared["changes"]), (&old, &json!(3)));
        let next = format!("rotate activate {}", "--cluster demo --key-store");
        assert!(
            prepared["next"].as_str().unwrap().contains(&next),
            "{prepared}"
        );
        let again = step(&tenant, store, "prepare --yes").json();
        assert_eq!(
            (&again["new"], &again["changes"]),
            (&prepared["new"], &json!(0))
        );
        let status = step(&tenant, store, "status").json();
        let roles: Vec<&Value> = status
            .as_array()
            .unwrap()
            .iter()
            .map(|key| &key["role"])
            .collect();
        assert_eq!(roles, ["old", "new"]);

        // Until it is activated, the old key signs.
        lose_disk(&tenant);
        assert_eq!(
            json!(tenant.irsactl(&format!("keygen {options}")).ok().trim()),
            old
        );
        let accept = step(&tenant, store, "activate --single-node").json();
        assert_eq!(
            (&accept["stage"], accepted(&tenant)),
            (&json!("accept-and-sign"), 2)
        );
        token(&tenant, accept["files"][1]["from"].as_str().unwrap());
        let active = step(&tenant, store, "activate --token token.jwt").json();
        assert_eq!(active["stage"], "active");
        lose_disk(&tenant);
        assert_eq!(
            tenant.irsactl(&format!("keygen {options}")).ok().trim(),
            new
        );
        step(&tenant, store, "prepare --yes").fails(4, &["is still published"]);
        let retire = "retire --yes --token token.jwt";
        step(&tenant, store, retire).fails(4, &["may be in use until"]);
        shift(&tenant, store);
        let retired = step(&tenant, store, retire).json();
        assert_eq!(retired["stage"], "retired");
        step(&tenant, store, retire).fails(4, &["none is under way"]);
        tenant.irsactl(&format!("verify --dir none {options}")).ok();

        // And the next one: the API servers go on accepting all three.
        let third = step(&tenant, store, "prepare --yes").json();
        assert_eq!((&third["old"], accepted(&tenant)), (&prepared["new"], 3));
        let compromised = step(&tenant, store, "retire --yes --compromised").json();
        assert_eq!(
            (&compromised["stage"], accepted(&tenant)),
            (&json!("compromised"), 2)
        );
        lose_disk(&tenant);
        assert_eq!(
            json!(tenant.irsactl(&format!("keygen {options}")).ok().trim()),
            third["new"]
        );
        assert_eq!(accepted(&tenant), 2);
        assert_eq!(store.value(&tenant, ""), first, "no key is overwritten");
        let puts = store.changes(&tenant);
        assert_eq!(puts.iter().filter(|one| *one == store.put).count(), 3);
    }
}

#[test]
fn of_two_rotations_at_once_one_wins() {
    for store in STORES {
        let tenant = Tenant::new().named();
        let options = store.options();
        tenant.irsactl(&format!("bootstrap --yes {options}")).ok();
        tenant.delay_next(store.put, 3);
        let mut first = tenant.command(env!("CARGO_BIN_EXE_irsactl"));
        first.args(format!("rotate prepare --yes --dir first {options}").split(' '));
        let first = first
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        std::thread::sleep(std::time::Duration::from_secs(1));
        let second = tenant
            .irsactl(&format!(
                "rotate prepare --yes --dir second -o json {options}"
            ))
            .json();
        let first: Run = first.wait_with_output().unwrap().into();
        first.fails(4, &["which another run has made meanwhile"]);
        let again = tenant
            .irsactl(&format!(
                "rotate prepare --yes --dir first -o json {options}"
            ))
            .json();
        assert_eq!(
            (&again["new"], &again["changes"]),
            (&second["new"], &json!(0))
        );
    }
}

#[test]
fn a_compromised_key_is_marked_before_anything_can_go_wrong() {
    for store in STORES {
        let tenant = Tenant::new().named();
        let options = store.options();
        tenant.irsactl(&format!("bootstrap --yes {options}")).ok();
        step(&tenant, store, "prepare --yes").ok();
        tenant.fail_next("PutObject", 9, 403, "AccessDenied", "no");
        let cut = step(&tenant, store, "retire --compromised --yes");
        assert_eq!(cut.code, 5, "{cut:#?}");
        // No job gets the old key any more, and the new one does not sign yet.
        lose_disk(&tenant);
        tenant
            .irsactl(&format!("keygen {options}"))
            .fails(4, &["has not been activated", "rotate"]);
    }
}

#[test]
fn a_plan_of_a_rotation_writes_no_file() {
    for store in STORES {
        let tenant = Tenant::new().named();
        let options = store.options();
        tenant.irsactl(&format!("bootstrap --yes {options}")).ok();
        // A new key's file is not a key in AWS.
        let changes = tenant.changes();
        step(&tenant, store, "prepare --key-only").ok();
        assert_eq!(tenant.changes(), changes);
        let plan = tenant
            .irsactl(&format!("rotate prepare --dry-run {options}"))
            .ok();
        assert!(plan.contains("will be kept in"), "{plan}");
        let prepared = tenant
            .irsactl(&format!("rotate prepare --yes -o json {options}"))
            .json();
        assert!(plan.contains(prepared["new"].as_str().unwrap()), "{plan}");
        let key = format!("issuer/sa-signer-{}.key", prepared["new"].as_str().unwrap());
        token(&tenant, &key);

        let unwritten = |arguments: &str| {
            let run = step(&tenant, store, arguments);
            assert!(!tenant.path("issuer").exists(), "{arguments}");
            run
        };
        assert_eq!(unwritten("prepare --dry-run").json()["changes"], json!([]));
        step(&tenant, store, "activate --token token.jwt").ok();
        shift(&tenant, store);
        let retire = "retire --token token.jwt --dry-run --out plan.json";
        assert_eq!(
            unwritten(retire).json()["changes"]
                .as_array()
                .unwrap()
                .len(),
            1
        );
        // Somebody else has published something meanwhile.
        let keys = format!("aws s3 cp s3://{}/keys.json -", tenant.bucket());
        let keys = tenant.shell(&keys).replace(']', " ]");
        tenant.write("keys.json", keys);
        tenant.shell(&format!(
            "aws s3 cp keys.json s3://{}/keys.json --content-type application/json",
            tenant.bucket()
        ));
        tenant.irsactl("apply plan.json").fails(4, &["keys.json"]);
        assert!(!tenant.path("issuer").exists());
        unwritten(retire).ok();
        tenant.irsactl("apply plan.json").ok();
        assert_eq!(accepted(&tenant), 2);
    }
}

/// A whole rotation, with time to wait in it; the kid of the key that signs then.
pub(crate) fn rotated(tenant: &Tenant, store: Kind) -> String {
    let prepared = step(tenant, store, "prepare --yes").json();
    let new = prepared["new"].as_str().unwrap().to_owned();
    token(tenant, &format!("issuer/sa-signer-{new}.key"));
    step(tenant, store, "activate --token token.jwt").json();
    shift(tenant, store);
    step(tenant, store, "retire --yes --token token.jwt").json();
    new
}

#[test]
fn a_rotation_is_of_the_issuer_whose_keys_they_are() {
    for store in STORES {
        let tenant = Tenant::new();
        let options = store.options();
        tenant.irsactl(&format!("bootstrap --yes {options}")).ok();
        tenant
            .irsactl(&format!("rotate prepare --yes {options}"))
            .ok();
        let other = "--cluster demo --prefix b --dir b";
        tenant.irsactl(&format!("bootstrap --yes {other}")).ok();
        let before = tenant.changes();
        for step in ["status", "prepare --yes", "retire --compromised --yes"] {
            let other = format!("{other} --key-store {}", store.flag);
            tenant
                .irsactl(&format!("rotate {step} {other}"))
                .fails(4, &["it signs the tokens of https://"]);
        }
        assert_eq!(tenant.changes(), before);
        let destroy = format!("destroy --dry-run --prefix b {options}");
        let plan = tenant.irsactl(&destroy).ok();
        assert!(plan.contains("stays: it signs the tokens of"), "{plan}");
        assert!(!plan.contains("to delete it"), "{plan}");
    }
}
