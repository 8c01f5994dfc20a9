"""Starts a local AWS that refuses what AWS refuses, on 127.0.0.1.

Prints one line of JSON when it is ready and ends when its standard input does,
so that it never outlives the test that started it.
"""

import argparse
import json
import os
import pathlib
import sys
import threading

# The sources may lie in a read-only or a checked-out tree.
sys.dont_write_bytecode = True
for name in [name for name in os.environ if name.startswith(("MOTO_", "AWS_"))]:
    del os.environ[name]
os.environ["MOTO_DISABLE_GLOBAL_CORS"] = "true"
os.environ["MOTO_IAM_LOAD_MANAGED_POLICIES"] = "true"

from aws import Aws  # noqa: E402 - moto reads its settings when imported
from certificates import Certificates  # noqa: E402
from issuer import IssuerClient  # noqa: E402
from server import Server  # noqa: E402


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--dir", type=pathlib.Path, required=True, help="for ca.pem and requests.jsonl")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--proxy-port", type=int, default=0)
    arguments = parser.parse_args()
    directory = arguments.dir.resolve()
    directory.mkdir(parents=True, exist_ok=True)

    certificates = Certificates(directory)
    aws = Aws(directory / "requests.jsonl")
    endpoint = Server(arguments.port, aws)
    proxy = Server(arguments.proxy_port, aws, certificates)
    aws.issuers = IssuerClient(proxy.port, certificates.ca)
    for server in (endpoint, proxy):
        threading.Thread(target=server.serve_forever, daemon=True).start()

    ready = {
        "endpoint": f"http://127.0.0.1:{endpoint.port}",
        "proxy": f"http://127.0.0.1:{proxy.port}",
        "ca": str(certificates.ca),
        "log": str(aws.log),
    }
    print(json.dumps(ready), flush=True)
    sys.stdout = sys.stderr
    try:
        while sys.stdin.buffer.read(4096):
            pass
    except KeyboardInterrupt:
        pass
    os._exit(0)


if __name__ == "__main__":
    main()
