//! The certificates that this machine trusts: the operating system's, or those of SSL_CERT_FILE and
//! SSL_CERT_DIR.

use rustls::RootCertStore;

use crate::error::{Error, Result};

/// All of them; an error when there is none. The AWS SDK, which loads the same, panics then: it is
/// asked before it is started.
pub fn load() -> Result<RootCertStore> {
    let loaded = rustls_native_certs::load_native_certs();
    let mut roots = RootCertStore::empty();
    let (added, _) = roots.add_parsable_certificates(loaded.certs);
    if added > 0 {
        return Ok(roots);
    }
    let error =
        Error::failed("cannot verify TLS certificates: this machine has no root certificates");
    let error = loaded
        .errors
        .iter()
        .fold(error, |error, cause| error.because(cause));
    Err(error.hint("install them (Debian: apt-get install ca-certificates), or name a bundle with SSL_CERT_FILE"))
}
