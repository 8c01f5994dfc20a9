"""A root, an intermediate, and leaves minted for the names that clients ask for.

Servers present leaf and intermediate; the root is only in ca.pem, for
SSL_CERT_FILE, AWS_CA_BUNDLE and NODE_EXTRA_CA_CERTS.
"""

import datetime
import ssl
import threading

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from request import DOMAIN, HOSTS

DAY = datetime.timedelta(days=1)


def _name(common_name):
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def _sign(subject, key, issuer, issuer_key, *, authority, names=()):
    now = datetime.datetime.now(datetime.UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(_name(subject))
        .issuer_name(_name(issuer))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - DAY)
        .not_valid_after(now + 90 * DAY)
        .add_extension(x509.BasicConstraints(authority, None), True)
        .add_extension(
            x509.KeyUsage(not authority, False, False, False, False, authority, authority, False, False),
            True,
        )
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key()), False)
    )
    if names:
        builder = builder.add_extension(
            x509.SubjectAlternativeName([x509.DNSName(name) for name in names]), False
        ).add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), False)
    return builder.sign(issuer_key, hashes.SHA256())


def _pem(certificate):
    return certificate.public_bytes(serialization.Encoding.PEM)


def names_for(host):
    """S3 has one wildcard label for buckets, so a dotted bucket does not match
    (S3 User Guide, "Virtual hosting of general purpose buckets")."""
    match = HOSTS[1][1].fullmatch(host)
    if match and match["bucket"]:
        service = host[len(match["bucket"]) + 1:]
        return f"*.{service}", service
    return (host,)


class Certificates:
    ROOT, INTERMEDIATE = "Local AWS Root CA", "Local AWS Intermediate CA"

    def __init__(self, directory):
        self.directory = directory
        self.contexts, self.lock = {}, threading.Lock()
        root_key, self.issuer_key, self.leaf_key = (
            ec.generate_private_key(ec.SECP256R1()) for _ in range(3))
        root = _sign(self.ROOT, root_key, self.ROOT, root_key, authority=True)
        self.intermediate = _sign(
            self.INTERMEDIATE, self.issuer_key, self.ROOT, root_key, authority=True)
        self.ca = directory / "ca.pem"
        self.ca.write_bytes(_pem(root))

    def context(self, host):
        names = names_for(host)
        with self.lock:
            if names not in self.contexts:
                self.contexts[names] = self._mint(names)
            return self.contexts[names]

    def _mint(self, names):
        # The common name is left to the SAN: names may be longer than its 64 characters.
        leaf = _sign("Local AWS", self.leaf_key, self.INTERMEDIATE, self.issuer_key,
                     authority=False, names=names)
        path = self.directory / "leaf.pem"
        path.write_bytes(
            self.leaf_key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
            + _pem(leaf)
            + _pem(self.intermediate)
        )
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(path)
        path.unlink()
        context.set_alpn_protocols(["http/1.1"])
        context.sni_callback = self._on_sni
        return context

    def _on_sni(self, connection, name, _context):
        if name and DOMAIN.fullmatch(name.lower()):
            connection.context = self.context(name.lower())
        elif name:
            return ssl.ALERT_DESCRIPTION_UNRECOGNIZED_NAME
        return None
