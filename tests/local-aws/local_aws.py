"""Starts a local AWS that refuses what AWS refuses, on 127.0.0.1.

Prints one line of JSON when it is ready and ends when its standard input does,
so that it never outlives the test that started it.
"""

import argparse
import gc
import json
import os
import pathlib
import signal
import sys
import threading
import time
import warnings

# The sources may lie in a read-only or a checked-out tree.
sys.dont_write_bytecode = True
# Copies are made while nothing is asked.
warnings.filterwarnings("ignore", "This process .* is multi-threaded", DeprecationWarning)
for name in [name for name in os.environ if name.startswith(("MOTO_", "AWS_"))]:
    del os.environ[name]
os.environ["MOTO_DISABLE_GLOBAL_CORS"] = "true"
os.environ["MOTO_IAM_LOAD_MANAGED_POLICIES"] = "true"

from aws import Aws  # noqa: E402 - moto reads its settings when imported
from certificates import Certificates  # noqa: E402
from issuer import IssuerClient  # noqa: E402
from server import Server  # noqa: E402


def serve(directory, certificates, out, ports=(0, 0)):
    """Opens both doors, says where they are, and gives the servers."""
    aws = Aws(directory / "requests.jsonl")
    endpoint = Server(ports[0], aws)
    proxy = Server(ports[1], aws, certificates)
    aws.issuers = IssuerClient(proxy.port, certificates.ca)
    for server in (endpoint, proxy):
        threading.Thread(target=server.serve_forever, daemon=True).start()
    ready = {
        "endpoint": f"http://127.0.0.1:{endpoint.port}",
        "proxy": f"http://127.0.0.1:{proxy.port}",
        "ca": str(certificates.ca),
        "log": str(aws.log),
    }
    print(json.dumps(ready), file=out, flush=True)
    return endpoint, proxy


def serve_copy(directory, certificates, out, servers):
    """In a forked process: all that was, behind doors of its own, and as long as its parent."""
    parent = os.getppid()
    gc.disable()
    for server in servers:
        server.socket.close()
    directory.mkdir(parents=True, exist_ok=True)
    certificates.directory = directory
    serve(directory, certificates, out)
    while os.getppid() == parent:
        time.sleep(1)
    os._exit(0)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--dir", type=pathlib.Path, required=True, help="for ca.pem and requests.jsonl")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--proxy-port", type=int, default=0)
    arguments = parser.parse_args()
    directory = arguments.dir.resolve()
    directory.mkdir(parents=True, exist_ok=True)

    certificates = Certificates(directory)
    out, sys.stdout = sys.stdout, sys.stderr
    servers = serve(directory, certificates, out, (arguments.port, arguments.proxy_port))
    try:
        for line in sys.stdin:
            if line.startswith("fork "):
                # Nobody waits for the copies.
                signal.signal(signal.SIGCHLD, signal.SIG_IGN)
                gc.freeze()
                if os.fork() == 0:
                    serve_copy(pathlib.Path(line[5:].rstrip("\n")), certificates, out, servers)
    except KeyboardInterrupt:
        pass
    os._exit(0)


if __name__ == "__main__":
    main()
