"""moto, asked in its plainest form: path-style, of a named account and region."""

import re
import threading

from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from werkzeug.test import Client

from answer import Answer

# What moto would read an account, a region or an identity out of.
OURS = ("host", "authorization", "user-agent", "x-moto-account-id", "content-length",
        "transfer-encoding", "x-amz-expected-bucket-owner", "expect", "connection")
_client = Client(DomainDispatcherApplication(create_backend_app), use_cookies=False)
_lock = threading.RLock()


def forward(request, account, region=None):
    region = region or request.region or "us-east-1"
    path, query = request.raw_path, request.raw_query
    if request.service == "s3" and not request.path_style:
        path = f"/{request.bucket}{path}"
    headers = [(name, value) for name, value in request.headers.items() if name not in OURS]
    scope = f"{region}/{request.service}/aws4_request"
    headers += [
        ("Host", f"{request.service}.{region}.amazonaws.com"),
        ("Authorization", f"AWS4-HMAC-SHA256 Credential=AKIAEXAMPLEEXAMPLE00/20000101/{scope}"),
        ("x-moto-account-id", account),
    ]
    with _lock:
        response = _client.open(path, query_string=query, method=request.method,
                                headers=headers, data=request.body)
    body = response.get_data()
    code = re.search(rb'(?:<Code>|"__type": ")(.*?)[<"]', body) if response.status_code >= 400 else None
    kept = {name: value for name, value in response.headers.items()
            if name.lower() not in ("connection", "date")
            and (name.lower() != "content-length" or request.method == "HEAD")}
    return Answer(response.status_code, kept, body, code[1].decode() if code else None)
