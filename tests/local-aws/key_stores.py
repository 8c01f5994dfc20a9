"""Secrets Manager and Parameter Store: moto's, behind AWS's rules for what is created.

A private key may be in one place of all requests: the value of the call that puts it. There, and
nowhere else, the log has its hash.
"""

import hashlib
import json
import re

from moto.secretsmanager.models import secretsmanager_backends

from answer import AwsError
from moto_backend import forward

SECRET_NAME = re.compile(r"[A-Za-z0-9/_+=.@-]{1,512}", re.ASCII)
PARAMETER_NAME = re.compile(r"/?[\w.-]+(/[\w.-]+){0,14}", re.ASCII)
TAG = re.compile(r"[\w .:/=+@-]*")
PUTS = {("secretsmanager", "CreateSecret"): "SecretString", ("ssm", "PutParameter"): "Value"}


def redacted(request):
    """The body of a call that puts a key, with a hash in the key's place; none of other calls."""
    member = PUTS.get((request.service, request.operation))
    try:
        body = json.loads(request.body)
        secure = request.service == "secretsmanager" or body["Type"] == "SecureString"
        value = body[member]
    except (ValueError, KeyError, TypeError):
        return None
    if not secure:
        return None
    return json.dumps({**body, member: "sha256:" + hashlib.sha256(value.encode()).hexdigest()})


def secrets_manager(request, _issuers):
    body = _body(request, "InvalidRequestException")
    if request.operation == "CreateSecret":
        _check_secret(request, body)
    return forward(request, request.account)


def _check_secret(request, body):
    def check(holds, message, code="InvalidParameterException"):
        if not holds:
            raise AwsError(400, code, message)

    name = body.get("Name", "")
    check(SECRET_NAME.fullmatch(name), "Invalid name. Must be a valid name containing alphanumeric "
          "characters, or any of the following: -/_+=.@!")
    check(32 <= len(body.get("ClientRequestToken", "")) <= 64,
          "You must provide a ClientRequestToken of 32 to 64 characters.")
    check(len(body.get("SecretString", "x").encode()) <= 65536, "SecretString is too long.")
    _check_tags(body, check)
    found = secretsmanager_backends[request.account][request.region].secrets.get(name)
    if found is None:
        return
    check(not found.deleted_date, "You can't create this secret because a secret with this name is "
          "already scheduled for deletion.", "InvalidRequestException")
    version = found.versions.get(body["ClientRequestToken"])
    check(version and version.get("secret_string") == body.get("SecretString"),
          f"The operation failed because the secret {name} already exists.",
          "ResourceExistsException")


def parameter_store(request, _issuers):
    body = _body(request, "ValidationException")
    if request.operation == "PutParameter":
        _check_parameter(body)
    return forward(request, request.account)


def _check_parameter(body):
    def check(holds, message, code="ValidationException"):
        if not holds:
            raise AwsError(400, code, message)

    name = body.get("Name", "")
    check(PARAMETER_NAME.fullmatch(name), "Parameter name: can't be prefixed with \"ssm\" "
          "(case-insensitive) and may only contain a-zA-Z0-9_.-/")
    check(not re.match(r"/?(aws|ssm)", name, re.IGNORECASE),
          "Parameter name: can't be prefixed with \"aws\" or \"ssm\" (case-insensitive).",
          "AccessDeniedException")
    limit = 8192 if body.get("Tier") == "Advanced" else 4096
    check(len(body.get("Value", "").encode()) <= limit,
          f"Standard tier parameters support a maximum parameter value of {limit} characters.")
    check(not (body.get("Overwrite") and body.get("Tags")), "Invalid request: tags and overwrite "
          "can't be used together. To create a parameter with tags, please remove overwrite flag.")
    _check_tags(body, check)


def _check_tags(body, check):
    for tag in body.get("Tags", []):
        key, value = tag["Key"], tag["Value"]
        check(0 < len(key) <= 128 and len(value) <= 256 and TAG.fullmatch(key + value)
              and not key.lower().startswith("aws:"), f"Invalid tag {key}.")


def _body(request, code):
    try:
        return json.loads(request.body)
    except ValueError:
        raise AwsError(400, code, "The request is not JSON.") from None
