//! A certificate authority for one webhook, and the serving certificates that it signs.
//!
//! ECDSA P-256, as cert-manager makes them in the other form. The authority stays the same when a serving
//! certificate is renewed, so that API servers need nothing new.

use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose,
};
use time::{Duration, OffsetDateTime};
use zeroize::Zeroizing;

/// The authority: nobody renews it, so it lasts.
const AUTHORITY_LIFE: Duration = Duration::days(3650);
/// A serving certificate; `webhook --renew` makes the next.
const SERVING_LIFE: Duration = Duration::days(365);
/// Clocks differ.
const EARLIER: Duration = Duration::minutes(5);

/// A key and the certificate of it, both PEM.
pub struct Pair {
    /// The certificate.
    pub certificate: String,
    /// The private key, PKCS#8.
    pub key: Zeroizing<String>,
}

/// Makes an authority; `now` is in seconds since 1970.
pub fn authority(now: i64) -> Result<Pair, rcgen::Error> {
    let key = KeyPair::generate()?;
    let mut params = authority_params();
    (params.not_before, params.not_after) = validity(now, AUTHORITY_LIFE);
    let certificate = params.self_signed(&key)?.pem();
    let key = Zeroizing::new(key.serialize_pem());
    Ok(Pair { certificate, key })
}

/// A serving certificate for one DNS name, signed by an authority of [`authority`].
pub fn serving(authority: &Pair, dns_name: &str, now: i64) -> Result<Pair, rcgen::Error> {
    let issuer = Issuer::new(authority_params(), KeyPair::from_pem(&authority.key)?);
    let key = KeyPair::generate()?;
    // No common name: it ends at 64 characters, and nobody reads it (RFC 9525 §6.3).
    let mut params = CertificateParams::new(vec![dns_name.to_owned()])?;
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    params.use_authority_key_identifier_extension = true;
    (params.not_before, params.not_after) = validity(now, SERVING_LIFE);
    let certificate = params.signed_by(&key, &issuer)?.pem();
    let key = Zeroizing::new(key.serialize_pem());
    Ok(Pair { certificate, key })
}

/// What all certificates of an authority say of it.
fn authority_params() -> CertificateParams {
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params.distinguished_name = rcgen::DistinguishedName::new();
    params
        .distinguished_name
        .push(DnType::CommonName, "irsactl pod identity webhook CA");
    params
}

fn validity(now: i64, life: Duration) -> (OffsetDateTime, OffsetDateTime) {
    // Seconds since 1970 are a time, whatever this machine's clock says.
    let now = OffsetDateTime::from_unix_timestamp(now).unwrap_or(OffsetDateTime::UNIX_EPOCH);
    (now - EARLIER, now + life)
}
