"""IAM OIDC providers, in place of moto's, which lack half of the operations
and most of the rules (IAM API Reference, CreateOpenIDConnectProvider).
"""

import datetime
import threading
from dataclasses import dataclass, field
from urllib.parse import urlsplit
from xml.sax.saxutils import escape

import issuer
from answer import AwsError, element, members, query_answer

MAX_PROVIDERS, MAX_CLIENTS, MAX_THUMBPRINTS, MAX_TAGS = 100, 100, 5, 50
_lock = threading.Lock()


def now():
    return datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


@dataclass
class Provider:
    account: str
    url: str
    clients: list
    thumbprints: list
    tags: dict
    created: str = field(default_factory=now)


# By ARN.
providers = {}


def for_issuer(issuer_url, account, partition):
    """The (arn, provider) of a token's `iss`, compared character by character."""
    arn = _arn(issuer_url.removeprefix("https://"), account, partition)
    provider = providers.get(arn)
    if provider is None or provider.url != issuer_url:
        return arn, None
    return arn, provider


def _arn(host_path, account, partition):
    return f"arn:{partition}:iam::{account}:oidc-provider/{host_path}"


def _list(request, name):
    values = []
    while (value := request.params.get(f"{name}.member.{len(values) + 1}")) is not None:
        values.append(value)
    return values


def _tags(request):
    tags = {}
    for index in range(1, len(request.params) + 1):
        if (key := request.params.get(f"Tags.member.{index}.Key")) is None:
            break
        tags[key] = request.params.get(f"Tags.member.{index}.Value", "")
    if len(tags) > MAX_TAGS:
        raise _constraint("tags", f"less than or equal to {MAX_TAGS}")
    return tags


def _constraint(name, bound):
    return AwsError(400, "ValidationError", f"1 validation error detected: Value at '{name}' failed "
                    f"to satisfy constraint: Member must have length {bound}")


def _invalid(message):
    return AwsError(400, "InvalidInput", message)


def _find(request):
    arn = request.params.get("OpenIDConnectProviderArn", "")
    provider = providers.get(arn)
    if provider is None or provider.account != request.account:
        raise AwsError(404, "NoSuchEntity", f"OpenIDConnect Provider not found for arn {arn}")
    return provider


def _check_url(text):
    if len(text) > 255:
        raise _constraint("url", "less than or equal to 255")
    url = urlsplit(text)
    if "?" in text or "#" in text:
        raise _invalid("Unknown")
    if not text.startswith("https://") or not url.hostname or "@" in url.netloc:
        raise _invalid("Invalid Open ID Connect Provider URL")
    return url._replace(netloc=url.netloc.removesuffix(":443")).geturl()


def _check_thumbprints(thumbprints):
    if len(thumbprints) > MAX_THUMBPRINTS:
        raise _invalid("Thumbprint list must contain fewer than 5 entries.")
    for thumbprint in thumbprints:
        if len(thumbprint) != 40:
            bound = "less than or equal" if len(thumbprint) > 40 else "greater than or equal"
            raise _constraint("thumbprintList", f"{bound} to 40")
    return [thumbprint.lower() for thumbprint in thumbprints]


def _check_clients(clients):
    clients = list(dict.fromkeys(clients))
    for client in clients:
        if not 1 <= len(client) <= 255:
            raise _constraint("clientID", "between 1 and 255")
    if len(clients) > MAX_CLIENTS:
        raise AwsError(409, "LimitExceeded", "Cannot exceed quota for "
                       f"ClientIdsPerOpenIdConnectProvider: {MAX_CLIENTS}")
    return clients


def create(request, issuers):
    url = _check_url(request.params.get("Url", ""))
    thumbprints = _check_thumbprints(_list(request, "ThumbprintList"))
    clients = _check_clients(_list(request, "ClientIDList"))
    tags = _tags(request)
    arn = _arn(url.removeprefix("https://"), request.account, request.partition)
    if arn not in providers and not thumbprints:
        try:
            thumbprints = [issuers.thumbprint(url)]
        except (issuer.Unreachable, issuer.Unusable):
            raise AwsError(400, "OpenIdIdpCommunicationError", "IAM cannot connect to the "
                           f"OpenID Connect identity provider URL {url}") from None
    with _lock:
        if arn in providers:
            raise AwsError(409, "EntityAlreadyExists", f"Provider with url {url} already exists.")
        if sum(each.account == request.account for each in providers.values()) >= MAX_PROVIDERS:
            raise AwsError(409, "LimitExceeded", "Cannot exceed quota for "
                           f"OpenIdConnectProvidersPerAccount: {MAX_PROVIDERS}")
        providers[arn] = Provider(request.account, url, clients, thumbprints, tags)
    return query_answer(request, element("OpenIDConnectProviderArn", arn) + _render_tags(tags))


def get(request, _issuers):
    provider = _find(request)
    return query_answer(request, "".join((
        element("Url", provider.url.removeprefix("https://")),
        element("CreateDate", provider.created),
        members("ClientIDList", map(escape, provider.clients)),
        members("ThumbprintList", provider.thumbprints),
        _render_tags(provider.tags),
    )))


def _render_tags(tags):
    return members("Tags", [element("Key", key) + element("Value", value)
                            for key, value in tags.items()])


def list_all(request, _issuers):
    arns = [arn for arn, provider in providers.items() if provider.account == request.account]
    return query_answer(request, members(
        "OpenIDConnectProviderList", [element("Arn", arn) for arn in arns]))


def update_thumbprint(request, _issuers):
    provider = _find(request)
    thumbprints = _check_thumbprints(_list(request, "ThumbprintList"))
    if not thumbprints:
        raise _invalid("Thumbprint list must contain at least one entry.")
    provider.thumbprints = thumbprints
    return query_answer(request)


def add_client(request, _issuers):
    provider = _find(request)
    provider.clients = _check_clients([*provider.clients, request.params.get("ClientID", "")])
    return query_answer(request)


def remove_client(request, _issuers):
    provider = _find(request)
    provider.clients = [each for each in provider.clients if each != request.params.get("ClientID")]
    return query_answer(request)


def tag(request, _issuers):
    provider = _find(request)
    tags = {**provider.tags, **_tags(request)}
    if len(tags) > MAX_TAGS:
        raise AwsError(409, "LimitExceeded", "The number of tags has reached the maximum limit.")
    provider.tags = tags
    return query_answer(request)


def untag(request, _issuers):
    provider = _find(request)
    for key in _list(request, "TagKeys"):
        provider.tags.pop(key, None)
    return query_answer(request)


def list_tags(request, _issuers):
    provider = _find(request)
    return query_answer(request, _render_tags(provider.tags) + element("IsTruncated", "false"))


def delete(request, _issuers):
    _find(request)
    del providers[request.params["OpenIDConnectProviderArn"]]
    return query_answer(request)


OPERATIONS = {
    "CreateOpenIDConnectProvider": create,
    "GetOpenIDConnectProvider": get,
    "ListOpenIDConnectProviders": list_all,
    "UpdateOpenIDConnectProviderThumbprint": update_thumbprint,
    "AddClientIDToOpenIDConnectProvider": add_client,
    "RemoveClientIDFromOpenIDConnectProvider": remove_client,
    "TagOpenIDConnectProvider": tag,
    "UntagOpenIDConnectProvider": untag,
    "ListOpenIDConnectProviderTags": list_tags,
    "DeleteOpenIDConnectProvider": delete,
}
