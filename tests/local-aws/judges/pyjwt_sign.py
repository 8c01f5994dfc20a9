"""Signs a service account token as kube-apiserver does, with PyJWT.

Arguments: private key file (PEM), kid, issuer, audience, subject.
"""

import pathlib
import sys
import time
import uuid

import jwt


def main(key_file, kid, issuer, audience, subject):
    now = int(time.time())
    _, _, namespace, name = subject.split(":")
    claims = {
        "aud": [audience],
        "exp": now + 600,
        "iat": now,
        "iss": issuer,
        "jti": str(uuid.uuid4()),
        "kubernetes.io": {
            "namespace": namespace,
            "serviceaccount": {"name": name, "uid": str(uuid.uuid4())},
        },
        "nbf": now,
        "sub": subject,
    }
    key = pathlib.Path(key_file).read_text()
    # kube-apiserver writes no `typ`.
    print(jwt.encode(claims, key, algorithm="RS256", headers={"kid": kid, "typ": None}))


if __name__ == "__main__":
    main(*sys.argv[1:])
