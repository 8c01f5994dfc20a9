//! The certificates that this machine trusts: the operating system's, or those of SSL_CERT_FILE and
//! SSL_CERT_DIR; where it has none at all, as in an empty container, Mozilla's, which are built in.

use std::sync::Once;

use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use x509_cert::der::pem::{LineEnding, encode_string};

use crate::error::{Error, Result};
use crate::output;

/// Whose list it is: a crate does not say its own version.
const BUILT_IN: &str = "webpki-root-certs 1.0.11";

/// What servers' certificates are verified against; never empty.
#[derive(Debug)]
pub struct Roots {
    store: RootCertStore,
    built_in: bool,
}

impl Roots {
    /// For our own connections.
    pub fn store(self) -> RootCertStore {
        self.store
    }

    /// The built-in ones as PEM, when they are used: the AWS SDK, which looks for the machine's own as we
    /// do, must be given them.
    pub fn built_in_pem(&self) -> Option<String> {
        let certificates = webpki_root_certs::TLS_SERVER_ROOT_CERTS.iter();
        let pem = certificates.flat_map(|der| encode_string("CERTIFICATE", LineEnding::LF, der));
        self.built_in.then(|| pem.collect())
    }
}

/// All of them; an error when none can be used. The AWS SDK panics then: this is asked before it is started.
pub fn load() -> Result<Roots> {
    let loaded = rustls_native_certs::load_native_certs();
    let named = ["SSL_CERT_FILE", "SSL_CERT_DIR"]
        .into_iter()
        .any(|name| std::env::var_os(name).is_some());
    // What somebody chose to trust, and cannot be read, is not replaced by what Mozilla trusts.
    let built_in = loaded.certs.is_empty() && loaded.errors.is_empty() && !named;
    let certificates: Vec<CertificateDer<'_>> = if built_in {
        webpki_root_certs::TLS_SERVER_ROOT_CERTS.to_vec()
    } else {
        loaded.certs
    };
    let mut store = RootCertStore::empty();
    let (added, _) = store.add_parsable_certificates(certificates);
    if added > 0 {
        if built_in {
            say_built_in();
        }
        return Ok(Roots { store, built_in });
    }
    let error =
        Error::failed("cannot verify TLS certificates: this machine has no root certificates");
    let error = loaded
        .errors
        .iter()
        .fold(error, |error, cause| error.because(cause));
    Err(error.hint("install them (Debian: apt-get install ca-certificates), or name a bundle with SSL_CERT_FILE"))
}

fn say_built_in() {
    static SAID: Once = Once::new();
    SAID.call_once(|| {
        output::say(format_args!(
            "note: no CA certificates on this machine: using Mozilla's, built in ({BUILT_IN})"
        ));
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_built_in_roots_are_those_of_the_lock_file() {
        let lock = include_str!("../../Cargo.lock");
        let (name, version) = BUILT_IN.split_once(' ').unwrap();
        assert!(lock.contains(&format!("name = \"{name}\"\nversion = \"{version}\"\n")));
    }

    /// Both lists, ours and the SDK's, have the roots of Amazon's certificates.
    #[test]
    fn the_built_in_roots_verify_aws() {
        let mut store = RootCertStore::empty();
        let all = webpki_root_certs::TLS_SERVER_ROOT_CERTS;
        assert_eq!(
            store.add_parsable_certificates(all.to_vec()),
            (all.len(), 0)
        );
        let built_in = true;
        let pem = Roots { store, built_in }.built_in_pem().unwrap();
        assert_eq!(pem.matches("BEGIN CERTIFICATE").count(), all.len());
        let named = |name: &[u8]| {
            all.iter()
                .any(|der| der.windows(name.len()).any(|at| at == name))
        };
        assert!(
            named(b"Amazon Root CA 1")
                && named(b"Starfield Services Root Certificate Authority - G2")
        );
    }
}
