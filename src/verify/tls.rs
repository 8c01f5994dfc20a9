//! Checks of the issuer's certificate.

use crate::verify::report::{Check, Outcome};

/// Two weeks are too late to notice.
const SOON: u64 = 30 * 24 * 3600;

/// The chain has verified for the host, or not, for this reason.
pub fn chain(host: &str, verified: Result<(), &str>) -> Check {
    let actual = verified.err().unwrap_or("verified");
    Check::new("TLS", host, verified.is_ok(), "a chain that verifies for the host's name", actual).hint(
        "STS reads documents over such a connection only when the thumbprint of its chain is in the provider; SSL_CERT_FILE names a private CA here",
    )
}

/// Until when the leaf is good; times are seconds since 1970.
pub fn expiry(host: &str, not_after: u64, not_after_text: &str, now: u64) -> Check {
    let mut check = Check::new(
        "TLS expiry",
        host,
        not_after > now,
        "in the future",
        not_after_text,
    );
    if check.outcome == Outcome::Pass && not_after < now.saturating_add(SOON) {
        check.outcome = Outcome::Warn;
        check = check.hint("it expires within 30 days: see to its renewal");
    }
    check
}
