//! Whose keys are in a key store: another issuer's, and the first one of a store.

use crate::keys::store::{STORES, lose_disk};
use crate::support::tenant::Tenant;

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
        .fails(4, &["none of them is published", "--new"]);
    tenant
        .irsactl(&format!("rotate prepare --yes --new={kid} {options}"))
        .ok();
}
