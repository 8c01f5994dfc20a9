//! HTTP by hand: one exchange, a form's field, a port to serve on.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicU16, Ordering};

/// One HTTP exchange with a server on this machine.
pub(crate) fn exchange(
    address: &str,
    method: &str,
    target: &str,
    headers: &str,
    body: &str,
) -> (u16, String) {
    let headers = match headers.is_empty() || headers.ends_with("\r\n") {
        true => headers.to_owned(),
        false => format!("{headers}\r\n"),
    };
    let request = format!(
        "{method} {target} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\nContent-Length: {}\r\n{headers}\r\n{body}",
        body.len()
    );
    let mut stream = TcpStream::connect(address).unwrap();
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (
        head.split(' ').nth(1).unwrap().parse().unwrap(),
        body.to_owned(),
    )
}

/// Text as it goes into a form's field.
pub(crate) fn encoded(text: &str) -> String {
    text.bytes().map(|b| format!("%{b:02X}")).collect()
}

/// Below Linux's ephemeral range (32768): a port asked for as 0 and let go is soon given to another
/// test's connection, before the server has started.
pub(crate) fn free_port() -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(20_000);
    loop {
        let port = NEXT.fetch_add(1, Ordering::Relaxed);
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
}
