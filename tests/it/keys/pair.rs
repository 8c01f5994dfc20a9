//! The key pair: its files, its modes, its kid, and every form of a public key.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};

use serde_json::Value;

use crate::support::tenant::{Offline, Run};

fn mode(work: &Offline, name: &str) -> u32 {
    fs::metadata(work.path(name)).unwrap().permissions().mode() & 0o777
}

#[test]
fn the_kid_is_openssls_for_every_size_and_keys_json_is_the_same_bytes_twice() {
    let work = Offline::new();
    for bits in ["2048", "3072", "4096"] {
        let kid = work
            .irsactl(&format!("keygen --bits {bits} --dir k{bits}"))
            .ok();
        assert_eq!(kid.trim(), work.kid(&format!("k{bits}/sa-signer.pub")));
        let text = work.shell(&format!(
            "openssl pkey -in k{bits}/sa-signer.key -noout -text"
        ));
        assert!(
            text.contains(&format!("Private-Key: ({bits} bit")),
            "{text}"
        );
        assert!(text.contains("publicExponent: 65537"), "{text}");
        work.shell(&format!(
            "openssl pkey -in k{bits}/sa-signer.key -check -noout"
        ));
        let keys_json = work.irsactl(&format!("jwks --dir k{bits}")).ok();
        assert_eq!(keys_json, work.irsactl(&format!("jwks --dir k{bits}")).ok());
        let keys: Value = serde_json::from_str(&keys_json).unwrap();
        let members: Vec<&String> = keys["keys"][0].as_object().unwrap().keys().collect();
        assert_eq!(members, ["kty", "kid", "use", "alg", "n", "e"]);
    }
    assert!(
        fs::read_to_string(work.path("k2048/sa-signer.key"))
            .unwrap()
            .starts_with("-----BEGIN PRIVATE KEY-----")
    );
    assert!(
        fs::read_to_string(work.path("k2048/sa-signer.pub"))
            .unwrap()
            .starts_with("-----BEGIN PUBLIC KEY-----")
    );
}

#[test]
fn modes_do_not_depend_on_the_umask() {
    let work = Offline::new();
    for umask in ["000", "077"] {
        let line = format!(
            "umask {umask}; {} keygen --dir u{umask}",
            env!("CARGO_BIN_EXE_irsactl")
        );
        work.shell(&line);
        assert_eq!(mode(&work, &format!("u{umask}")), 0o700);
        assert_eq!(mode(&work, &format!("u{umask}/sa-signer.key")), 0o600);
        assert_eq!(mode(&work, &format!("u{umask}/sa-signer.pub")), 0o644);
        assert_eq!(
            fs::read_dir(work.path(&format!("u{umask}")))
                .unwrap()
                .count(),
            2
        );
    }
}

#[test]
fn a_second_run_keeps_the_key_and_makes_a_missing_public_key_again() {
    let work = Offline::new();
    let first = work.irsactl("keygen").ok();
    let public = fs::read(work.path("issuer/sa-signer.pub")).unwrap();
    let before = fs::metadata(work.path("issuer/sa-signer.key")).unwrap();
    fs::remove_file(work.path("issuer/sa-signer.pub")).unwrap();
    // Commands that only read do not make it again.
    let keys_json = work.irsactl("jwks").ok();
    assert!(!work.path("issuer/sa-signer.pub").exists());
    assert_eq!(work.irsactl("keygen --bits 4096").ok(), first);
    assert_eq!(work.irsactl("jwks").ok(), keys_json);
    assert_eq!(fs::read(work.path("issuer/sa-signer.pub")).unwrap(), public);
    let after = fs::metadata(work.path("issuer/sa-signer.key")).unwrap();
    assert_eq!(
        (before.ino(), before.mtime_nsec()),
        (after.ino(), after.mtime_nsec())
    );
}

#[test]
fn a_pair_that_does_not_fit_is_refused_with_both_kids() {
    let work = Offline::new();
    let one = work.irsactl("keygen --dir one").ok();
    let two = work.irsactl("keygen --dir two").ok();
    fs::copy(
        work.path("two/sa-signer.pub"),
        work.path("one/sa-signer.pub"),
    )
    .unwrap();
    for command in ["keygen --dir one", "jwks --dir one"] {
        work.irsactl(command)
            .fails(4, &[one.trim(), two.trim(), "do not belong together"]);
    }
}

#[test]
fn a_key_is_never_written_over_anything() {
    let work = Offline::new();
    let victim = work.write("victim", "precious");
    fs::create_dir(work.path("issuer")).unwrap();
    let key = work.path("issuer/sa-signer.key");
    for target in [victim.clone(), work.path("dangling")] {
        std::os::unix::fs::symlink(&target, &key).unwrap();
        work.irsactl("keygen")
            .fails(4, &["issuer/sa-signer.key", "symbolic link"]);
        fs::remove_file(&key).unwrap();
    }
    assert!(!work.path("dangling").exists());
    assert_eq!(fs::read_to_string(&victim).unwrap(), "precious");
    fs::create_dir(&key).unwrap();
    let run = work.irsactl("keygen");
    assert_ne!(run.code, 0, "{run:#?}");
    fs::remove_dir(&key).unwrap();
    work.write("issuer/sa-signer.pub", "old");
    work.irsactl("keygen")
        .fails(4, &["sa-signer.pub is there without its private key"]);
    assert!(!key.exists());
}

#[test]
fn of_two_keygens_at_once_one_wins_and_the_pair_fits() {
    for _ in 0..5 {
        let work = Offline::new();
        let children: Vec<_> = (0..4)
            .map(|_| {
                let mut command = work.command(env!("CARGO_BIN_EXE_irsactl"));
                command
                    .arg("keygen")
                    .stdout(std::process::Stdio::piped())
                    .stderr(std::process::Stdio::piped());
                command.spawn().unwrap()
            })
            .collect();
        let runs: Vec<Run> = children
            .into_iter()
            .map(|child| child.wait_with_output().unwrap().into())
            .collect();
        let winner = runs
            .iter()
            .find(|run| run.code == 0)
            .expect("nobody won")
            .stdout
            .clone();
        assert!(
            runs.iter()
                .all(|run| (run.code == 0 && run.stdout == winner) || run.code == 4),
            "{runs:#?}"
        );
        assert_eq!(work.irsactl("keygen").ok(), winner);
        assert_eq!(fs::read_dir(work.path("issuer")).unwrap().count(), 2);
    }
}

/// The same key in every form that people have it in.
#[test]
fn every_form_of_a_public_key_gives_the_same_keys_json() {
    let work = Offline::new();
    work.irsactl("keygen").ok();
    let expected = work.irsactl("jwks").ok();
    work.shell(
        "cd issuer
         openssl rsa -pubin -in sa-signer.pub -RSAPublicKey_out -out pkcs1.pub
         openssl rsa -in sa-signer.key -traditional -out pkcs1.key
         openssl req -x509 -key sa-signer.key -subj /CN=sa -days 1 -out certificate.pem
         sed 's/$/\\r/' sa-signer.pub > crlf.pub
         (printf '\\357\\273\\277'; sed 's/$/   /' sa-signer.pub) > bom.pub
         (echo 'Bag Attributes: none'; cat sa-signer.pub; echo 'the end') > comments.pub
         cat sa-signer.pub certificate.pem pkcs1.key > several.pem",
    );
    for name in [
        "sa-signer.pub",
        "pkcs1.pub",
        "pkcs1.key",
        "sa-signer.key",
        "certificate.pem",
        "crlf.pub",
        "bom.pub",
        "comments.pub",
        "several.pem",
    ] {
        let run = work.irsactl(&format!("jwks --public-key issuer/{name}"));
        let private = name.ends_with(".key") || name == "several.pem";
        assert_eq!(
            run.stderr.contains("only its public half is read"),
            private,
            "{name}: {run:#?}"
        );
        assert_eq!(run.ok(), expected, "{name}");
    }
}

#[test]
fn several_files_and_blocks_are_folded_and_sorted() {
    let work = Offline::new();
    let mut kids: Vec<String> = ["a", "b", "c"]
        .map(|dir| {
            work.irsactl(&format!("keygen --dir {dir}"))
                .ok()
                .trim()
                .to_owned()
        })
        .to_vec();
    kids.sort();
    work.shell("cat c/sa-signer.pub b/sa-signer.pub > both.pem");
    let keys = work.irsactl(
        "jwks --public-key a/sa-signer.pub --public-key both.pem --public-key b/sa-signer.pub",
    );
    let keys = keys.json();
    let listed: Vec<&str> = keys["keys"]
        .as_array()
        .unwrap()
        .iter()
        .map(|key| key["kid"].as_str().unwrap())
        .collect();
    assert_eq!(listed, kids);
}

#[test]
fn a_directory_that_others_can_write_in_is_warned_of() {
    let work = Offline::new();
    work.irsactl("keygen").ok();
    assert!(!work.irsactl("keygen").stderr.contains("warning"));
    work.shell("chmod 777 issuer");
    let warned = work.irsactl("keygen");
    assert!(
        warned
            .stderr
            .contains("warning: others can write in issuer")
            && warned.stderr.contains("chmod go-w issuer"),
        "{warned:#?}"
    );
    warned.ok();
}
