"""A judge written by others: are these YAML documents what Kubernetes takes?

    kubernetes_schema.py VERSION... < documents.yaml

validates every document on standard input, strictly (an unknown field is an error), with kubernetes-validate and the schemas
in it, which are made from Kubernetes' own OpenAPI document. One line a document and version. Documents of other APIs than
Kubernetes' own have no schema there: they are named as skipped, not judged. Exit code 1 when a document is invalid, 2 for usage.
"""

import sys

import kubernetes_validate
import yaml
from kubernetes_validate.utils import all_versions, major_minor

# Groups without a dot (v1, apps, batch, policy, autoscaling, extensions) are Kubernetes' own too.
KUBERNETES_GROUPS = ".k8s.io"


class Strict(yaml.SafeLoader):
    """PyYAML keeps the last of two equal keys; kubectl's strict decoding refuses them, and so does this."""

    def construct_mapping(self, node, deep=False):
        seen = set()
        for key_node, _ in node.value:
            key = self.construct_object(key_node, deep=True)
            if not isinstance(key, str):
                raise yaml.constructor.ConstructorError(None, None, f"the key {key!r} is no string", key_node.start_mark)
            if key in seen:
                raise yaml.constructor.ConstructorError(None, None, f"the key {key!r} is there twice", key_node.start_mark)
            seen.add(key)
        return super().construct_mapping(node, deep)


def is_kubernetes(api_version):
    group, slash, _ = api_version.rpartition("/")
    return not slash or "." not in group or group.endswith(KUBERNETES_GROUPS)


def fault(document, version):
    """What is wrong with the document in this version of Kubernetes, or None."""
    try:
        kubernetes_validate.validate(document, version, strict=True)
    except kubernetes_validate.ValidationError as error:
        place = ".".join(str(part) for part in error.absolute_path)
        return f"{place or '(document)'}: {error.message}"
    except kubernetes_validate.SchemaNotFoundError as error:
        return error.message
    return None


def judge(document, versions):
    """Prints a line for each version; returns how many of them found a fault."""
    if not isinstance(document, dict) or not all(
        isinstance(document.get(field), str) for field in ("apiVersion", "kind")
    ):
        print(f"invalid: no apiVersion and kind: {str(document)[:80]!r}")
        return 1
    metadata = document.get("metadata")
    name = metadata.get("name") if isinstance(metadata, dict) else None
    title = f"{document['apiVersion']}/{document['kind']} {name}"
    if not isinstance(name, str) or not name:
        print(f"invalid {title}: metadata.name: a name is needed")
        return 1
    if not is_kubernetes(document["apiVersion"]):
        print(f"skipped {title}: not an API of Kubernetes itself")
        return 0
    faults = 0
    for version in versions:
        text = fault(document, version)
        print(f"ok {title} ({version})" if text is None else f"invalid {title} ({version}): {text}")
        faults += text is not None
    return faults


def main(versions):
    known = sorted({major_minor(version) for version in all_versions()}, key=lambda v: [int(n) for n in v.split(".")])
    unknown = [version for version in versions if version not in known]
    if not versions or unknown:
        print(f"usage: kubernetes_schema.py VERSION... < FILE; versions: {' '.join(known)}", file=sys.stderr)
        return 2
    try:
        documents = [document for document in yaml.load_all(sys.stdin.buffer, Loader=Strict) if document is not None]
    except yaml.YAMLError as error:
        print(f"invalid: not YAML: {error}")
        return 1
    if not documents:
        print("invalid: no documents")
        return 1
    return 1 if sum(judge(document, versions) for document in documents) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
