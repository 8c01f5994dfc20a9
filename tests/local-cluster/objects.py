"""The objects: validated, stored in memory, patched, watched. Each change stores a new value and is one event; the
number of events is the resourceVersion. An object is never changed in place: what was read stays as it was.
"""

import base64
import binascii
import copy
import datetime
import functools
import re
import secrets
import threading
import uuid

import kinds
import kubernetes_validate
import kubernetes_validate.utils

VERSION = "1.32"
# It reads two files, one of them large, at each validation otherwise.
kubernetes_validate.utils.schema_contents = functools.cache(kubernetes_validate.utils.schema_contents)


class Refusal(Exception):
    def __init__(self, code, reason, message):
        super().__init__(message)
        self.code = code
        self.status = {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure"}
        self.status |= {"message": message, "reason": reason, "code": code}


def invalid(resource, name, place, message):
    refusal = Refusal(422, "Invalid", f'{resource.kind} "{name}" is invalid: {place}: {message}')
    refusal.status["details"] = {"name": name, "group": resource.group, "kind": resource.kind}
    refusal.status["details"]["causes"] = [{"field": place, "message": message}]
    return refusal


def now():
    return datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def selects(selector, labels):
    """Does this LabelSelector select an object with these labels?"""
    held = {
        "In": lambda e: labels.get(e["key"]) in e["values"],
        "NotIn": lambda e: labels.get(e["key"]) not in e["values"],
        "Exists": lambda e: e["key"] in labels,
        "DoesNotExist": lambda e: e["key"] not in labels,
    }
    equal = all(labels.get(key) == value for key, value in selector.get("matchLabels", {}).items())
    return equal and all(held[e["operator"]](e) for e in selector.get("matchExpressions", []))


def labels(found):
    return found["metadata"].get("labels", {})


class Store:
    def __init__(self):
        self.changed = threading.Condition()  # held (it is re-entrant) by whoever reads or changes objects
        self.objects, self.events, self.applied, self.controllers, self.admission = {}, [], {}, [], []
        with self.changed:
            for name in ("default", "kube-system"):
                self.create(kinds.NAMESPACES, None, {"metadata": {"name": name}})

    def find(self, resource, namespace, name):
        found = self.objects.get((resource, namespace, name))
        if found is None:
            raise Refusal(404, "NotFound", f'{resource.title} "{name}" not found')
        return found

    def select(self, resource, namespace=None, wanted=lambda _: True):
        return [
            found
            for (of, inside, _), found in sorted(self.objects.items(), key=lambda entry: str(entry[0]))
            if of == resource and namespace in (None, inside) and wanted(found)
        ]

    def create(self, resource, namespace, new, dry_run=False):
        new = self._prepared(resource, namespace, new)
        metadata = new["metadata"]
        if "generateName" in metadata:
            metadata.setdefault("name", metadata["generateName"] + secrets.token_hex(3)[:5])
        if resource.namespaced:
            self.find(kinds.NAMESPACES, None, namespace)
        if (resource, namespace, metadata.get("name")) in self.objects:
            raise Refusal(409, "AlreadyExists", f'{resource.title} "{metadata["name"]}" already exists')
        metadata |= {"uid": str(uuid.uuid4()), "creationTimestamp": now()}
        metadata |= {"generation": 1} if "spec" in new else {}
        for admit in self.admission:
            new = admit(resource, new)
        self._validate(resource, new)
        return new if dry_run else self.put(resource, new, "ADDED")

    def update(self, resource, namespace, name, new, dry_run=False):
        old, new = self.find(resource, namespace, name), self._prepared(resource, namespace, new)
        if (
            new["metadata"].get("resourceVersion", old["metadata"]["resourceVersion"])
            != old["metadata"]["resourceVersion"]
        ):
            text = (
                "the object has been modified; please apply your changes to the latest version and try again"
            )
            raise Refusal(
                409, "Conflict", f'Operation cannot be fulfilled on {resource.title} "{name}": {text}'
            )
        kept = ("uid", "creationTimestamp", "generation", "resourceVersion", "name", "namespace")
        new["metadata"] |= {member: old["metadata"][member] for member in kept if member in old["metadata"]}
        if "status" in old:
            new["status"] = old["status"]
        if new == old:
            return old
        if resource == kinds.JOBS and new["spec"].get("template") != old["spec"]["template"]:
            raise invalid(resource, name, "spec.template", "field is immutable")
        if new.get("spec") != old.get("spec"):
            new["metadata"]["generation"] += 1
        self._validate(resource, new)
        return new if dry_run else self.put(resource, new, "MODIFIED")

    def delete(self, resource, namespace, name, dry_run=False):
        old = self.find(resource, namespace, name)
        if not dry_run:
            if resource == kinds.NAMESPACES:
                for of, inside, its_name in [key for key in self.objects if key[1] == name]:
                    self.delete(of, inside, its_name)
            self.put(resource, old, "DELETED")
        return old

    def put(self, resource, new, event="MODIFIED"):
        new = copy.deepcopy(new)
        new["metadata"]["resourceVersion"] = str(len(self.events) + 1)
        key = resource, new["metadata"].get("namespace"), new["metadata"]["name"]
        if event == "DELETED":
            del self.objects[key]
            self.applied = {who: what for who, what in self.applied.items() if who[0] != key}
        else:
            self.objects[key] = new
        self.events.append((event, resource, new))
        self.changed.notify_all()
        return new

    def settle(self):
        """Lets the controllers work until none has anything to do; to be called after every change."""
        seen = None
        while seen != len(self.events):
            seen = len(self.events)
            for controller in self.controllers:
                controller()

    def _prepared(self, resource, namespace, new):
        new = without_nulls(copy.deepcopy(new))
        said = new.setdefault("apiVersion", resource.api_version), new.setdefault("kind", resource.kind)
        metadata = new.setdefault("metadata", {})
        if said != (resource.api_version, resource.kind) or metadata.get("namespace", namespace) != namespace:
            raise Refusal(
                400, "BadRequest", f"{said} in {namespace} is not what the address names: {resource.title}"
            )
        if resource.namespaced:
            metadata["namespace"] = namespace
        if resource == kinds.SECRETS:
            new.setdefault("type", "Opaque")
        for name, value in new.pop("stringData", {}).items() if resource == kinds.SECRETS else ():
            new.setdefault("data", {})[name] = base64.b64encode(value.encode()).decode()
        return new

    def _validate(self, resource, new):
        name = new["metadata"].get("name", "")
        if not re.fullmatch(r"[a-z0-9]([-a-z0-9.]*[a-z0-9])?", name) and not resource.api_version.startswith(
            kinds.RBAC
        ):
            raise invalid(resource, name, "metadata.name", f'Invalid value: "{name}"')
        try:
            kubernetes_validate.validate(new, VERSION, strict=True)
            for value in new.get("data", {}).values() if resource == kinds.SECRETS else ():
                base64.b64decode(value, validate=True)
        except kubernetes_validate.SchemaNotFoundError:
            pass  # cert-manager's
        except binascii.Error as error:
            raise Refusal(
                400, "BadRequest", f'Secret in version "v1" cannot be handled as a Secret: {error}'
            ) from None
        except kubernetes_validate.ValidationError as error:
            place = ".".join(str(part) for part in error.absolute_path) or "(document)"
            if error.validator in ("additionalProperties", "type"):
                text = f'{resource.kind} in version "v1" cannot be handled as a {resource.kind}'
                text = f"{text}: strict decoding error: {place}: {error.message}"
                raise Refusal(400, "BadRequest", text) from None
            raise invalid(resource, name, place, error.message) from None


def without_nulls(value):
    if isinstance(value, dict):
        return {key: without_nulls(part) for key, part in value.items() if part is not None}
    return [without_nulls(part) for part in value] if isinstance(value, list) else value


def merged(old, patch):
    """RFC 7386, and of strategic merge patches what kubectl sends: $setElementOrder tells the merge key of a list;
    lists without it are replaced."""
    old = old if isinstance(old, dict) and patch.get("$patch") != "replace" else {}
    new = {key: value for key, value in old.items() if key in patch.get("$retainKeys", old)}
    for key, value in patch.items():
        if value is None:
            new.pop(key, None)
        elif isinstance(value, dict):
            new[key] = merged(new.get(key), value)
        elif not key.startswith("$") and f"$setElementOrder/{key}" not in patch:
            new[key] = value
    for directive in [
        key for key in patch if key.startswith(("$setElementOrder/", "$deleteFromPrimitiveList/"))
    ]:
        key, order = directive.partition("/")[2], patch.get(directive)
        gone = patch.get(f"$deleteFromPrimitiveList/{key}", [])
        order = patch.get(f"$setElementOrder/{key}", [])
        by = next(iter(order[0])) if order and isinstance(order[0], dict) else None
        parts = {part[by] if by else part: part for part in new.get(key, []) if part not in gone}
        for part in patch.get(key, []):
            name = part[by] if by else part
            if by and part.get("$patch") == "delete":
                parts.pop(name, None)
            else:
                parts[name] = merged(parts.get(name), part) if by else part
        wanted = [part[by] if by else part for part in order]
        new[key] = [
            parts[name]
            for name in sorted(parts, key=lambda n: wanted.index(n) if n in wanted else len(wanted))
        ]
    return new


def applied(old, new, before):
    """Server-side apply for one manager: what it applied before and no longer does is removed. Lists are merged
    by name where each part has one, and replaced otherwise."""
    if all(isinstance(value, dict) for value in (old, new)):
        before = before if isinstance(before, dict) else {}
        kept = {key: value for key, value in old.items() if key in new or key not in before}
        return kept | {key: applied(old.get(key), value, before.get(key)) for key, value in new.items()}
    if all(
        isinstance(value, list) and value and all(isinstance(part, dict) and "name" in part for part in value)
        for value in (old, new)
    ):
        by_name = [{part["name"]: part for part in value} for value in (old, new, before or [])]
        return list(applied(*by_name).values())
    return new
