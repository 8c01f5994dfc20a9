//! An issuer on a host of its own, as a test wants it: behind a CONNECT proxy, with any certificate and
//! any answers.

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use rcgen::CertificateParams;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};

use crate::support::tenant::{Offline, Tenant};
use crate::verify::tls::Pki;

/// The name that the proxy leads to the host.
pub(crate) const NAME: &str = "oidc.test";

/// Writes what follows the head of an answer.
pub(crate) type Send =
    Arc<dyn Fn(&mut dyn Write) -> std::io::Result<()> + std::marker::Send + Sync>;

/// What the host answers to a GET of a path.
#[derive(Clone)]
pub(crate) struct Page {
    pub(crate) head: String,
    pub(crate) body: String,
    pub(crate) delay: Duration,
    /// In place of the body and its length.
    pub(crate) send: Option<Send>,
}

impl Page {
    /// JSON with status 200.
    pub(crate) fn json(body: &str) -> Self {
        Self {
            head: "HTTP/1.1 200 OK\r\nContent-Type: application/json".to_owned(),
            body: body.to_owned(),
            delay: Duration::ZERO,
            send: None,
        }
    }
}

/// Starts the host, and leads the tenant to it. The host ends with the test process.
pub(crate) fn start(
    work: &mut Offline,
    pages: HashMap<&'static str, Page>,
    change: impl Fn(&mut CertificateParams),
) {
    let pki = Pki::new();
    let (leaf, key) = pki.leaf(&pki.intermediate, |params| {
        *params = CertificateParams::new(vec![NAME.to_owned()]).unwrap();
        change(params);
    });
    let chain = vec![leaf.der().clone(), pki.intermediate.der().clone()];
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .unwrap();
    let config = Arc::new(config);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let proxy = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for socket in listener.incoming() {
            let (config, pages) = (config.clone(), pages.clone());
            // A client that refuses the certificate goes away, which is no error of the host's.
            std::thread::spawn(move || drop(serve(socket.unwrap(), config, &pages)));
        }
    });
    let aws = std::fs::read_to_string(&work.environment["SSL_CERT_FILE"]).unwrap();
    let ca = work.write("ca.pem", pki.root.pem() + &aws);
    let environment = &mut work.environment;
    environment.insert("SSL_CERT_FILE", ca.to_str().unwrap().to_owned());
    environment.insert("HTTPS_PROXY", proxy);
}

fn serve(
    mut socket: TcpStream,
    config: Arc<ServerConfig>,
    pages: &HashMap<&str, Page>,
) -> std::io::Result<()> {
    let connect = head(&mut socket.try_clone()?)?;
    if !connect.starts_with(&format!("CONNECT {NAME}:443 ")) {
        return pass_on(&connect, socket);
    }
    socket.write_all(b"HTTP/1.1 200 OK\r\n\r\n")?;
    let session = ServerConnection::new(config).map_err(std::io::Error::other)?;
    let mut stream = StreamOwned::new(session, socket);
    let request = head(&mut stream)?;
    let path = request.split(' ').nth(1).unwrap_or_default();
    let page = pages.get(path).cloned().unwrap_or(Page {
        head: "HTTP/1.1 404 Not Found".to_owned(),
        body: String::new(),
        delay: Duration::ZERO,
        send: None,
    });
    std::thread::sleep(page.delay);
    if let Some(send) = page.send {
        write!(stream, "{}\r\n", page.head)?;
        return send(&mut stream);
    }
    let length = page.body.len();
    write!(
        stream,
        "{}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{}",
        page.head, page.body
    )?;
    stream.flush()
}

/// Other names are AWS's.
fn pass_on(connect: &str, socket: TcpStream) -> std::io::Result<()> {
    let mut aws = TcpStream::connect(Tenant::proxy().strip_prefix("http://").unwrap())?;
    aws.write_all(connect.as_bytes())?;
    let (mut from, mut to) = (socket.try_clone()?, aws.try_clone()?);
    std::thread::spawn(move || std::io::copy(&mut from, &mut to));
    std::io::copy(&mut aws, &mut &socket)?;
    socket.shutdown(std::net::Shutdown::Both)
}

/// A request's head, read byte by byte: what follows it is somebody else's.
fn head(stream: &mut impl Read) -> std::io::Result<String> {
    let mut reader = BufReader::with_capacity(1, stream);
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if reader.read_line(&mut head)? == 0 {
            break;
        }
    }
    Ok(head)
}
