"""Kubernetes' protobuf, which kubectl 1.32 and newer send for `create token`, `create namespace` and the like: just
the fields that these set (k8s.io/api/*/v1/generated.proto). What is not here is refused, never dropped. Answers are
JSON, which kubectl takes too.
"""

import base64

PAIRS = {1: ("key", str), 2: ("value", str)}
METADATA = {
    1: ("name", str),
    2: ("generateName", str),
    3: ("namespace", str),
    11: ("labels", PAIRS),
    12: ("annotations", PAIRS),
}
SUBJECT = {1: ("kind", str), 2: ("apiGroup", str), 3: ("name", str), 4: ("namespace", str)}
ROLE_REF = {1: ("apiGroup", str), 2: ("kind", str), 3: ("name", str)}
BINDING = {1: ("metadata", METADATA), 2: ("subjects", [SUBJECT]), 3: ("roleRef", ROLE_REF)}
SECRET_PAIRS = {1: ("key", str), 2: ("value", bytes)}
MESSAGES = {
    "Namespace": {1: ("metadata", METADATA)},
    "ServiceAccount": {1: ("metadata", METADATA)},
    "ConfigMap": {1: ("metadata", METADATA), 2: ("data", PAIRS)},
    "Secret": {1: ("metadata", METADATA), 2: ("data", SECRET_PAIRS), 3: ("type", str)},
    "ClusterRoleBinding": BINDING,
    "RoleBinding": BINDING,
    "TokenRequest": {
        1: ("metadata", METADATA),
        2: ("spec", {1: ("audiences", [str]), 4: ("expirationSeconds", int)}),
    },
}
UNKNOWN = {1: ("typeMeta", {1: ("apiVersion", str), 2: ("kind", str)}), 2: ("raw", memoryview)}


def decoded(body):
    if not body.startswith(b"k8s\0"):
        raise ValueError("no protobuf of Kubernetes")
    envelope = message(memoryview(body)[4:], UNKNOWN)
    kind = envelope["typeMeta"]["kind"]
    if kind not in MESSAGES:
        raise ValueError(
            f"no {kind} as protobuf: use kubectl create … --dry-run=client -o yaml | kubectl apply -f -"
        )
    return envelope["typeMeta"] | message(envelope["raw"], MESSAGES[kind])


def message(data, fields):
    found = {}
    for number, value in wire(data):
        name, kind = fields.get(number, (None, None))
        if kind in (PAIRS, SECRET_PAIRS):
            pair = message(value, kind)
            found.setdefault(name, {})[pair["key"]] = pair.get("value", "")
        elif isinstance(kind, list):
            found.setdefault(name, []).append(scalar(value, kind[0]))
        elif name:
            found[name] = scalar(value, kind)
        elif not empty(value):
            raise ValueError(f"field {number} is not known as protobuf")
    return {name: value for name, value in found.items() if value != ""}


def scalar(value, kind):
    if isinstance(kind, dict):
        return message(value, kind)
    if kind is bytes:
        return base64.b64encode(value).decode()
    return str(value, "utf-8") if kind is str else value


def empty(value):
    """Go writes empty structs and zeros too, such as status and creationTimestamp."""
    try:
        return value == 0 if isinstance(value, int) else all(empty(part) for _, part in wire(value))
    except ValueError:
        return False


def wire(data):
    while data:
        tag, data = varint(data)
        value, data = varint(data)
        if tag & 7 == 2:
            value, data = data[:value], data[value:]
        elif tag & 7:
            raise ValueError(f"wire type {tag & 7} is not known")
        yield tag >> 3, value


def varint(data):
    number = 0
    for place, byte in enumerate(data):
        number |= (byte & 127) << (7 * place)
        if byte < 128:
            return number, data[place + 1 :]
    raise ValueError("the protobuf ends too early")
