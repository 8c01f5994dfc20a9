"""Starts a stand-in for a Kubernetes cluster on 127.0.0.1, for the real kubectl: objects in memory, validated with
Kubernetes' own schemas; the service account issuer as kube-apiserver's flags set it; Jobs, run as processes.

Prints one line of JSON when it is ready and ends when its standard input does, so that it never outlives the
test that started it. README.md says what is not modelled.
"""

import argparse
import json
import os
import pathlib
import shutil
import sys
import threading

# The sources may lie in a read-only or a checked-out tree.
sys.dont_write_bytecode = True

import yaml  # noqa: E402
from admission import Admission  # noqa: E402
from api import Server  # noqa: E402
from cert_manager import CertManager  # noqa: E402
from issuer import Issuer  # noqa: E402
from objects import Store  # noqa: E402
from workloads import Workloads  # noqa: E402


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kubeconfig", type=pathlib.Path, required=True, help="the file to write")
    parser.add_argument(
        "--flags", default="kube-apiserver.flags", help="kube-apiserver's, as irsactl flags prints them"
    )
    parser.add_argument("--node-dir", default=".", help="what /etc/kubernetes/pki/irsa is on the node")
    parser.add_argument(
        "--pod-env", action="append", default=[], metavar="NAME", help="passed on to every pod; repeat it"
    )
    parser.add_argument("--port", type=int, default=0)
    arguments = parser.parse_args()

    store, issuer = Store(), Issuer(arguments.flags, arguments.node_dir)
    workloads = Workloads(store, issuer, arguments.pod_env)
    store.admission = [Admission(store)]
    store.controllers = [workloads.step, CertManager(store).step]
    with store.changed:
        store.settle()
    server = Server(arguments.port, store, issuer, workloads)
    issuer.port = server.port
    threading.Thread(target=server.serve_forever, daemon=True).start()

    url = f"http://127.0.0.1:{server.port}"
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "local",
        "clusters": [{"name": "local", "cluster": {"server": url}}],
        "users": [{"name": "admin", "user": {"token": "everybody-is-admin"}}],
        "contexts": [{"name": "local", "context": {"cluster": "local", "user": "admin"}}],
    }
    arguments.kubeconfig.write_text(yaml.safe_dump(config))
    arguments.kubeconfig.chmod(0o600)
    print(json.dumps({"url": url, "kubeconfig": str(arguments.kubeconfig.resolve())}), flush=True)
    sys.stdout = sys.stderr
    try:
        while sys.stdin.buffer.read(4096):
            pass
    except KeyboardInterrupt:
        pass
    workloads.stop()
    shutil.rmtree(workloads.scratch, ignore_errors=True)
    os._exit(0)


if __name__ == "__main__":
    main()
