"""cert-manager, as far as the webhook's manifests need it: an Issuer that is selfSigned or has a CA, Certificates
with EC keys, and the caBundle where cert-manager.io/inject-ca-from asks for it. It issues once, never renews.
"""

import base64
import datetime

import kinds
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

INJECT = "cert-manager.io/inject-ca-from"
USAGES = [
    "digital_signature",
    "content_commitment",
    "key_encipherment",
    "data_encipherment",
    "key_agreement",
    "key_cert_sign",
    "crl_sign",
    "encipher_only",
    "decipher_only",
]


class CertManager:
    def __init__(self, store):
        self.store = store
        with store.changed:
            for kind in (kinds.CERTIFICATES, kinds.ISSUERS):
                names, schema = (
                    {"kind": kind.kind, "plural": kind.plural},
                    {"openAPIV3Schema": {"type": "object"}},
                )
                version = {"name": "v1", "served": True, "storage": True, "schema": schema}
                spec = {"group": kind.group, "scope": "Namespaced", "names": names, "versions": [version]}
                store.create(kinds.CRDS, None, {"metadata": {"name": kind.title}, "spec": spec})

    def step(self):
        for certificate in self.store.select(kinds.CERTIFICATES):
            namespace, spec = certificate["metadata"]["namespace"], certificate["spec"]
            issuer = self.store.objects.get((kinds.ISSUERS, namespace, spec["issuerRef"]["name"]))
            if issuer and (kinds.SECRETS, namespace, spec["secretName"]) not in self.store.objects:
                self._issue(namespace, spec, issuer["spec"])
        for webhooks in self.store.select(kinds.WEBHOOKS):
            namespace, _, name = webhooks["metadata"].get("annotations", {}).get(INJECT, "").partition("/")
            certificate = self.store.objects.get(
                (kinds.CERTIFICATES, namespace, name), {"spec": {"secretName": None}}
            )
            secret = self.store.objects.get((kinds.SECRETS, namespace, certificate["spec"]["secretName"]))
            if secret and any(
                webhook["clientConfig"].get("caBundle") != secret["data"]["ca.crt"]
                for webhook in webhooks["webhooks"]
            ):
                injected = {"caBundle": secret["data"]["ca.crt"]}
                every = [
                    webhook | {"clientConfig": webhook["clientConfig"] | injected}
                    for webhook in webhooks["webhooks"]
                ]
                self.store.put(kinds.WEBHOOKS, webhooks | {"webhooks": every})

    def _issue(self, namespace, spec, issuer):
        key, signer, ca = ec.generate_private_key(ec.SECP256R1()), None, None
        if "ca" in issuer:
            authority = self.store.objects.get((kinds.SECRETS, namespace, issuer["ca"]["secretName"]))
            if not authority:
                return
            ca = x509.load_pem_x509_certificate(base64.b64decode(authority["data"]["tls.crt"]))
            signer = serialization.load_pem_private_key(base64.b64decode(authority["data"]["tls.key"]), None)
        name = x509.Name(
            [x509.NameAttribute(x509.NameOID.COMMON_NAME, spec["commonName"])] if "commonName" in spec else []
        )
        start, is_ca = datetime.datetime.now(datetime.UTC), spec.get("isCA", False)
        wanted = ("key_cert_sign", "crl_sign") if is_ca else ("digital_signature",)
        builder = x509.CertificateBuilder(
            name if ca is None else ca.subject, name, key.public_key(), x509.random_serial_number()
        )
        builder = builder.not_valid_before(start).not_valid_after(
            start + datetime.timedelta(hours=int(spec["duration"].rstrip("h")))
        )
        builder = builder.add_extension(x509.BasicConstraints(is_ca, None), True)
        builder = builder.add_extension(x509.KeyUsage(**{usage: usage in wanted for usage in USAGES}), True)
        if not is_ca:
            builder = builder.add_extension(
                x509.ExtendedKeyUsage([x509.ExtendedKeyUsageOID.SERVER_AUTH]), False
            )
            names = x509.SubjectAlternativeName([x509.DNSName(dns) for dns in spec["dnsNames"]])
            builder = builder.add_extension(names, not list(name))
        signed = builder.sign(signer or key, hashes.SHA256())
        pem, form = serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL
        files = {
            "tls.crt": signed.public_bytes(pem),
            "tls.key": key.private_bytes(pem, form, serialization.NoEncryption()),
            "ca.crt": (ca or signed).public_bytes(pem),
        }
        data = {file: base64.b64encode(content).decode() for file, content in files.items()}
        secret = {"metadata": {"name": spec["secretName"]}, "type": "kubernetes.io/tls", "data": data}
        self.store.create(kinds.SECRETS, namespace, secret)
