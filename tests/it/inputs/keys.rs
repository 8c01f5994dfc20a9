//! Hostile numbers and forms of keys, beyond what openssl and ssh-keygen make.

use std::fs;
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::{Value, json};

use crate::support::tenant::{Offline, Tenant};

const BOOTSTRAP: &str = "bootstrap --cluster demo --yes -o json";

/// A DER element (X.690 §8.1) of less than 64 KiB.
fn element(tag: u8, body: &[u8]) -> Vec<u8> {
    let [high, low] = u16::try_from(body.len()).unwrap().to_be_bytes();
    [&[tag, 0x82, high, low], body].concat()
}

/// A PKCS#1 public key of these numbers, as their octets stand.
fn pem(n: &[u8], e: &[u8]) -> String {
    let short = |body: &[u8]| [&[2, u8::try_from(body.len()).unwrap()], body].concat();
    // DER wants the short form of a length where it fits.
    let n = if n.len() < 128 {
        short(n)
    } else if n.len() < 256 {
        [&[2, 0x81, u8::try_from(n.len()).unwrap()], n].concat()
    } else {
        element(2, n)
    };
    let body = [n, short(e)].concat();
    let der = if body.len() < 128 {
        [&[0x30, body.len() as u8][..], &body].concat()
    } else if body.len() < 256 {
        [&[0x30, 0x81, body.len() as u8][..], &body].concat()
    } else {
        element(0x30, &body)
    };
    let text = STANDARD.encode(der);
    format!("-----BEGIN RSA PUBLIC KEY-----\n{text}\n-----END RSA PUBLIC KEY-----\n")
}

/// An odd modulus of so many bits, with the octet that keeps it positive.
fn modulus(bits: usize) -> Vec<u8> {
    let mut octets: Vec<u8> = (0..bits / 8).map(|_| fastrand::u8(..)).collect();
    octets[0] |= 0x80;
    *octets.last_mut().unwrap() |= 1;
    octets.insert(0, 0);
    octets
}

#[test]
fn sizes_and_exponents_that_sts_or_the_api_server_would_not_take() {
    let (work, start) = (Offline::new(), Instant::now());
    const E: &[u8] = &[1, 0, 1];
    let mut even = modulus(2048);
    *even.last_mut().unwrap() &= 0xfe;
    let cases: [(&str, Vec<u8>, &[u8], &str); 14] = [
        ("512 bits", modulus(512), E, "has 512 bits"),
        ("1024 bits", modulus(1024), E, "has 1024 bits"),
        ("2040 bits", modulus(2040), E, "has 2040 bits"),
        ("8192 bits", modulus(8192), E, "has 8192 bits; 2048 to 4096"),
        (
            "16384 bits",
            modulus(16384),
            E,
            "has 16384 bits; 2048 to 4096",
        ),
        ("no modulus", vec![0], E, "has 0 bits"),
        ("an even modulus", even, E, "do not make an RSA key"),
        (
            "a negative modulus",
            modulus(2048)[1..].to_vec(),
            E,
            "block at line 1 is damaged",
        ),
        ("e = 0", modulus(2048), &[0], "exponent is not 65537"),
        ("e = 1", modulus(2048), &[1], "exponent is not 65537"),
        ("e = 3", modulus(2048), &[3], "exponent is not 65537"),
        (
            "an even e",
            modulus(2048),
            &[1, 0, 0],
            "exponent is not 65537",
        ),
        (
            "an e of 64 bits",
            modulus(2048),
            &[127, 1, 1, 1, 1, 1, 1, 1],
            "exponent is not 65537",
        ),
        (
            "a padded modulus, which is no DER",
            [vec![0], modulus(2048)].concat(),
            E,
            "block at line 1 is damaged",
        ),
    ];
    for (name, n, e, reason) in cases {
        work.write("key.pub", pem(&n, e));
        let run = work.irsactl("jwks --public-key key.pub");
        assert_eq!(run.code, 4, "{name}: {run:#?}");
        run.fails(4, &["key.pub", reason]);
    }
    work.write("key.pub", pem(&modulus(2048), E));
    work.irsactl("jwks --public-key key.pub").ok();
    // No number is computed with before its size is known.
    assert!(
        start.elapsed() < Duration::from_secs(60),
        "{:?}",
        start.elapsed()
    );
}

#[test]
fn a_hundred_keys_are_a_set_and_one_more_is_not() {
    let work = Offline::new();
    let keys = |count: usize| -> String {
        (0..count)
            .map(|_| pem(&modulus(2048), &[1, 0, 1]))
            .collect()
    };
    let hundred = keys(100);
    work.write("keys.pem", &hundred);
    let set = work.irsactl("jwks --public-key keys.pem").json();
    assert_eq!(set["keys"].as_array().unwrap().len(), 100);
    // The same key twice is one.
    work.irsactl("jwks --public-key keys.pem --public-key keys.pem")
        .ok();
    work.write("keys.pem", hundred + &keys(1));
    let run = work.irsactl("jwks --public-key keys.pem");
    assert_ne!(run.code, 0, "{run:#?}");
    assert!(
        run.stderr.contains("it would hold 101 keys; STS takes 100"),
        "{run:#?}"
    );
}

#[test]
fn a_signing_key_file_holds_one_private_key_and_nothing_else() {
    let work = Offline::new();
    work.irsactl("keygen --dir other").ok();
    work.shell(
        "openssl req -x509 -key other/sa-signer.key -subj /CN=sa -days 1 -out certificate.pem",
    );
    for (with, count) in [
        ("other/sa-signer.key", 2),
        ("other/sa-signer.pub", 2),
        ("certificate.pem", 2),
    ] {
        work.shell("rm -rf issuer");
        work.irsactl("keygen").ok();
        work.shell(&format!(
            "rm issuer/sa-signer.pub; cat {with} >> issuer/sa-signer.key"
        ));
        let before = fs::read(work.path("issuer/sa-signer.key")).unwrap();
        for command in ["keygen", "jwks"] {
            work.irsactl(command).fails(
                4,
                &[
                    "sa-signer.key",
                    &format!("this one holds {count} PEM blocks"),
                ],
            );
        }
        assert_eq!(fs::read(work.path("issuer/sa-signer.key")).unwrap(), before);
    }
    // A public key where the private one belongs.
    work.shell("cp other/sa-signer.pub issuer/sa-signer.key");
    fs::set_permissions(
        work.path("issuer/sa-signer.key"),
        std::os::unix::fs::PermissionsExt::from_mode(0o600),
    )
    .unwrap();
    work.irsactl("keygen").fails(4, &["not a private key"]);
}

/// RFC 7518 §6.3.1.1: no leading zero octets. Whoever published them meant the same key.
#[test]
fn a_published_modulus_with_leading_zeros_is_the_same_key() {
    let (tenant, answer) = Tenant::bootstrapped();
    let target = format!("/{}/keys.json", tenant.bucket());
    let mut published: Value =
        serde_json::from_str(&tenant.call("s3", "GET", &target, "", "")).unwrap();
    let n = URL_SAFE_NO_PAD
        .decode(published["keys"][0]["n"].as_str().unwrap())
        .unwrap();
    assert_ne!(n[0], 0);
    published["keys"][0]["n"] = json!(URL_SAFE_NO_PAD.encode([vec![0, 0], n].concat()));
    tenant.call(
        "s3",
        "PUT",
        &target,
        "Content-Type: application/json\r\n",
        &published.to_string(),
    );
    let run = tenant.irsactl("verify --cluster demo");
    assert_eq!(run.code, 3, "{run:#?}");
    assert_eq!(tenant.irsactl(BOOTSTRAP).json()["changes"], 1);
    let repaired: Value = serde_json::from_str(&tenant.call("s3", "GET", &target, "", "")).unwrap();
    assert_eq!(repaired, tenant.irsactl("jwks").json());
    assert_eq!(repaired["keys"][0]["kid"], answer["kid"]);
}
