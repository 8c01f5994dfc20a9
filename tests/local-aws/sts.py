"""STS: who is calling, and web identity tokens exchanged for sessions."""

import datetime
import re
import secrets
import string

from moto.iam.models import iam_backends

import accounts
import trust_policy
import web_identity
from answer import AwsError, element, query_answer
from moto_backend import forward

ROLE_ARN = re.compile(r"arn:(aws[a-z-]*):iam::(\d{12}):role/(?:.*/)?([\w+=,.@-]+)")
SESSION_NAME = re.compile(r"[\w+=,.@-]{2,64}", re.ASCII)


def answer(request, issuers):
    if request.operation == "GetCallerIdentity":
        arn, user_id = accounts.caller(request.access_key, request.partition)
        return query_answer(request, element("Arn", arn) + element("UserId", user_id)
                            + element("Account", request.account))
    if request.operation == "AssumeRoleWithWebIdentity":
        return assume_role(request, issuers)
    if request.operation == "AssumeRole":
        return _known_session(request)
    return forward(request, request.account)


def _known_session(request):
    """moto's own AssumeRole, whose session the other services here must know."""
    answer = forward(request, request.account)
    if found := re.search(rb"<AccessKeyId>(\w+)<", answer.body):
        arn = re.search(rb"<Arn>(.+?)<", answer.body)[1].decode()
        accounts.sessions[found[1].decode()] = accounts.Session(
            arn.split(":")[4], arn, "AROATESTER0000000000:session")
    return answer


def assume_role(request, issuers):
    arn, session, token, seconds = _read(request)
    partition, account, role_name = arn.groups()
    request.account = account
    provider_arn, subject, audience = web_identity.verify(token, account, partition, issuers)
    host_path = provider_arn.partition("/")[2].lower()
    context = {f"{host_path}:sub": subject, f"{host_path}:aud": audience}
    role = next((role for role in iam_backends[account][partition].roles.values()
                 if role.arn == arn[0]), None)
    if role is None or not trust_policy.allows(
            role.assume_role_policy_document, provider_arn, context):
        raise AwsError(403, "AccessDenied", "Not authorized to perform sts:AssumeRoleWithWebIdentity")
    if seconds > int(role.max_session_duration or 3600):
        raise AwsError(400, "ValidationError", "The requested DurationSeconds exceeds the "
                       "MaxSessionDuration set for this role.")

    key = "ASIA" + "".join(secrets.choice(string.ascii_uppercase + "234567") for _ in range(16))
    user = accounts.Session(
        account, f"arn:{partition}:sts::{account}:assumed-role/{role_name}/{session}",
        f"{role.id}:{session}")
    accounts.sessions[key] = user
    expiration = datetime.datetime.now(datetime.UTC) + datetime.timedelta(seconds=seconds)
    credentials = "".join((
        element("AccessKeyId", key),
        element("SecretAccessKey", secrets.token_urlsafe(30)),
        element("SessionToken", secrets.token_urlsafe(90)),
        element("Expiration", expiration.strftime("%Y-%m-%dT%H:%M:%SZ")),
    ))
    return query_answer(request, "".join((
        f"<Credentials>{credentials}</Credentials>",
        element("SubjectFromWebIdentityToken", subject),
        f"<AssumedRoleUser>{element('AssumedRoleId', user.user_id)}{element('Arn', user.arn)}"
        "</AssumedRoleUser>",
        element("Provider", provider_arn),
        element("Audience", audience),
    )))


def _read(request):
    """The parameters, within the bounds of the API Reference."""
    parameters = request.params
    arn = ROLE_ARN.fullmatch(parameters.get("RoleArn", ""))
    session = parameters.get("RoleSessionName", "")
    token = parameters.get("WebIdentityToken", "")
    seconds = parameters.get("DurationSeconds", "3600")
    for name, good in (
        ("roleArn", arn),
        ("roleSessionName", SESSION_NAME.fullmatch(session)),
        ("webIdentityToken", 4 <= len(token) <= 20000),
        ("durationSeconds", seconds.isdigit() and 900 <= int(seconds) <= 43200),
    ):
        if not good:
            raise AwsError(400, "ValidationError", f"1 validation error detected: Value at '{name}' "
                           "failed to satisfy constraint")
    return arn, session, token, int(seconds)
