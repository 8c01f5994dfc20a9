"""What kube-apiserver makes of its --service-account-… flags: the two documents and the tokens.

The flags are read at each use, from a file as `irsactl flags` prints it. Before it is there, the cluster is as
kubeadm makes it: a key of its own, and the issuer https://kubernetes.default.svc.cluster.local. RSA only.
"""

import base64
import hashlib
import json
import pathlib
import re
import shlex
import time
import uuid

import jwt
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from objects import Refusal

NODE_DIR = "/etc/kubernetes/pki/irsa/"
OWN_KEY, OWN_PUBLIC_KEY = "/etc/kubernetes/pki/sa.key", "/etc/kubernetes/pki/sa.pub"
DEFAULTS = {
    "service-account-issuer": ["https://kubernetes.default.svc.cluster.local"],
    "service-account-signing-key-file": [OWN_KEY],
    "service-account-key-file": [OWN_PUBLIC_KEY],
}
PEM = re.compile(rb"-----BEGIN ([A-Z0-9 ]+)-----.*?-----END \1-----", re.DOTALL)


class Issuer:
    def __init__(self, flags_file, node_dir):
        self.flags_file, self.node_dir, self.port = flags_file, node_dir, None
        self.own_key = rsa.generate_private_key(65537, 2048)

    def discovery(self):
        flags = self._flags()
        issuer = flags["service-account-issuer"][0]
        if not issuer.startswith("https://") or "?" in issuer or "#" in issuer:
            raise Refusal(404, "NotFound", "404 page not found")  # kube-apiserver says why in its log alone
        jwks_uri = flags.get("service-account-jwks-uri", [f"https://127.0.0.1:{self.port}/openid/v1/jwks"])[
            -1
        ]
        document = {"issuer": issuer, "jwks_uri": jwks_uri, "response_types_supported": ["id_token"]}
        return document | {
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["RS256"],
        }

    def jwks(self):
        self.discovery()
        flags = self._flags()
        return {
            "keys": [
                jwk(key) for path in flags["service-account-key-file"] for key in self._public_keys(path)
            ]
        }

    def token(self, service_account, audiences=None, seconds=3600, pod=None):
        """The token and when it ends; a token that names a pod is what the kubelet asks for."""
        if seconds < 600:
            text = "may not specify a duration less than 10 minutes"
            raise Refusal(422, "Invalid", f"spec.expirationSeconds: Invalid value: {seconds}: {text}")
        flags, metadata, start = self._flags(), service_account["metadata"], int(time.time())
        for name in flags.get("api-audiences", ()) if not audiences else ():
            audiences = [*(audiences or ()), *name.split(",")]
        bound = {"namespace": metadata["namespace"]}
        for kind, one in (("pod", pod), ("serviceaccount", service_account)):
            if one:
                bound[kind] = {"name": one["metadata"]["name"], "uid": one["metadata"]["uid"]}
        claims = {
            "aud": audiences or flags["service-account-issuer"],
            "exp": start + seconds,
            "iat": start,
            "iss": flags["service-account-issuer"][0],
            "jti": str(uuid.uuid4()),
            "kubernetes.io": bound,
            "nbf": start,
            "sub": f"system:serviceaccount:{metadata['namespace']}:{metadata['name']}",
        }
        path = flags["service-account-signing-key-file"][-1]
        key = next((private_key(pem) for kind, pem in self._pems(path) if kind.endswith("PRIVATE KEY")), None)
        if not isinstance(key, rsa.RSAPrivateKey):
            raise Refusal(
                503, "ServiceUnavailable", f"kube-apiserver does not start: no RSA private key in {path}"
            )
        headers = {"kid": jwk(key.public_key())["kid"], "typ": None}
        return jwt.encode(claims, key, "RS256", headers), start + seconds

    def _flags(self):
        try:
            text = pathlib.Path(self.flags_file).read_text()
        except FileNotFoundError:
            return DEFAULTS
        flags = {}
        for word in shlex.split(text, comments=True):
            name, equals, value = word.removeprefix("--").partition("=")
            if not word.startswith("--") or not equals:
                raise Refusal(
                    503, "ServiceUnavailable", f"kube-apiserver does not start: {word!r} is no --name=value"
                )
            if name == "service-account-issuer" and value in flags.get(name, ()):
                raise Refusal(
                    503,
                    "ServiceUnavailable",
                    f'kube-apiserver does not start: {name} "{value}" is already specified',
                )
            flags.setdefault(name, []).append(value)
        return DEFAULTS | flags

    def _pems(self, path):
        if path in (OWN_KEY, OWN_PUBLIC_KEY):
            text = self.own_key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
        else:
            local = (
                pathlib.Path(self.node_dir, path[len(NODE_DIR) :])
                if path.startswith(NODE_DIR)
                else pathlib.Path(path)
            )
            try:
                text = local.read_bytes()
            except OSError:
                raise Refusal(
                    503, "ServiceUnavailable", f"kube-apiserver does not start: open {path}: no such file"
                ) from None
        return [(found.group(1).decode(), found.group()) for found in PEM.finditer(text)]

    def _public_keys(self, path):
        for kind, pem in self._pems(path):
            if kind.endswith("PRIVATE KEY"):
                yield private_key(pem).public_key()
            elif kind == "CERTIFICATE":
                yield x509.load_pem_x509_certificate(pem).public_key()
            elif kind == "PUBLIC KEY":
                yield serialization.load_pem_public_key(pem)


def private_key(pem):
    return serialization.load_pem_private_key(pem, None)


def base64url(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def jwk(key):
    spki = key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    n, e = (
        base64url(number.to_bytes((number.bit_length() + 7) // 8))
        for number in (key.public_numbers().n, key.public_numbers().e)
    )
    return {
        "use": "sig",
        "kty": "RSA",
        "kid": base64url(hashlib.sha256(spki).digest()),
        "alg": "RS256",
        "n": n,
        "e": e,
    }


def compact(document):
    return json.dumps(document, separators=(",", ":")).encode()
