"""What kubectl asks before it does anything: which kinds are there, and whether the server validates by itself.

The OpenAPI documents say of each kind only that PATCH takes fieldValidation and dryRun: kubectl leaves the
validation to the server then. Without aggregated discovery kubectl asks group by group, once, and keeps the answers.
"""

import kinds
from objects import VERSION

VERBS = ["create", "delete", "get", "list", "patch", "update", "watch"]
ALL = (kinds.PODS, kinds.SERVICES, kinds.DEPLOYMENTS, kinds.JOBS)
PARAMETERS = [
    {"name": name, "in": "query", "schema": {"type": "string"}} for name in ("fieldValidation", "dryRun")
]


def root_of(api_version):
    return f"apis/{api_version}" if "/" in api_version else f"api/{api_version}"


def listed(resource):
    about = {
        "name": resource.plural,
        "singularName": resource.kind.lower(),
        "kind": resource.kind,
        "verbs": VERBS,
    }
    about |= {"namespaced": resource.namespaced, "shortNames": resource.short.split()}
    return about | {"categories": ["all"] if resource in ALL else []}


def documents():
    """Each document by its path."""
    major, minor = VERSION.split(".")
    versions = {}
    for resource in kinds.RESOURCES:
        versions.setdefault(resource.api_version, []).append(resource)
    groups, roots, found = [], {}, {}
    for api_version, resources in versions.items():
        group, _, version = api_version.rpartition("/")
        root = root_of(api_version)
        if group:
            one = {"groupVersion": api_version, "version": version}
            groups.append({"name": group, "versions": [one], "preferredVersion": one})
        about = {"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": api_version}
        found[f"/{root}"] = about | {"resources": [listed(resource) for resource in resources]}
        paths = {}
        for resource in resources:
            kind = {"group": group, "version": version, "kind": resource.kind}
            patch = {"parameters": PARAMETERS, "responses": {}, "x-kubernetes-group-version-kind": kind}
            paths[f"/{root}/{resource.plural}/{{name}}"] = {"patch": patch}
        about = {"openapi": "3.0.0", "info": {"title": "local cluster", "version": VERSION}}
        found[f"/openapi/v3/{root}"] = about | {"paths": paths}
        roots[root] = {"serverRelativeURL": f"/openapi/v3/{root}"}
    return found | {
        "/version": {
            "major": major,
            "minor": minor,
            "gitVersion": f"v{VERSION}.0",
            "platform": "linux/amd64",
        },
        "/api": {"kind": "APIVersions", "versions": ["v1"]},
        "/apis": {"kind": "APIGroupList", "apiVersion": "v1", "groups": groups},
        "/openapi/v3": {"paths": roots},
    }


DOCUMENTS = documents()
