"""What AWS answers: a status, headers and a body, or an error.

S3 puts a bare <Error> at the root, the other services wrap it in
<ErrorResponse> (restXml with and without `noErrorWrapping`), and JSON 1.1 services send JSON.
"""

import json
import re
import uuid
from dataclasses import dataclass, field
from xml.etree import ElementTree
from xml.sax.saxutils import escape

JSON = "application/x-amz-json-1.1"
JSON_SERVICES = ("secretsmanager", "ssm")
NAMESPACES = {
    "iam": "https://iam.amazonaws.com/doc/2010-05-08/",
    "sts": "https://sts.amazonaws.com/doc/2011-06-15/",
    "s3control": "http://awss3control.amazonaws.com/doc/2018-08-20/",
}


@dataclass
class Answer:
    status: int = 200
    headers: dict = field(default_factory=dict)
    body: bytes = b""
    code: str | None = None


class AwsError(Exception):
    def __init__(self, status, code, message, headers=None):
        super().__init__(code, message)
        self.status, self.code, self.message = status, code, message
        self.headers = headers or {}

    def answer(self, request):
        request_id = str(uuid.uuid4())
        headers = {"x-amz-request-id": request_id, **self.headers}
        if request.method == "HEAD":
            return Answer(self.status, headers, b"", self.code)
        if request.service in JSON_SERVICES:
            body = json.dumps({"__type": self.code, "Message": self.message}).encode()
            return Answer(self.status, {**headers, "Content-Type": JSON}, body, self.code)
        error = f"<Code>{self.code}</Code><Message>{escape(self.message)}</Message>"
        if request.service == "s3":
            if request.bucket:
                error += f"<BucketName>{escape(request.bucket)}</BucketName>"
            xml = f"<Error>{error}<RequestId>{request_id}</RequestId></Error>"
        else:
            namespace = NAMESPACES.get(request.service, "")
            xml = (
                f'<ErrorResponse xmlns="{namespace}"><Error><Type>Sender</Type>{error}'
                f"</Error><RequestId>{request_id}</RequestId></ErrorResponse>"
            )
        return xml_answer(xml, self.status, headers, self.code)


def xml_answer(xml, status=200, headers=None, code=None):
    body = b'<?xml version="1.0" encoding="UTF-8"?>\n' + xml.encode()
    return Answer(status, {"Content-Type": "application/xml", **(headers or {})}, body, code)


def parse_xml(body):
    """The root element, with names that carry no namespace."""
    try:
        return ElementTree.fromstring(re.sub(rb' xmlns="[^"]*"', b"", body))
    except ElementTree.ParseError:
        raise AwsError(400, "MalformedXML", "The XML you provided was not well-formed or did not "
                       "validate against our published schema") from None


def query_answer(request, result=""):
    """The envelope of the Query protocol (IAM, STS)."""
    name, request_id = request.operation, uuid.uuid4()
    return xml_answer(
        f'<{name}Response xmlns="{NAMESPACES[request.service]}">'
        f"<{name}Result>{result}</{name}Result>"
        f"<ResponseMetadata><RequestId>{request_id}</RequestId></ResponseMetadata>"
        f"</{name}Response>"
    )


def element(name, value):
    return f"<{name}>{escape(str(value))}</{name}>"


def members(name, values):
    return f"<{name}>" + "".join(f"<member>{value}</member>" for value in values) + f"</{name}>"
