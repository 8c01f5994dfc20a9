//! The TLS probe against a real TLS server with real chains.

use std::net::TcpListener;
use std::path::PathBuf;
use std::sync::Arc;

use rcgen::{
    BasicConstraints, Certificate, CertificateParams, CertifiedIssuer, IsCa, Issuer, KeyPair,
    date_time_ymd,
};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::{ServerConfig, ServerConnection};
use serde_json::Value;

use crate::support::tenant::{Offline, Run, Tenant};

pub(crate) type Authority = CertifiedIssuer<'static, KeyPair>;
type Change<'a> = &'a dyn Fn(&mut CertificateParams);

/// A root, an intermediate, and leaves for localhost.
pub(crate) struct Pki {
    pub(crate) root: Authority,
    pub(crate) intermediate: Authority,
}

fn ca_params(name: &str) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params
        .distinguished_name
        .push(rcgen::DnType::CommonName, name);
    params
}

impl Pki {
    pub(crate) fn new() -> Self {
        Self::under("Test Root")
    }

    fn under(root: &str) -> Self {
        let root =
            CertifiedIssuer::self_signed(ca_params(root), KeyPair::generate().unwrap()).unwrap();
        let intermediate = CertifiedIssuer::signed_by(
            ca_params("Test Intermediate"),
            KeyPair::generate().unwrap(),
            &root,
        )
        .unwrap();
        Self { root, intermediate }
    }

    pub(crate) fn leaf(
        &self,
        issuer: &Issuer<'_, KeyPair>,
        change: impl Fn(&mut CertificateParams),
    ) -> (Certificate, KeyPair) {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
        change(&mut params);
        (params.signed_by(&key, issuer).unwrap(), key)
    }
}

/// Serves this chain to one client, and runs the binary against it.
pub(crate) fn thumbprint(
    work: &mut Offline,
    trusted: &Authority,
    chain: Vec<CertificateDer<'static>>,
    key: &KeyPair,
) -> Run {
    let ca: PathBuf = work.write("ca.pem", trusted.pem());
    work.environment
        .insert("SSL_CERT_FILE", ca.to_str().unwrap().to_owned());
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
    served(work, server().with_single_cert(chain, key).unwrap())
}

/// A TLS server that wants a certificate.
pub(crate) fn server() -> rustls::ConfigBuilder<ServerConfig, rustls::server::WantsServerCert> {
    let provider = rustls::crypto::aws_lc_rs::default_provider();
    ServerConfig::builder_with_provider(Arc::new(provider))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
}

/// Serves one client, and runs the binary against it.
pub(crate) fn served(work: &Offline, config: ServerConfig) -> Run {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let server = std::thread::spawn(move || {
        let (mut socket, _) = listener.accept().unwrap();
        let mut connection = ServerConnection::new(Arc::new(config)).unwrap();
        // A client that refuses the certificate ends the handshake: that is its answer.
        let _ = connection.complete_io(&mut socket);
        let _ = connection.complete_io(&mut socket);
    });
    let run = work.irsactl(&format!("thumbprint localhost:{port} -o json"));
    server.join().unwrap();
    run
}

pub(crate) fn openssl_fingerprint(
    work: &Offline,
    digest: &str,
    certificate: &Certificate,
) -> String {
    work.write("certificate.pem", certificate.pem());
    work.shell(&format!(
        "openssl x509 -in certificate.pem -noout -fingerprint -{digest} | sed 's/.*=//; s/://g' | tr A-F a-f"
    ))
    .trim()
    .to_owned()
}

#[test]
fn the_last_presented_certificate_counts_whichever_it_is() {
    let (pki, mut work) = (Pki::new(), Offline::new());
    let (leaf, key) = pki.leaf(&pki.intermediate, |_| {});
    let ders = |certificates: &[&Certificate]| {
        certificates
            .iter()
            .map(|c| c.der().clone())
            .collect::<Vec<_>>()
    };
    for (chain, last) in [
        (
            vec![&leaf, pki.intermediate.as_ref()],
            pki.intermediate.as_ref(),
        ),
        (
            vec![&leaf, pki.intermediate.as_ref(), pki.root.as_ref()],
            pki.root.as_ref(),
        ),
    ] {
        let answer: Value = thumbprint(&mut work, &pki.root, ders(&chain), &key).json();
        assert_eq!(
            answer["thumbprint"],
            openssl_fingerprint(&work, "sha1", last)
        );
        let presented = answer["chain"].as_array().unwrap();
        assert_eq!(presented.len(), chain.len());
        for (presented, certificate) in presented.iter().zip(&chain) {
            assert_eq!(
                presented["sha1"],
                openssl_fingerprint(&work, "sha1", certificate)
            );
            assert_eq!(
                presented["sha256"],
                openssl_fingerprint(&work, "sha256", certificate)
            );
        }
        assert_eq!(presented[0]["issuer"], "CN=Test Intermediate");
        assert_eq!(presented[1]["subject"], "CN=Test Intermediate");
        assert_eq!(presented[0]["not_before"], "1975-01-01T00:00:00Z");
    }
}

#[test]
fn a_chain_that_does_not_verify_has_no_thumbprint() {
    let (pki, other, mut work) = (Pki::new(), Pki::under("Other Root"), Offline::new());
    let intermediate = pki.intermediate.der().clone();
    let expired = |params: &mut CertificateParams| params.not_after = date_time_ymd(2020, 1, 1);
    let future = |params: &mut CertificateParams| params.not_before = date_time_ymd(4000, 1, 1);
    let unchanged = |_: &mut CertificateParams| {};
    let changes: [(Change<'_>, &Authority, bool, &str); 5] = [
        (&expired, &pki.root, true, "expired"),
        (&future, &pki.root, true, "not valid yet"),
        (&unchanged, &other.root, true, "UnknownIssuer"),
        (&unchanged, &pki.root, false, "UnknownIssuer"),
        (
            &|params| *params = CertificateParams::new(vec!["other.example".to_owned()]).unwrap(),
            &pki.root,
            true,
            "not valid for name",
        ),
    ];
    for (change, trusted, complete, reason) in changes {
        let (leaf, key) = pki.leaf(&pki.intermediate, change);
        let mut chain = vec![leaf.der().clone()];
        chain.extend(complete.then(|| intermediate.clone()));
        let run = thumbprint(&mut work, trusted, chain, &key);
        run.fails(
            1,
            &[
                "cannot verify the TLS certificate of localhost",
                reason,
                "never switched off",
            ],
        );
    }
}

#[test]
fn a_leaf_alone_is_not_guessed_at() {
    let (pki, mut work) = (Pki::new(), Offline::new());
    let (leaf, key) = pki.leaf(&pki.root, |_| {});
    let run = thumbprint(&mut work, &pki.root, vec![leaf.der().clone()], &key);
    run.fails(1, &["presents its own certificate alone", "--thumbprint"]);
}

#[test]
fn no_roots_no_server_no_answer() {
    let mut work = Offline::new();
    work.write("empty.pem", "");
    work.environment
        .insert("SSL_CERT_FILE", "empty.pem".to_owned());
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = silent.local_addr().unwrap().port();
    work.irsactl(&format!("thumbprint localhost:{port}"))
        .fails(1, &["no root certificates", "SSL_CERT_FILE"]);
    // Nobody is given this one, as a port that was just let go may be.
    let port = 1;
    work.irsactl(&format!("thumbprint localhost:{port}"))
        .fails(1, &["cannot connect to localhost", "refused"]);
    work.environment
        .insert("HTTPS_PROXY", format!("http://127.0.0.1:{port}"));
    work.irsactl("thumbprint s3.us-west-2.amazonaws.com")
        .fails(1, &["through the proxy", "refused"]);
    // NO_PROXY goes around it.
    work.environment.insert("NO_PROXY", "localhost".to_owned());
    let run = work.irsactl(&format!("thumbprint localhost:{port}"));
    assert!(!run.stderr.contains("through the proxy"), "{run:#?}");
}

#[test]
fn a_server_that_says_nothing_is_left_after_ten_seconds() {
    let (pki, mut work) = (Pki::new(), Offline::new());
    let ca = work.write("ca.pem", pki.root.pem());
    work.environment
        .insert("SSL_CERT_FILE", ca.to_str().unwrap().to_owned());
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = silent.local_addr().unwrap().port();
    let start = std::time::Instant::now();
    work.irsactl(&format!("thumbprint localhost:{port}"))
        .fails(1, &["no answer within 10 s"]);
    assert!((10..60).contains(&start.elapsed().as_secs()));
}

#[test]
fn of_an_issuer_the_host_that_serves_the_jwk_set_counts() {
    let (tenant, answer) = Tenant::bootstrapped();
    let issuer = answer["issuer"].as_str().unwrap();
    let host = |arguments: &str| {
        tenant
            .irsactl(&format!("thumbprint --issuer {arguments} -o json"))
            .json()["host"]
            .clone()
    };
    assert_eq!(host(issuer), issuer.strip_prefix("https://").unwrap());
    let elsewhere = r#"{"jwks_uri":"https://other.s3.us-west-2.amazonaws.com/keys.json"}"#;
    let discovery = format!("/{}/.well-known/openid-configuration", tenant.bucket());
    tenant.call("s3", "PUT", &discovery, "", elsewhere);
    assert_eq!(host(issuer), "other.s3.us-west-2.amazonaws.com");
    // Nothing is published there yet.
    let absent = tenant.irsactl("thumbprint --issuer https://absent.s3.us-west-2.amazonaws.com");
    assert!(
        absent
            .stderr
            .contains("certificate of the issuer's own host is taken"),
        "{absent:#?}"
    );
    absent.ok();
}
