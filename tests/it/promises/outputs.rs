//! Where outputs go: over nothing of others, and through no link.

use std::fs;

use crate::support::tenant::{Offline, Tenant};

/// Only what was written here is replaced.
#[test]
fn nothing_of_others_is_replaced() {
    let work = Offline::new();
    work.irsactl("keygen").ok();
    let key = fs::read(work.path("issuer/sa-signer.key")).unwrap();
    let webhook = "webhook --region us-west-2 --renew --secret-file";
    work.irsactl(&format!("{webhook} issuer/sa-signer.key"))
        .fails(
            4,
            &[
                "issuer/sa-signer.key",
                "something else than a webhook's certificate is there",
            ],
        );
    assert_eq!(fs::read(work.path("issuer/sa-signer.key")).unwrap(), key);
    work.irsactl(&format!("{webhook} secret.yaml")).ok();
    let first = fs::read(work.path("secret.yaml")).unwrap();
    work.irsactl(&format!("{webhook} secret.yaml")).ok();
    assert_ne!(fs::read(work.path("secret.yaml")).unwrap(), first);

    let plan = "bootstrap --cluster demo --region us-west-2 --account-id 111122223333 --dry-run --offline --documents proj";
    for (name, theirs) in [
        (
            "plan.json",
            r#"{"format_version":"1.2","terraform_version":"1.9","resource_changes":[]}"#,
        ),
        (
            "keys.json",
            r#"{"keys":[{"kty":"RSA","n":"AQAB","e":"AQAB"}]}"#,
        ),
        ("provider.json", r#"{"provider":"theirs"}"#),
        ("flags.txt", "--verbose\n"),
        (
            "bucket-policy.json",
            r#"{"Version":"2012-10-17","Statement":[]}"#,
        ),
    ] {
        fs::create_dir(work.path("proj")).unwrap();
        work.write(&format!("proj/{name}"), theirs);
        work.irsactl(plan)
            .fails(4, &[name, "something else than a document of a dry run"]);
        assert_eq!(
            fs::read_to_string(work.path(&format!("proj/{name}"))).unwrap(),
            theirs
        );
        assert_eq!(fs::read_dir(work.path("proj")).unwrap().count(), 1);
        fs::remove_dir_all(work.path("proj")).unwrap();
    }
    // What a dry run has written is replaced by the next one, of another cluster too.
    work.irsactl(plan).ok();
    work.irsactl(&plan.replace("demo", "other")).ok();
    assert!(
        fs::read_to_string(work.path("proj/plan.json"))
            .unwrap()
            .contains("other-oidc")
    );

    // Public keys are added to a file of public keys, and to nothing else.
    work.shell("mkdir man; echo mine > man/irsactl.1");
    work.irsactl("man man")
        .fails(4, &["man/irsactl.1", "a manual page of irsactl"]);
}

/// A link in a checkout leads no output elsewhere.
#[test]
fn no_output_goes_through_a_linked_directory() {
    let tenant = Tenant::bootstrapped().0;
    tenant.shell("mkdir outside; ln -s outside review; mkdir sub; ln -s ../outside sub/out");
    let here = tenant.dir.path().display().to_string();
    let plan = "bootstrap --cluster demo --dry-run";
    for command in [
        format!("{plan} --documents review"),
        format!("{plan} --documents sub/out/deeper"),
        format!("{plan} --documents {here}/review"),
        format!("{plan} --out sub/out/p.json"),
        "report --cluster demo --html review/report.html".to_owned(),
    ] {
        tenant
            .irsactl(&command)
            .fails(4, &["is a symbolic link", "name the place itself"]);
    }
    // From elsewhere, and by another name of the directory: whose the link is says nothing where root works.
    let elsewhere = Tenant::with_key();
    elsewhere.shell(&format!("ln -s {here} checkout"));
    let there = elsewhere.dir.path().display().to_string();
    for place in [
        format!("{here}/review"),
        format!("{there}/checkout/sub/out"),
    ] {
        elsewhere
            .irsactl(&format!("{plan} --documents {place}"))
            .fails(4, &["is a symbolic link", "readlink -f"]);
    }
    assert_eq!(fs::read_dir(tenant.path("outside")).unwrap().count(), 0);
}

/// What holds a key goes through no linked directory either.
#[test]
fn no_key_goes_through_a_linked_directory() {
    let tenant = Tenant::with_key();
    tenant.shell("mkdir outside; ln -s outside lnk");
    for command in [
        "keygen --dir lnk",
        "token mint --issuer https://a.example --out lnk/t.jwt",
        "flags --issuer https://a.example --cluster demo --format cluster-api --secret-file lnk/secret.yaml",
        "webhook --region us-west-2 --certificate self-signed --dir lnk",
        "migrate start --issuer https://a.example --existing-issuer https://b.example --keep-key --dir lnk",
    ] {
        tenant
            .irsactl(command)
            .fails(4, &["lnk is a symbolic link"]);
    }
    assert_eq!(fs::read_dir(tenant.path("outside")).unwrap().count(), 0);
}
