"""The API server's door: objects, watches, logs, tokens, documents. Everybody is an administrator."""

import http.server
import json
import socketserver
import sys
import time
import traceback
import urllib.parse

import kinds
import protobuf
import yaml
from discovery import DOCUMENTS, root_of
from issuer import compact
from objects import Refusal, applied, labels, merged, selects, without_nulls

PATCHES = (
    "application/merge-patch+json",
    "application/strategic-merge-patch+json",
    "application/apply-patch+yaml",
)
JWKS = "application/jwk-set+json"


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def answer(self):
        address = urllib.parse.urlsplit(self.path)
        self.query = dict(urllib.parse.parse_qsl(address.query))
        self.body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        try:
            with self.server.store.changed:
                answer = self._documents(address.path) or self._objects(address.path)
            if callable(answer):
                return answer()  # a watch or a log, which takes its time
            self.reply(*answer)
        except Refusal as refusal:
            self.reply(refusal.status, code=refusal.code)
        except ConnectionError:
            self.close_connection = True
        except Exception as error:
            traceback.print_exc()
            self.reply(Refusal(500, "InternalError", f"local cluster: {error!r}").status, code=500)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = answer

    def reply(self, body, content_type="application/json", code=200):
        body = body if isinstance(body, bytes) else compact(body)
        self.send_response(code)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        if content_type == JWKS or self.path == "/.well-known/openid-configuration":
            self.send_header("Cache-Control", "public, max-age=3600")
        self.end_headers()
        self.wfile.write(body)

    def _documents(self, path):
        accept = self.headers.get("Accept", "")
        if path == "/.well-known/openid-configuration":
            return (self.server.issuer.discovery(),)
        if path == "/openid/v1/jwks":
            if accept == "application/json":
                text = f"406: Not Acceptable\n\nAvailable representations: {JWKS}"
                return text.encode(), "text/plain", 406
            return self.server.issuer.jwks(), JWKS
        if path == "/openapi/v2":
            return b"", "application/com.github.proto-openapi.spec.v2.v1.0+protobuf"  # an empty document
        return (DOCUMENTS[path],) if path in DOCUMENTS else None

    def _objects(self, path):
        resource, namespace, name, part = parse(path)
        store, issuer, dry_run = self.server.store, self.server.issuer, self.query.get("dryRun") == "All"
        if (resource, part) == (kinds.SERVICE_ACCOUNTS, "token") and self.command == "POST":
            request = without_nulls(self._decoded())
            spec = request.setdefault("spec", {})
            account, seconds = (
                store.find(resource, namespace, name),
                spec.setdefault("expirationSeconds", 3600),
            )
            token, end = issuer.token(account, spec.get("audiences"), seconds)
            ends = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(end))
            return (
                request | {"status": {"token": token, "expirationTimestamp": ends}},
                "application/json",
                201,
            )
        if (resource, part) == (kinds.PODS, "log") and self.command == "GET":
            pod = store.find(resource, namespace, name)
            return lambda: self._log(pod)
        if part:
            raise Refusal(404, "NotFound", "the server could not find the requested resource")
        if self.command == "GET":
            return (store.find(resource, namespace, name),) if name else self._list(resource, namespace)
        if self.command == "POST":
            done, code = store.create(resource, namespace, self._decoded(), dry_run), 201
        elif self.command == "DELETE":
            gone, code = store.delete(resource, namespace, name, dry_run), 200
            details = {
                "name": name,
                "group": resource.group,
                "kind": resource.plural,
                "uid": gone["metadata"]["uid"],
            }
            done = {
                "kind": "Status",
                "apiVersion": "v1",
                "metadata": {},
                "status": "Success",
                "details": details,
            }
        elif self.command == "PUT":
            done, code = store.update(resource, namespace, name, self._decoded(), dry_run), 200
        else:
            done, code = self._patch(resource, namespace, name, dry_run)
        store.settle()
        return done, "application/json", code

    def _decoded(self):
        try:
            form = self.headers.get("Content-Type", "")
            decode = (
                protobuf.decoded if "protobuf" in form else yaml.safe_load if "yaml" in form else json.loads
            )
            decoded = decode(self.body)
        except (ValueError, yaml.YAMLError) as error:
            raise Refusal(
                415, "UnsupportedMediaType", f"local cluster cannot read the {form}: {error}"
            ) from None
        if not isinstance(decoded, dict):
            raise Refusal(400, "BadRequest", "the body is no object")
        return decoded

    def _patch(self, resource, namespace, name, dry_run):
        kind, store, patch = self.headers["Content-Type"], self.server.store, self._decoded()
        if kind not in PATCHES:
            raise Refusal(415, "UnsupportedMediaType", f"local cluster takes no {kind}")
        key = resource, namespace, name
        if kind != PATCHES[2]:
            return store.update(*key, merged(store.find(*key), patch), dry_run), 200
        who, old = (key, self.query.get("fieldManager")), store.objects.get(key)
        if old:
            done = store.update(*key, applied(old, patch, store.applied.get(who)), dry_run)
        else:
            done = store.create(resource, namespace, patch, dry_run)
        if not dry_run:
            store.applied[who] = patch
        return done, 200 if old else 201

    def _list(self, resource, namespace):
        store, wanted = self.server.store, wanted_by(self.query)
        version, items = len(store.events), store.select(resource, namespace, wanted)
        if "sendInitialEvents" in self.query:  # newer clients then list and watch
            raise Refusal(422, "Invalid", "sendInitialEvents is forbidden: there is no WatchList here")
        if self.query.get("watch") in ("1", "true"):
            after = int(self.query.get("resourceVersion") or 0)
            missed = store.events[after:] if after else [("ADDED", resource, item) for item in items]
            return lambda: self._watch(resource, namespace, wanted, missed, version)
        about = {"kind": f"{resource.kind}List", "apiVersion": resource.api_version}
        return (about | {"metadata": {"resourceVersion": str(version)}, "items": items},)

    def _watch(self, resource, namespace, wanted, events, seen):
        store, end = self.server.store, time.monotonic() + int(self.query.get("timeoutSeconds", 300))
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        while time.monotonic() < end:
            for event, of, found in events:
                if (
                    of == resource
                    and namespace in (None, found["metadata"].get("namespace"))
                    and wanted(found)
                ):
                    line = compact({"type": event, "object": found}) + b"\n"
                    self.wfile.write(b"%x\r\n%s\r\n" % (len(line), line))
            with store.changed:
                store.changed.wait_for(lambda: len(store.events) > seen, timeout=end - time.monotonic())
                events, seen = store.events[seen:], len(store.events)
        self.wfile.write(b"0\r\n\r\n")

    def _log(self, pod):
        store, workloads = self.server.store, self.server.workloads
        key = kinds.PODS, pod["metadata"]["namespace"], pod["metadata"]["name"]
        with store.changed:
            if self.query.get("follow") == "true":  # all of it at the end
                over = ("Succeeded", "Failed")
                store.changed.wait_for(
                    lambda: store.objects.get(key, pod).get("status", {}).get("phase") in over, timeout=600
                )
            if not workloads.log(pod).exists():
                waits = "is waiting to start: ContainerCreating"
                name = pod["spec"]["containers"][0]["name"]
                raise Refusal(400, "BadRequest", f'container "{name}" in pod "{key[2]}" {waits}')
            self.reply(workloads.log(pod).read_bytes(), "text/plain")

    def log_message(self, *_):
        pass


class Server(http.server.ThreadingHTTPServer):
    request_queue_size = 128

    def __init__(self, port, store, issuer, workloads):
        super().__init__(("127.0.0.1", port), Handler)
        self.store, self.issuer, self.workloads = store, issuer, workloads

    def server_bind(self):
        # HTTPServer looks its own name up here, which may ask a resolver.
        socketserver.TCPServer.server_bind(self)
        self.port = self.server_address[1]

    def handle_error(self, request, client_address):
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)


def wanted_by(query):
    fields = [
        pair.replace("==", "=").split("=") for pair in query.get("fieldSelector", "").split(",") if pair
    ]
    pairs = [
        pair.replace("==", "=").partition("=") for pair in query.get("labelSelector", "").split(",") if pair
    ]
    if any(name not in ("metadata.name", "metadata.namespace") for name, *_ in fields) or not all(
        equal for _, equal, _ in pairs
    ):
        raise Refusal(
            400,
            "BadRequest",
            "local cluster knows the fields metadata.name and metadata.namespace, and labels with =",
        )
    matches = {"matchLabels": {name: value for name, _, value in pairs}}
    return lambda found: (
        selects(matches, labels(found))
        and all(found["metadata"].get(name.removeprefix("metadata.")) == value for name, value in fields)
    )


def parse(path):
    """/api/v1/… or /apis/GROUP/VERSION/…, then [namespaces/NAMESPACE/]PLURAL[/NAME[/PART]]"""
    for resource in kinds.RESOURCES:
        root, inside, rest = path.partition(f"/{root_of(resource.api_version)}/")
        if root or not inside:
            continue
        rest, namespace = rest.split("/"), None
        if rest[0] == "namespaces" and len(rest) > 2:
            _, namespace, *rest = rest
        if rest[0] == resource.plural:
            return resource, namespace, *(*rest[1:], None, None)[:2]
    raise Refusal(404, "NotFound", "the server could not find the requested resource")
