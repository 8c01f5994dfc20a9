//! A rotation with a key store, gone on with on a disk that knows less or something else.

use crate::keys::store::rotate::{accepted, rotated, step, token};
use crate::keys::store::{STORES, lose_disk};
use crate::support::tenant::Tenant;

/// A job that kept its disk, while another one went on.
#[test]
fn an_old_directory_is_brought_up_to_date() {
    let store = STORES[0];
    let tenant = Tenant::new();
    let options = store.options();
    tenant.irsactl(&format!("bootstrap --yes {options}")).ok();
    tenant.shell("cp -rp issuer before");
    let prepared = step(&tenant, store, "prepare --yes").json();
    tenant.shell("cp -rp issuer prepared");
    token(
        &tenant,
        &format!("issuer/sa-signer-{}.key", prepared["new"].as_str().unwrap()),
    );
    step(&tenant, store, "activate --token token.jwt").json();
    tenant
        .irsactl(&format!("jwks --dir before {options}"))
        .fails(4, &["from before a rotation", "irsactl keygen"]);
    for dir in ["before", "prepared"] {
        // A look changes no file; keygen is asked to.
        let files = tenant.shell(&format!("ls {dir}; cat {dir}/*"));
        let status = tenant.irsactl(&format!("rotate status --dir {dir} -o json {options}"));
        assert_eq!(status.json()[0]["role"], "signing");
        assert_eq!(tenant.shell(&format!("ls {dir}; cat {dir}/*")), files);
        let kid = tenant
            .irsactl(&format!("keygen --dir {dir} {options}"))
            .ok();
        assert_eq!(kid.trim(), prepared["new"], "{dir}");
    }
    // With files alone, and then with a store too.
    let tenant = Tenant::bootstrapped().0;
    let prepared = tenant
        .irsactl("rotate prepare --cluster demo --yes -o json")
        .json();
    let stored = tenant
        .irsactl(&format!("rotate prepare --yes -o json {options}"))
        .json();
    assert_eq!(stored["new"], prepared["new"]);
    let status = step(&tenant, store, "status").json();
    assert_eq!(status.as_array().unwrap().len(), 2);
}

#[test]
fn a_key_that_was_retired_never_signs_again() {
    for store in STORES {
        let tenant = Tenant::new().named();
        let options = store.options();
        tenant.irsactl(&format!("bootstrap --yes {options}")).ok();
        rotated(&tenant, store);
        let third = step(&tenant, store, "prepare --yes").json();
        let third = third["new"].as_str().unwrap();
        tenant.shell("cp -rp issuer kept");
        tenant.fail_next("PutObject", 1, 403, "AccessDenied", "no");
        assert_eq!(step(&tenant, store, "retire --compromised --yes").code, 5);
        for command in [
            "keygen",
            "token mint --stdout",
            "token mint --stdout --dir kept",
            "bootstrap --dry-run",
        ] {
            lose_disk(&tenant);
            tenant
                .irsactl(&format!("{command} {options}"))
                .fails(4, &["retire --compromised"]);
        }
        // Nor does the rotation go on while API servers sign with it.
        step(&tenant, store, "activate --single-node").fails(4, &["retire --compromised"]);
        // A disk that was kept finishes it, and so does an empty one.
        let retire = "rotate retire --compromised --yes --dir kept";
        tenant.irsactl(&format!("{retire} {options}")).ok();
        let kid = tenant.irsactl(&format!("keygen --dir kept {options}")).ok();
        assert_eq!(kid.trim(), third);
        lose_disk(&tenant);
        let kid = tenant.irsactl(&format!("keygen {options}")).ok();
        assert_eq!((kid.trim(), accepted(&tenant)), (third, 2));
        let published = tenant.irsactl(&format!("rotate status -o json {options}"));
        let published = published.json();
        let published = published.as_array().unwrap().iter();
        assert_eq!(published.filter(|key| key["published"] == true).count(), 1);
    }
}

#[test]
fn a_cut_between_the_store_and_the_disk_is_gone_on_from() {
    for store in STORES {
        let tenant = Tenant::new().named();
        let options = store.options();
        tenant.irsactl(&format!("bootstrap --yes {options}")).ok();
        let prepared = step(&tenant, store, "prepare --yes").json();
        let new = prepared["new"].as_str().unwrap();
        token(&tenant, &format!("issuer/sa-signer-{new}.key"));
        let activate = "rotate activate --token token.jwt -o json --cluster demo";
        tenant.fail_next(store.tag, 1, 403, "AccessDeniedException", "no");
        let cut = tenant.irsactl(&format!("{activate} --key-store {}", store.flag));
        assert_eq!(cut.code, 77, "{cut:#?}");
        // By files alone the directory then knows what the store does not.
        tenant.irsactl(activate).ok();
        tenant
            .irsactl(&format!("keygen {options}"))
            .fails(4, &["let the store know: irsactl rotate activate"]);
        tenant.irsactl(&format!("rotate status {options}")).ok();
        tenant
            .irsactl(&format!("{activate} --key-store {}", store.flag))
            .ok();
        let kid = tenant.irsactl(&format!("keygen {options}")).ok();
        assert_eq!(kid.trim(), new);
    }
}

#[test]
fn a_directory_from_two_rotations_ago_is_brought_up_to_date() {
    let store = STORES[1];
    let tenant = Tenant::new();
    let options = store.options();
    let first = tenant
        .irsactl(&format!("bootstrap --yes -o json {options}"))
        .json();
    let first = first["kid"].as_str().unwrap().to_owned();
    tenant.shell("cp -rp issuer kept; cp -rp issuer bare");
    let second = rotated(&tenant, store);
    let third = step(&tenant, store, "prepare --yes").json();
    for dir in ["kept", "bare"] {
        let status = format!("rotate status --dir {dir} -o json {options}");
        let status = tenant.irsactl(&status).json();
        assert_eq!(status[0]["kid"], second.as_str(), "{status:#}");
        let kid = tenant.irsactl(&format!("keygen --dir {dir} {options}"));
        assert_eq!(kid.ok().trim(), second);
        assert!(
            tenant
                .path(dir)
                .join(format!("retired-{first}.key"))
                .exists()
        );
    }
    // A key that was retired is not the one that is to come, for commands that know files alone either.
    let again = "rotate prepare --yes --cluster demo --dir kept -o json";
    let again = tenant.irsactl(again).json();
    assert!(
        again["new"] != first.as_str() && again["new"] != third["new"],
        "{again:#}"
    );
}
