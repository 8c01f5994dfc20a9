"""What happens to a Job and a Pod before they are stored. A Job gets its selector. A Pod's service account must be
there, and the pod identity webhook, when it is registered and its Deployment is ready, adds what
github.com/aws/amazon-eks-pod-identity-webhook (v0.6.17) adds.

The webhook is not run, its manifests are asked. But a real TLS handshake is made between the certificate in the Secret
that its Deployment mounts and the caBundle, for SERVICE.NAMESPACE.svc; when it fails, failurePolicy decides.
"""

import base64
import contextlib
import copy
import pathlib
import ssl
import tempfile

import kinds
from objects import Refusal, labels, selects

NAME = "pod-identity-webhook.amazonaws.com"
MOUNT = "/var/run/secrets/eks.amazonaws.com/serviceaccount"
VOLUME = "aws-iam-token"


class Admission:
    def __init__(self, store):
        self.store = store

    def __call__(self, resource, new):
        return self._pod(new) if resource == kinds.PODS else job(new) if resource == kinds.JOBS else new

    def _pod(self, pod):
        namespace, name = (
            pod["metadata"]["namespace"],
            pod["spec"].setdefault("serviceAccountName", "default"),
        )
        try:
            account = self.store.find(kinds.SERVICE_ACCOUNTS, namespace, name)
        except Refusal:
            text = f'error looking up service account {namespace}/{name}: serviceaccount "{name}" not found'
            raise Refusal(
                403, "Forbidden", f'pods "{pod["metadata"].get("name")}" is forbidden: {text}'
            ) from None
        where = labels(self.store.find(kinds.NAMESPACES, None, namespace))
        for webhook in [
            webhook for found in self.store.select(kinds.WEBHOOKS) for webhook in found.get("webhooks", [])
        ]:
            chosen = selects(webhook.get("namespaceSelector", {}), where) and selects(
                webhook.get("objectSelector", {}), labels(pod)
            )
            if webhook["name"].endswith(NAME) and chosen:
                pod = self._ask(webhook, pod, account)
        return pod

    def _ask(self, webhook, pod, account):
        try:
            return injected(pod, account, self._arguments(webhook))
        except (Refusal, ssl.SSLError, OSError, KeyError, ValueError, StopIteration) as error:
            if webhook.get("failurePolicy") == "Ignore":
                return pod
            text = f'failed calling webhook "{webhook["name"]}": failed to call webhook: {error}'
            raise Refusal(500, "InternalError", f"Internal error occurred: {text}") from None

    def _arguments(self, webhook):
        """Those of the webhook's container, when it can be reached and believed; an error otherwise."""
        at = webhook["clientConfig"]["service"]
        service = self.store.find(kinds.SERVICES, at["namespace"], at["name"])
        chosen = {"matchLabels": service["spec"]["selector"]}
        behind = self.store.select(
            kinds.DEPLOYMENTS,
            at["namespace"],
            lambda found: selects(chosen, labels(found["spec"]["template"])),
        )
        ready = [
            found["spec"]["template"]["spec"]
            for found in behind
            if found.get("status", {}).get("readyReplicas")
        ]
        if not ready:
            raise Refusal(503, "ServiceUnavailable", f'no endpoints available for service "{at["name"]}"')
        mounted = next(volume["secret"]["secretName"] for volume in ready[0]["volumes"] if "secret" in volume)
        data = self.store.find(kinds.SECRETS, at["namespace"], mounted)["data"]
        handshake(
            data,
            base64.b64decode(webhook["clientConfig"].get("caBundle", "")),
            f"{at['name']}.{at['namespace']}.svc",
        )
        if (
            next(version for version in webhook["admissionReviewVersions"] if version in ("v1", "v1beta1"))
            == "v1"
        ):
            expected = "expected webhook response of admission.k8s.io/v1, Kind=AdmissionReview, got /, Kind="
            raise Refusal(500, "InternalError", f"received invalid webhook response: {expected}")
        arguments = (
            argument.removeprefix("--").partition("=")
            for argument in ready[0]["containers"][0].get("args", [])
        )
        return {name: value for name, _, value in arguments}


def job(new):
    """pkg/registry/batch/job/strategy.go: what makes its pods its own"""
    uid = {"batch.kubernetes.io/controller-uid": new["metadata"]["uid"]}
    its = uid | {"batch.kubernetes.io/job-name": new["metadata"]["name"]}
    template = new["spec"]["template"]
    metadata = template.get("metadata", {})
    template = template | {"metadata": metadata | {"labels": metadata.get("labels", {}) | its}}
    return new | {"spec": new["spec"] | {"selector": {"matchLabels": uid}, "template": template}}


def handshake(data, ca_bundle, host):
    client, server = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    client.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN  # as Go: any certificate of the bundle is trusted
    if ca_bundle:
        client.load_verify_locations(cadata=ca_bundle.decode())
    with tempfile.TemporaryDirectory() as directory:
        for name in ("tls.crt", "tls.key"):
            pathlib.Path(directory, name).write_bytes(base64.b64decode(data[name]))
        server.load_cert_chain(f"{directory}/tls.crt", f"{directory}/tls.key")
    there, back = ssl.MemoryBIO(), ssl.MemoryBIO()
    sides = [
        client.wrap_bio(back, there, server_hostname=host),
        server.wrap_bio(there, back, server_side=True),
    ]
    for side in sides * 2:
        with contextlib.suppress(ssl.SSLWantReadError):
            side.do_handshake()


def injected(pod, account, arguments):
    """pkg/handler/handler.go: what is there already is left; init containers get it too."""
    prefix, notes = (
        arguments.get("annotation-prefix", "eks.amazonaws.com"),
        account["metadata"].get("annotations", {}),
    )
    role = notes.get(f"{prefix}/role-arn")
    if not role:
        return pod
    region, regional = arguments.get("aws-default-region"), arguments.get("sts-regional-endpoint", "false")
    groups = (
        [{"AWS_STS_REGIONAL_ENDPOINTS": "regional"}]
        if notes.get(f"{prefix}/sts-regional-endpoints", regional) == "true"
        else []
    )
    groups += [{"AWS_DEFAULT_REGION": region, "AWS_REGION": region}] if region else []
    groups += [{"AWS_ROLE_ARN": role, "AWS_WEB_IDENTITY_TOKEN_FILE": f"{MOUNT}/token"}]
    pod = copy.deepcopy(pod)
    for container in pod["spec"].get("initContainers", []) + pod["spec"]["containers"]:
        names = {variable["name"] for variable in container.get("env", [])}
        new = [group for group in groups if not names & group.keys()]
        added = [{"name": name, "value": value} for group in new for name, value in group.items()]
        container["env"] = container.get("env", []) + added
        mounts = container.setdefault("volumeMounts", [])
        if all(mount["name"] != VOLUME for mount in mounts):
            mounts.append({"name": VOLUME, "mountPath": MOUNT, "readOnly": True})
    source = {
        "audience": notes.get(f"{prefix}/audience", arguments.get("token-audience", "sts.amazonaws.com")),
        "expirationSeconds": max(600, int(notes.get(f"{prefix}/token-expiration", 86400))),
        "path": "token",
    }
    volumes = pod["spec"].setdefault("volumes", [])
    if all(volume["name"] != VOLUME for volume in volumes):
        volumes.append({"name": VOLUME, "projected": {"sources": [{"serviceAccountToken": source}]}})
    return pod
