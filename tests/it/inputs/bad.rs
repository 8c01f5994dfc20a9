//! Bad keys, bad issuers, bad names, bad command lines: a clear error, the right exit code, and
//! nothing changed.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Stdio;

use crate::support::tenant::Offline;

/// Key files that openssl and ssh-keygen make, and why they are not taken.
const BAD_KEYS: [(&str, &str, &str); 12] = [
    (
        "encrypted PKCS#8",
        "openssl genpkey -algorithm RSA -aes256 -pass pass:x -out FILE",
        "the private key is encrypted",
    ),
    (
        "encrypted PKCS#1",
        "openssl genrsa -aes256 -passout pass:x -traditional -out FILE 2048",
        "the private key is encrypted",
    ),
    (
        "EC",
        "openssl ecparam -name prime256v1 -genkey -noout -out FILE",
        "an EC key",
    ),
    (
        "EC PKCS#8",
        "openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out FILE",
        "an EC key",
    ),
    (
        "Ed25519",
        "openssl genpkey -algorithm ed25519 -out FILE",
        "an Ed25519 key",
    ),
    (
        "RSA-PSS",
        "openssl genpkey -algorithm RSA-PSS -out FILE",
        "an RSASSA-PSS key",
    ),
    ("RSA 1024", "openssl genrsa -out FILE 1024", "has 1024 bits"),
    (
        "e = 3",
        "openssl genrsa -3 -out FILE 2048",
        "exponent is not 65537",
    ),
    (
        "truncated",
        "openssl genrsa 2048 | head -10 > FILE",
        "does not end: the file is truncated",
    ),
    (
        "damaged",
        "openssl genrsa 2048 | sed '5,9d' > FILE",
        "is damaged",
    ),
    ("empty", ": > FILE", "there is no PEM block in it"),
    (
        "DER",
        "openssl genrsa 2048 | openssl pkey -outform DER -out FILE",
        "there is no PEM block in it",
    ),
];

#[test]
fn keys_that_no_api_server_or_sts_would_take() {
    let work = Offline::new();
    fs::create_dir(work.path("issuer")).unwrap();
    for (name, command, reason) in BAD_KEYS {
        work.shell(&format!(
            "rm -f issuer/*; {} 2>/dev/null; chmod 600 issuer/sa-signer.key",
            command.replace("FILE", "issuer/sa-signer.key")
        ));
        let before = fs::read(work.path("issuer/sa-signer.key")).unwrap();
        work.irsactl("keygen")
            .fails(4, &["issuer/sa-signer.key", reason]);
        work.irsactl("jwks --public-key issuer/sa-signer.key")
            .fails(4, &["issuer/sa-signer.key", reason]);
        work.irsactl("bootstrap --cluster demo --region us-west-2 --dry-run --offline --account-id 111122223333")
            .fails(4, &[reason]);
        assert_eq!(
            fs::read(work.path("issuer/sa-signer.key")).unwrap(),
            before,
            "{name}"
        );
        assert!(!work.path("issuer/sa-signer.pub").exists(), "{name}");
    }
}

#[test]
fn the_openssh_form_is_named_with_the_way_out() {
    let work = Offline::new();
    work.write(
        "key.pem",
        "-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXktdjEAAAAA\n-----END OPENSSH PRIVATE KEY-----\n",
    );
    work.irsactl("jwks --public-key key.pem")
        .fails(4, &["OpenSSH's own form", "ssh-keygen -p -m PKCS8"]);
}

#[test]
fn crafted_numbers_are_an_error_and_not_a_panic() {
    let work = Offline::new();
    // RUSTSEC-2026-0583: factors 1, even factors, d = 0. Written by openssl's own ASN.1 generator.
    let n = format!("0x{}1", "c5".repeat(255) + "d");
    for (p, q, d) in [
        ("0x1", n.as_str(), "0x3"),
        ("0x2", "0x4", "0x0"),
        (n.as_str(), "0x1", "0x0"),
    ] {
        let fields = format!(
            "asn1=SEQUENCE:k\n[k]\nv=INTEGER:0\nn=INTEGER:{n}\ne=INTEGER:65537\nd=INTEGER:{d}\np=INTEGER:{p}\nq=INTEGER:{q}\n\
             dp=INTEGER:0x1\ndq=INTEGER:0x1\nqi=INTEGER:0x1\n"
        );
        work.write("key.cnf", fields);
        work.shell(
            "openssl asn1parse -genconf key.cnf -noout -out key.der
             mkdir -p issuer; rm -f issuer/*
             (echo '-----BEGIN RSA PRIVATE KEY-----'; openssl base64 -in key.der; echo '-----END RSA PRIVATE KEY-----') > issuer/sa-signer.key
             chmod 600 issuer/sa-signer.key",
        );
        work.irsactl("keygen").fails(4, &["do not make an RSA key"]);
    }
}

#[test]
fn a_key_that_others_can_read_is_refused_with_the_command_that_helps() {
    let work = Offline::new();
    work.irsactl("keygen").ok();
    let key = work.path("issuer/sa-signer.key");
    for mode in [0o644, 0o640, 0o604, 0o660] {
        fs::set_permissions(&key, fs::Permissions::from_mode(mode)).unwrap();
        work.irsactl("keygen").fails(
            4,
            &[
                &format!("its mode is {mode:04o}"),
                "chmod 600 issuer/sa-signer.key",
            ],
        );
    }
}

#[test]
fn files_that_are_not_key_files() {
    let work = Offline::new();
    work.shell("mkfifo fifo; mkdir directory; head -c 70000 /dev/zero > large");
    for (file, reason) in [
        ("fifo", "not a regular file"),
        ("directory", "not a regular file"),
        ("/dev/zero", "not a regular file"),
        ("large", "larger than 64 KiB"),
        ("absent", "No such file"),
    ] {
        work.irsactl(&format!("jwks --public-key {file}"))
            .fails(1, &[file, reason]);
    }
}

#[test]
fn issuers_that_iam_or_tokens_would_not_match() {
    let work = Offline::new();
    for (issuer, reason) in [
        ("http://example.com", "scheme must be https"),
        ("https://example.com?a=b", "a query"),
        ("https://example.com#a", "a fragment"),
        ("https://example.com:8443", "a port"),
        ("https://me@example.com", "a user name"),
        ("https://example.com/", "a trailing slash"),
        ("https://Example.com", "canonical form"),
    ] {
        for command in ["discovery", "flags"] {
            work.irsactl(&format!("{command} --issuer {issuer}"))
                .fails(64, &[issuer, reason]);
        }
    }
}

#[test]
fn names_that_s3_would_refuse_are_refused_before_any_call() {
    let work = Offline::new();
    work.irsactl("keygen").ok();
    let run = "bootstrap --dry-run --offline --account-id 111122223333 --region us-west-2";
    for (names, reason) in [
        ("--cluster demo --bucket my.bucket", "has a dot"),
        ("--cluster demo --bucket MyBucket", "lower-case letters"),
        ("--cluster demo --bucket xn--bucket", "reserved prefix"),
        (
            "--cluster demo --bucket demo-an",
            "-111122223333-us-west-2-an",
        ),
        (
            "--cluster a-cluster-name-that-is-far-too-long-for-it",
            "S3 takes 3 to 63",
        ),
        ("--cluster Demo", "a DNS label"),
        ("--cluster demo --prefix /a/", "without slashes at its ends"),
        (
            "--cluster demo --prefix a//b",
            "without slashes at its ends",
        ),
        (
            "--cluster demo --region us-wst",
            "cannot use region 'us-wst'",
        ),
    ] {
        let run = match names.contains("--region") {
            true => run.replace(" --region us-west-2", ""),
            false => run.to_owned(),
        };
        work.irsactl(&format!("{run} {names}")).fails(64, &[reason]);
    }
}

#[test]
fn the_command_line_is_checked_and_answers_64() {
    let work = Offline::new();
    for (arguments, reason) in [
        ("", "Usage: irsactl"),
        ("bootstrap", "--cluster <NAME>"),
        ("bootstrap --cluster a --detailed-exitcode", "--dry-run"),
        (
            "bootstrap --cluster a --dry-run --yes",
            "cannot be used with",
        ),
        ("bootstrap --cluster a --account-id 12345", "twelve digits"),
        ("bootstrap --cluster a --thumbprint xyz", "40 hex digits"),
        ("bootstrap --cluster a --tag aws:x=y", "a tag is KEY=VALUE"),
        ("keygen --bits 1024", "possible values: 2048, 3072, 4096"),
        ("keygen --timeout 0", "a whole number of seconds"),
        ("keygen --timeout 18446744073709551615", "from 1 to 86400"),
        (
            "flags --issuer https://a.example --node-dir relative",
            "an absolute path",
        ),
        (
            "flags --issuer https://a.example --existing-issuer a,b",
            "no spaces or commas",
        ),
        ("flags --cluster demo", "cannot tell the AWS region"),
        ("discovery --region us-west-2", "--cluster, or --bucket"),
        ("thumbprint https://example.com", "--issuer URL"),
    ] {
        let run = work.irsactl(arguments);
        assert_eq!(run.code, 64, "{arguments}: {run:#?}");
        assert!(
            run.stderr.contains(reason),
            "{arguments}: no {reason:?} in {run:#?}"
        );
        assert_eq!(run.stdout, "", "{arguments}");
    }
}

#[test]
fn a_closed_pipe_is_success_and_a_full_disk_is_not() {
    let work = Offline::new();
    work.irsactl("keygen").ok();
    let binary = env!("CARGO_BIN_EXE_irsactl");
    let mut child = work
        .command(binary)
        .arg("jwks")
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    assert_eq!(child.wait().unwrap().code(), Some(0));
    let run: crate::support::tenant::Run = work
        .command(binary)
        .arg("jwks")
        .stdout(
            fs::OpenOptions::new()
                .write(true)
                .open("/dev/full")
                .unwrap(),
        )
        .output()
        .unwrap()
        .into();
    run.fails(1, &["cannot write to standard output", "No space left"]);
    let failed = work
        .command("sh")
        .args([
            "-c",
            &format!("ulimit -f 0; trap '' XFSZ; {binary} keygen --dir full"),
        ])
        .output()
        .unwrap();
    assert_ne!(failed.status.code(), Some(0));
    assert_eq!(fs::read_dir(work.path("full")).unwrap().count(), 0);
}

#[test]
fn an_argument_cannot_start_a_line_of_its_own() {
    let work = Offline::new();
    let hostile = "a\n::error::x\u{1b}[2J";
    for arguments in [
        vec!["keygen", "--dir", hostile],
        vec!["jwks", "--public-key", hostile],
        vec!["bootstrap", "--cluster", hostile],
        vec!["flags", "--issuer", hostile],
        vec![
            "flags",
            "--issuer",
            "https://a.example",
            "--existing-issuer",
            "b",
            "--existing-public-key",
            hostile,
        ],
        vec!["discovery", "--bucket", hostile, "--region", "us-west-2"],
        vec!["discovery", "--bucket", "b1b", "--region", hostile],
        vec!["thumbprint", hostile],
        vec!["token", "decode", hostile],
    ] {
        let output = work
            .command(env!("CARGO_BIN_EXE_irsactl"))
            .args(&arguments)
            .output()
            .unwrap();
        let shown = [output.stdout, output.stderr].concat();
        let shown = String::from_utf8(shown).unwrap();
        assert!(
            !shown.contains("\n::") && !shown.contains('\u{1b}'),
            "{arguments:?}: {shown}"
        );
    }
}
