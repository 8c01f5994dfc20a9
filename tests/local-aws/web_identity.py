"""The checks of a web identity token, in the words of STS."""

import base64
import binascii
import json
import time

import jwt

import issuer
import providers
from answer import AwsError

ALGORITHMS = ("RS256", "RS384", "RS512", "ES256", "ES384", "ES512")
LEEWAY = 300
MAX_KEYS = 100
NOT_A_JWT = "The ID Token provided is not a valid JWT. (You may see this error if you sent an Access Token)"
NOT_VALIDATED = ("The web identity token provided could not be validated. See the "
                 "AssumeRoleWithWebIdentity documentation for requirements.")
# The two spaces are AWS's.
NO_KEY = ("Couldn't retrieve verification key from your identity provider,  please reference "
          "AssumeRoleWithWebIdentity documentation for requirements")


def invalid(message):
    return AwsError(400, "InvalidIdentityToken", message)


def verify(token, account, partition, issuers):
    """The (provider ARN, subject, audience) of a token that STS would take."""
    header, claims = _decode(token)
    for name in ("iss", "sub", "aud", "iat", "exp"):
        if name not in claims:
            raise invalid(f"Missing a required claim: {name}")
    arn, provider = providers.for_issuer(str(claims["iss"]), account, partition)
    if provider is None:
        raise invalid(f"No OpenIDConnect provider found in your account for {claims['iss']}")
    audience = _audience(claims)
    _check_times(claims)
    if audience not in provider.clients or header.get("alg") not in ALGORITHMS:
        raise invalid(NOT_VALIDATED)
    _check_signature(token, header, _key(header, provider.url, issuers))
    return arn, str(claims["sub"]), audience


def _decode(token):
    try:
        header, claims, _ = (
            base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)) for part in token.split("."))
        header, claims = json.loads(header), json.loads(claims)
    except (ValueError, binascii.Error):
        raise invalid(NOT_A_JWT) from None
    if not isinstance(header, dict) or not isinstance(claims, dict):
        raise invalid(NOT_A_JWT)
    return header, claims


def _audience(claims):
    audience = claims["aud"] if isinstance(claims["aud"], list) else [claims["aud"]]
    if not audience:
        raise invalid("Claim is not allowed to be empty: aud")
    if claims.get("azp"):
        return str(claims["azp"])
    if len(audience) > 1:
        raise invalid("Token audience contains more than one audience while authorized party is not present")
    return str(audience[0])


def _check_times(claims):
    now, times = int(time.time()), {}
    for name in ("exp", "nbf", "iat"):
        if name in claims:
            text = str(claims[name])
            if not text.isdigit():
                raise invalid("Invalid timestamp in token claims.")
            times[name] = int(text)
    if now >= times["exp"] + LEEWAY:
        raise AwsError(400, "ExpiredTokenException", f"Token expired: current date/time {now} must be "
                       f"before the expiration date/time {times['exp']}")
    for name in ("nbf", "iat"):
        if times.get(name, 0) > now + LEEWAY:
            raise invalid(f"Token not yet valid: current date/time {now} must be after or equal to "
                          f"the not-before date/time {times[name]}")


def _key(header, url, issuers):
    try:
        keys = issuers.keys(url)
    except issuer.Unreachable:
        raise AwsError(400, "IDPCommunicationError", "The identity provider that was asked to verify "
                       "the incoming identity token could not be reached.") from None
    except issuer.Unusable:
        raise invalid(NO_KEY) from None
    kinds = {"RS": "RSA", "ES": "EC"}
    usable = [key for key in keys if key.get("kty") == kinds[header["alg"][:2]]]
    indexed = {key["kid"]: key for key in keys if "kid" in key}
    if "kid" in header:
        key = indexed.get(header["kid"])
    else:
        key = next(iter(indexed.values())) if len(indexed) == 1 else None
    if key is None or len(usable) > MAX_KEYS:
        raise invalid(NO_KEY)
    return key


def _check_signature(token, header, key):
    try:
        if key.get("use", "sig") != "sig" or "key_ops" in key:
            raise jwt.PyJWTError("not a key for signatures")
        algorithm = header["alg"]
        jwt.PyJWS().decode(token, jwt.PyJWK(key, algorithm).key, algorithms=[algorithm])
    except (jwt.PyJWTError, ValueError, TypeError):
        raise invalid(NOT_VALIDATED) from None
