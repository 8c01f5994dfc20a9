//! Hostile TLS servers: chains in any order, old protocols, a handshake that never ends.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::process::{Child, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use rcgen::{BasicConstraints, Certificate, CertificateParams, IsCa, KeyPair};
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::server::ResolvesServerCertUsingSni;
use rustls::sign::CertifiedKey;

use crate::inputs::files::allowed;
use crate::support::http::free_port;
use crate::support::tenant::Offline;
use crate::verify::tls::{Pki, openssl_fingerprint, served, server, thumbprint};

/// The last certificate presented counts, wherever the path that verifies ends.
#[test]
fn the_thumbprint_of_a_chain_in_any_order_is_its_last_certificates() {
    let (pki, other, mut work) = (Pki::new(), Pki::new(), Offline::new());
    let (leaf, key) = pki.leaf(&pki.intermediate, |_| {});
    let (intermediate, root) = (pki.intermediate.as_ref(), pki.root.as_ref());
    let mut crossed = CertificateParams::default();
    crossed.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    crossed
        .distinguished_name
        .push(rcgen::DnType::CommonName, "Test Root");
    let crossed = crossed.signed_by(pki.root.key(), &other.root).unwrap();
    let chains: [(&str, Vec<&Certificate>); 5] = [
        ("out of order", vec![&leaf, root, intermediate]),
        ("twice", vec![&leaf, intermediate, intermediate]),
        ("the leaf again", vec![&leaf, intermediate, &leaf]),
        ("cross-signed", vec![&leaf, intermediate, &crossed]),
        ("a stranger", vec![&leaf, intermediate, other.root.as_ref()]),
    ];
    for (name, chain) in chains {
        let ders = chain
            .iter()
            .map(|certificate| certificate.der().clone())
            .collect();
        let answer = thumbprint(&mut work, &pki.root, ders, &key).json();
        let last = openssl_fingerprint(&work, "sha1", chain.last().unwrap());
        assert_eq!(answer["thumbprint"], last.as_str(), "{name}");
        assert_eq!(
            answer["chain"].as_array().unwrap().len(),
            chain.len(),
            "{name}"
        );
    }
}

#[test]
fn a_self_signed_certificate_has_no_thumbprint() {
    let (pki, mut work) = (Pki::new(), Offline::new());
    let key = KeyPair::generate().unwrap();
    let params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
    let own = params.self_signed(&key).unwrap();
    let run = thumbprint(&mut work, &pki.root, vec![own.der().clone()], &key);
    run.fails(
        1,
        &[
            "cannot verify the TLS certificate of localhost",
            "UnknownIssuer",
        ],
    );
}

/// A server with several names answers the one that is asked for, and an address asks for none.
#[test]
fn the_name_is_sent_to_the_server() {
    let (pki, mut work) = (Pki::new(), Offline::new());
    let ca = work.write("ca.pem", pki.root.pem());
    work.environment
        .insert("SSL_CERT_FILE", ca.to_str().unwrap().to_owned());
    let (leaf, key) = pki.leaf(&pki.intermediate, |_| {});
    let der = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let chain = vec![leaf.der().clone(), pki.intermediate.der().clone()];
    let signing = rustls::crypto::aws_lc_rs::sign::any_supported_type(&der).unwrap();
    let mut names = ResolvesServerCertUsingSni::new();
    names
        .add("localhost", CertifiedKey::new(chain.clone(), signing))
        .unwrap();
    let named = served(&work, server().with_cert_resolver(Arc::new(names)));
    let last = openssl_fingerprint(&work, "sha1", pki.intermediate.as_ref());
    assert_eq!(named.json()["thumbprint"], last.as_str());
}

/// A server of openssl's; it ends with its value.
struct OldServer(Child);

impl Drop for OldServer {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn old_protocols_are_refused_by_name() {
    let work = Offline::new();
    work.shell("openssl req -x509 -newkey rsa:2048 -nodes -keyout key.pem -out ca.pem -subj /CN=localhost -addext subjectAltName=DNS:localhost -days 1 2>/dev/null");
    for (options, reason) in [
        (
            &["-tls1", "-cipher", "ALL:@SECLEVEL=0"][..],
            "ProtocolVersion",
        ),
        (
            &["-tls1_2", "-cipher", "AES128-GCM-SHA256:AES128-SHA"],
            "HandshakeFailure",
        ),
    ] {
        let port = free_port();
        let mut openssl = work.command("openssl");
        openssl.args([
            "s_server",
            "-quiet",
            "-accept",
            &format!("127.0.0.1:{port}"),
            "-key",
            "key.pem",
            "-cert",
            "ca.pem",
        ]);
        let child = openssl
            .args(options)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let _server = OldServer(child);
        let start = Instant::now();
        while std::net::TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(start.elapsed() < Duration::from_secs(20));
            std::thread::sleep(Duration::from_millis(20));
        }
        let mut command = work.command(env!("CARGO_BIN_EXE_irsactl"));
        command
            .args(["thumbprint", &format!("localhost:{port}")])
            .env("SSL_CERT_FILE", "ca.pem");
        let run = crate::support::tenant::Run::from(command.output().unwrap());
        run.fails(1, &["localhost", "fatal alert", reason]);
    }
}

/// One byte a second, for ever: the deadline is of the whole handshake, not of a read.
#[test]
fn a_handshake_that_drips_is_left_after_ten_seconds() {
    let (pki, mut work) = (Pki::new(), Offline::new());
    let ca = work.write("ca.pem", pki.root.pem());
    work.environment
        .insert("SSL_CERT_FILE", ca.to_str().unwrap().to_owned());
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        let (mut socket, _) = listener.accept().unwrap();
        // A handshake record of 16 KiB begins.
        for byte in [0x16, 3, 3, 0x40, 0, 2, 0, 0x3f, 0xfc]
            .into_iter()
            .chain(std::iter::repeat(0))
        {
            if socket.write_all(&[byte]).is_err() {
                return;
            }
            std::thread::sleep(Duration::from_secs(1));
        }
    });
    let start = Instant::now();
    work.irsactl(&format!("thumbprint localhost:{port}"))
        .fails(1, &["no answer within 10 s"]);
    assert!((10..40).contains(&start.elapsed().as_secs()));
}

#[test]
fn a_host_without_ipv4_is_reached_and_one_without_a_name_is_said() {
    let (pki, mut work) = (Pki::new(), Offline::new());
    let ca = work.write("ca.pem", pki.root.pem());
    work.environment
        .insert("SSL_CERT_FILE", ca.to_str().unwrap().to_owned());
    let start = Instant::now();
    work.irsactl("thumbprint no-such-host.invalid")
        .fails(1, &["cannot connect to no-such-host.invalid:443"]);
    assert!(start.elapsed() < Duration::from_secs(30));
    let test = "a_host_without_ipv4_is_reached";
    let (Ok(listener), true) = (
        TcpListener::bind("[::1]:0"),
        allowed(test, "unshare", &["-m", "true"]),
    ) else {
        let _ = writeln!(std::io::stderr(), "SKIPPED {test}: there is no ::1 here");
        return;
    };
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        let (mut socket, _) = listener.accept().unwrap();
        let _ = socket.read(&mut [0; 16]);
        let _ = socket.write_all(b"SSH-2.0-x\r\n");
    });
    work.write("hosts", "::1 six.test\n");
    let line = format!(
        "mount --bind hosts /etc/hosts && exec {} thumbprint six.test:{port}",
        env!("CARGO_BIN_EXE_irsactl")
    );
    let mut command = work.command("unshare");
    let output = command.args(["-m", "sh", "-c", &line]).output().unwrap();
    crate::support::tenant::Run::from(output).fails(1, &["six.test", "corrupt message"]);
}
