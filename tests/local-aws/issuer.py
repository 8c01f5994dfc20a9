"""How AWS itself reaches an issuer: over verified TLS, through the same proxy
as everybody else, within five seconds.
"""

import hashlib
import http.client
import json
import ssl
import time
from urllib.parse import urlsplit

SECONDS = 5


class Unreachable(Exception):
    """No connection could be made."""


class Unusable(Exception):
    """The host answered with something else than the document."""


class IssuerClient:
    def __init__(self, proxy_port, ca):
        self.proxy_port = proxy_port
        self.context = ssl.create_default_context(cafile=ca)

    def keys(self, issuer):
        """The JWKs that the issuer's discovery document points to."""
        deadline = time.monotonic() + SECONDS
        discovery = self._json(f"{issuer}/.well-known/openid-configuration", deadline)
        jwks_uri = discovery.get("jwks_uri")
        if not isinstance(jwks_uri, str) or not jwks_uri.startswith("https://"):
            raise Unusable("no https jwks_uri")
        keys = self._json(jwks_uri, deadline).get("keys")
        if not isinstance(keys, list):
            raise Unusable("no keys")
        return [key for key in keys if isinstance(key, dict)]

    def thumbprint(self, issuer):
        """SHA-1 of the last certificate that the issuer's host presents."""
        connection = self._connect(urlsplit(issuer), time.monotonic() + SECONDS)
        try:
            chain = connection.sock._sslobj.get_unverified_chain()
        finally:
            connection.close()
        der = ssl.PEM_cert_to_DER_cert(chain[-1].public_bytes())
        return hashlib.sha1(der).hexdigest()

    def _connect(self, url, deadline):
        timeout = max(deadline - time.monotonic(), 0.001)
        connection = http.client.HTTPSConnection(
            "127.0.0.1", self.proxy_port, timeout=timeout, context=self.context)
        connection.set_tunnel(url.hostname, url.port or 443)
        try:
            connection.connect()
        except ssl.SSLError as error:
            raise Unusable(str(error)) from error
        except OSError as error:
            raise Unreachable(str(error)) from error
        return connection

    def _json(self, url, deadline):
        url = urlsplit(url)
        connection = self._connect(url, deadline)
        try:
            path = url.path + (f"?{url.query}" if url.query else "")
            connection.request("GET", path or "/", headers={"User-Agent": "app/aws-sts"})
            response = connection.getresponse()
            body = response.read()
            document = json.loads(body) if response.status == 200 else None
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise Unusable(str(error)) from error
        finally:
            connection.close()
        if not isinstance(document, dict):
            raise Unusable(f"{response.status} from {url.geturl()}")
        return document
