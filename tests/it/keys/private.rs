//! Files with a key, or that decide which key is trusted: whose they are, who else can write there, and what a kill
//! has left.

use std::fs;
use std::os::unix::fs::{PermissionsExt, chown};
use std::time::{Duration, SystemTime};

use crate::support::tenant::Offline;

#[test]
fn a_key_or_a_directory_that_another_user_owns_is_noticed() {
    if fs::metadata("/proc/self").unwrap().permissions().mode() == 0 || !is_root() {
        eprintln!("SKIPPED: only root can give a file to another user");
        return;
    }
    let work = Offline::new();
    work.irsactl("keygen").ok();
    let key = work.path("issuer/sa-signer.key");
    chown(&key, Some(1000), None).unwrap();
    for command in [
        "keygen",
        "jwks",
        "token mint --issuer https://a.example --stdout",
    ] {
        work.irsactl(command)
            .fails(4, &["user 1000 owns it", "neither you nor root", "chown"]);
    }
    chown(&key, Some(0), None).unwrap();
    // A public key is published, and goes to the nodes.
    let public = work.path("issuer/sa-signer.pub");
    chown(&public, Some(1000), None).unwrap();
    work.irsactl("jwks")
        .fails(4, &["issuer/sa-signer.pub", "user 1000 owns it"]);
    fs::rename(&key, work.path("away")).unwrap();
    work.irsactl("jwks")
        .fails(4, &["issuer/sa-signer.pub", "user 1000 owns it"]);
    fs::rename(work.path("away"), &key).unwrap();
    chown(&public, Some(0), None).unwrap();
    chown(work.path("issuer"), Some(1000), None).unwrap();
    let run = work.irsactl("keygen");
    assert!(
        run.stderr.contains("warning: user 1000 owns issuer"),
        "{run:#?}"
    );
    run.ok();
}

fn is_root() -> bool {
    use std::os::unix::fs::MetadataExt;
    fs::metadata("/proc/self").unwrap().uid() == 0
}

/// Every file with a private key is written with the same care.
#[test]
fn every_private_file_is_warned_of_and_what_a_kill_left_is_named() {
    let work = Offline::new();
    work.shell("git init -q . && printf '*.key\\n' > .gitignore && mkdir -m 777 issuer");
    let issuer = "--issuer https://zoo.s3.us-west-2.amazonaws.com";
    work.irsactl("keygen").ok();
    for command in [
        "webhook --region us-west-2 --certificate self-signed".to_owned(),
        format!("flags --format talos {issuer} --secret-file issuer/talos.yaml"),
        format!(
            "flags --format cluster-api --cluster demo {issuer} --secret-file issuer/capi.yaml"
        ),
        format!("token mint {issuer} --out issuer/token"),
    ] {
        let run = work.irsactl(&command);
        assert_eq!(run.code, 0, "{command}: {run:#?}");
        assert!(
            run.stderr.contains("warning: others can write in issuer"),
            "{command}: {run:#?}"
        );
        assert!(
            run.stderr
                .contains("lies in a git work tree that does not ignore it"),
            "{command}: {run:#?}"
        );
    }
    // The key is ignored, but not the name under which it is written.
    let keygen = work.irsactl("keygen");
    assert!(
        keygen
            .stderr
            .contains("nor the name under which it is written"),
        "{keygen:#?}"
    );
    let stray = work.write("issuer/.irsactl-pTN8LK", "-----BEGIN PRIVATE KEY-----\n");
    let fresh = work.irsactl("keygen");
    assert!(!fresh.stderr.contains("pTN8LK"), "{fresh:#?}");
    let before = SystemTime::now() - Duration::from_secs(60);
    fs::File::options()
        .write(true)
        .open(stray)
        .unwrap()
        .set_modified(before)
        .unwrap();
    let named = work.irsactl("keygen");
    assert!(
        named
            .stderr
            .contains("issuer/.irsactl-pTN8LK was left behind by a run that was killed"),
        "{named:#?}"
    );
    assert!(
        named.stderr.contains(": rm issuer/.irsactl-pTN8LK"),
        "{named:#?}"
    );
}
