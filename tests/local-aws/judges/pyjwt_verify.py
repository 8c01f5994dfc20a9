"""Verifies a token with PyJWT alone: discovery from the issuer URL, then JWKS.

HTTPS_PROXY and SSL_CERT_FILE are honoured. Prints the claims; exit 1 on failure.
"""

import json
import pathlib
import ssl
import sys
import urllib.request

import jwt


def main(issuer, token_file, audience):
    token = pathlib.Path(token_file).read_text().strip()
    context = ssl.create_default_context()
    with urllib.request.urlopen(
        f"{issuer}/.well-known/openid-configuration", context=context, timeout=10
    ) as response:
        discovery = json.load(response)
    if discovery["issuer"] != issuer:
        raise ValueError(f"discovery names another issuer: {discovery['issuer']}")
    client = jwt.PyJWKClient(discovery["jwks_uri"], ssl_context=context, timeout=10)
    claims = jwt.decode(
        token,
        client.get_signing_key_from_jwt(token),
        algorithms=discovery["id_token_signing_alg_values_supported"],
        audience=audience,
        issuer=issuer,
        options={"require": ["exp", "iat", "iss", "aud", "sub"]},
    )
    print(json.dumps(claims))


if __name__ == "__main__":
    try:
        main(*sys.argv[1:])
    except Exception as error:
        sys.exit(f"{type(error).__name__}: {error}")
