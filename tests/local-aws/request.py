"""One HTTP request, read as a call of an AWS service."""

import re
from urllib.parse import parse_qsl, unquote

import accounts

DOMAIN = re.compile(r"(?:.+\.)?amazonaws\.(?:com|com\.cn|eu)")
_END = r"\.amazonaws\.(?:com|com\.cn|eu)"
_REGION = r"(?P<region>[a-z]+(?:-[a-z]+)+(?:-\d+)?)"
HOSTS = [
    ("s3control", re.compile(
        rf"(?P<account>\d{{12}})\.s3-control(?:-fips)?(?:\.dualstack)?\.{_REGION}{_END}")),
    ("s3", re.compile(
        rf"(?:(?P<bucket>.+)\.)?s3(?:-fips)?(?:\.dualstack)?(?:[.-]{_REGION})?{_END}")),
    ("iam", re.compile(rf"iam(?:-fips)?(?:\.{_REGION})?{_END}")),
    ("sts", re.compile(rf"sts(?:-fips)?(?:\.{_REGION})?{_END}")),
    ("secretsmanager", re.compile(rf"secretsmanager(?:-fips)?\.{_REGION}{_END}")),
    ("ssm", re.compile(rf"ssm(?:-fips)?\.{_REGION}{_END}")),
]
SCOPE = re.compile(
    r"Credential=(?P<key>[^/]+)/\d{8}/(?P<region>[^/]+)/(?P<service>[^/]+)/aws4_request")
BUCKET_RESOURCES = {
    "accelerate": "BucketAccelerateConfiguration",
    "acl": "BucketAcl",
    "cors": "BucketCors",
    "encryption": "BucketEncryption",
    "lifecycle": "BucketLifecycleConfiguration",
    "location": "BucketLocation",
    "logging": "BucketLogging",
    "notification": "BucketNotificationConfiguration",
    "object-lock": "ObjectLockConfiguration",
    "ownershipControls": "BucketOwnershipControls",
    "policy": "BucketPolicy",
    "policyStatus": "BucketPolicyStatus",
    "publicAccessBlock": "PublicAccessBlock",
    "replication": "BucketReplication",
    "requestPayment": "BucketRequestPayment",
    "tagging": "BucketTagging",
    "versioning": "BucketVersioning",
    "website": "BucketWebsite",
}
BUCKET_LISTS = {"versions": "ListObjectVersions", "uploads": "ListMultipartUploads"}
OBJECT_RESOURCES = {
    "acl": "ObjectAcl",
    "attributes": "ObjectAttributes",
    "legal-hold": "ObjectLegalHold",
    "retention": "ObjectRetention",
    "tagging": "ObjectTagging",
}
READS = re.compile(r"Get|Head|List|Describe|Simulate|Generate|AssumeRole|Decode")


class Request:
    def __init__(self, method, target, headers, body, secure):
        self.method, self.body, self.secure = method, body, secure
        self.headers = {name.lower(): value for name, value in headers}
        self.raw_path, _, self.raw_query = target.partition("?")
        self.path = unquote(self.raw_path)
        self.query = dict(parse_qsl(self.raw_query, keep_blank_values=True))
        self.host = re.sub(r":\d+$", "", self.headers.get("host", "")).lower()
        self.bucket = self.key = None
        self.params = self._params()
        self._read_authorization()
        host = self._read_host()
        self.operation = getattr(self, f"_{self.service}_operation", lambda: None)() or "Unknown"
        # IAM's host names hold no region, or only half of one (iam.us-gov.amazonaws.com).
        regions = [host.get("region"), self.scope_region]
        self.region = next(filter(None, reversed(regions) if self.service == "iam" else regions), None)
        self.account_host = host.get("account")
        self.changing = self.service != "sts" and not READS.match(self.operation)
        app = re.search(r"\bapp/(\S+)", self.headers.get("user-agent", ""))
        self.app = app[1] if app else None

    @property
    def partition(self):
        region = self.region or ""
        if self.host.endswith(".cn") or region.startswith("cn-"):
            return "aws-cn"
        if self.host.endswith(".eu") or region.startswith("eusc-"):
            return "aws-eusc"
        return "aws-us-gov" if region.startswith("us-gov") else "aws"

    def _params(self):
        form = "application/x-www-form-urlencoded" in self.headers.get("content-type", "")
        text = self.body.decode("utf-8", "replace") if form else self.raw_query
        return dict(parse_qsl(text, keep_blank_values=True))

    def _read_authorization(self):
        value = self.headers.get("authorization", "") or (
            "Credential=" + self.query.get("X-Amz-Credential", ""))
        scope = SCOPE.search(value)
        self.access_key = scope["key"] if scope else None
        self.scope_region = scope["region"] if scope else None
        self.scope_service = scope["service"] if scope else None
        self.anonymous = scope is None
        self.account = None if self.anonymous else accounts.account_of(self.access_key)

    def _read_host(self):
        """Sets the service, from the name that was called or, on the plain
        endpoint that stands for all of them, from what was signed."""
        for service, pattern in HOSTS:
            if match := pattern.fullmatch(self.host):
                self.service = service
                if service == "s3":
                    self._read_s3_path(match["bucket"])
                return match.groupdict()
        if DOMAIN.fullmatch(self.host):
            self.service = "unknown"
        elif self.path.startswith("/v20180820/"):
            self.service = "s3control"
        elif self.scope_service in ("iam", "sts", "secretsmanager", "ssm"):
            self.service = self.scope_service
        elif self.anonymous and "Action" in self.params:
            self.service = "sts"
        else:
            self.service = "s3"
            self._read_s3_path(None)
        return {}

    def _read_s3_path(self, bucket):
        path = self.path[1:]
        self.path_style = not bucket
        if not bucket:
            bucket, _, path = path.partition("/")
        self.bucket, self.key = bucket or None, path or None

    def _iam_operation(self):
        return self.params.get("Action")

    _sts_operation = _iam_operation

    def _ssm_operation(self):
        return self.headers.get("x-amz-target", "").rpartition(".")[2]

    _secretsmanager_operation = _ssm_operation

    def _s3control_operation(self):
        if self.path == "/v20180820/configuration/publicAccessBlock":
            return f"{self.method.title()}AccountPublicAccessBlock"
        return None

    def _s3_operation(self):
        if not self.bucket:
            return "ListBuckets"
        return self._object_operation() if self.key else self._bucket_operation()

    def _bucket_operation(self):
        verb = self.method.title()
        for name, resource in BUCKET_RESOURCES.items():
            if name in self.query:
                return verb + resource
        if self.method == "POST":
            return "DeleteObjects" if "delete" in self.query else None
        if self.method == "GET":
            for name in BUCKET_LISTS:
                if name in self.query:
                    return BUCKET_LISTS[name]
            return "ListObjectsV2" if self.query.get("list-type") == "2" else "ListObjects"
        # An unknown sub-resource must not be taken for the bucket itself.
        if any(name != "x-id" and not name.startswith("X-Amz-") for name in self.query):
            return None
        return "CreateBucket" if self.method == "PUT" else verb + "Bucket"

    def _object_operation(self):
        verb = self.method.title()
        for name, resource in OBJECT_RESOURCES.items():
            if name in self.query:
                return verb + resource
        if self.method == "POST":
            return "CreateMultipartUpload" if "uploads" in self.query else "CompleteMultipartUpload"
        if "uploadId" in self.query:
            return {"PUT": "UploadPart", "GET": "ListParts",
                    "DELETE": "AbortMultipartUpload"}.get(self.method)
        if self.method == "PUT" and "x-amz-copy-source" in self.headers:
            return "CopyObject"
        return verb + "Object"
