"""Bucket policies: whether S3 takes one, calls it public, and what it allows
to callers from outside of the account.
"""

import json
from fnmatch import fnmatchcase

from answer import AwsError

FIELDS = {"Sid", "Effect", "Principal", "NotPrincipal", "Action", "NotAction", "Resource",
          "NotResource", "Condition"}
# Keys whose fixed values make a policy non-public (S3 User Guide, "The meaning of public").
FIXED = {"aws:sourcearn", "aws:sourceaccount", "aws:sourcevpc", "aws:sourcevpce", "aws:sourceip",
         "aws:sourceowner", "aws:principalorgid", "aws:principalarn", "aws:principalaccount",
         "aws:userid", "s3:dataaccesspointarn", "s3:dataaccesspointaccount"}
BUCKET_ACTIONS = ("s3:list", "s3:getbucket", "s3:putbucket", "s3:deletebucket", "s3:getencryption",
                  "s3:getlifecycle", "s3:createbucket")


def as_list(value):
    return value if isinstance(value, list) else [value]


def malformed(message):
    return AwsError(400, "MalformedPolicy", message)


def parse(body, bucket, partition):
    try:
        policy = json.loads(body)
    except ValueError:
        policy = None
    if not isinstance(policy, dict):
        raise malformed("Policies must be valid JSON and the first byte must be '{'")
    if policy.get("Version", "2008-10-17") not in ("2012-10-17", "2008-10-17"):
        raise malformed("The policy must contain a valid version string")
    if not policy.get("Statement"):
        raise malformed("Missing required field Statement")
    if unknown := set(policy) - {"Version", "Id", "Statement"}:
        raise malformed(f"Unknown field {min(unknown)}")
    for statement in as_list(policy["Statement"]):
        _check_statement(statement, f"arn:{partition}:s3:::{bucket}")
    return policy


def _check_statement(statement, bucket_arn):
    if not isinstance(statement, dict):
        raise malformed("Policy statement must be an object")
    if unknown := set(statement) - FIELDS:
        raise malformed(f"Unknown field {min(unknown)}")
    for name in ("Effect", "Principal", "Action", "Resource"):
        if not statement.get(name) and not statement.get("Not" + name):
            raise malformed(f"Missing required field {name}")
    if statement["Effect"] not in ("Allow", "Deny"):
        raise malformed(f"Invalid effect: {statement['Effect']}")
    if not _is_principal(statement.get("Principal") or statement["NotPrincipal"]):
        raise malformed("Invalid principal in policy")
    actions = as_list(statement.get("Action") or statement["NotAction"])
    if not all(isinstance(a, str) and (a == "*" or a.lower().startswith("s3:")) for a in actions):
        raise malformed("Policy has invalid action")
    resources = as_list(statement.get("Resource") or statement["NotResource"])
    if not all(isinstance(r, str) and (r == bucket_arn or r.startswith(bucket_arn + "/")
                                       or r == bucket_arn + "*") for r in resources):
        raise malformed("Policy has invalid resource")
    if all(resource == bucket_arn for resource in resources) and not any(
            "*" in action or action.lower().startswith(BUCKET_ACTIONS) for action in actions):
        raise malformed("Action does not apply to any resource(s) in statement")


def _is_principal(principal):
    if principal == "*":
        return True
    if not isinstance(principal, dict) or not principal:
        return False
    for kind, values in principal.items():
        if kind not in ("AWS", "Service", "Federated", "CanonicalUser"):
            return False
        for value in as_list(values):
            if not isinstance(value, str):
                return False
            account = value.isdigit() and len(value) == 12
            if kind == "AWS" and not (value == "*" or account or value.startswith("arn:")):
                return False
    return True


def _names_everyone(statement):
    principal = statement.get("Principal")
    if isinstance(principal, dict):
        principal = "*" if "*" in as_list(principal.get("AWS", [])) else None
    return principal == "*" or "NotPrincipal" in statement


def is_public(policy):
    for statement in as_list(policy["Statement"]):
        if statement["Effect"] != "Allow" or not _names_everyone(statement):
            continue
        fixed = any(
            key.lower() in FIXED and not any("*" in str(value) for value in as_list(values))
            for keys in statement.get("Condition", {}).values()
            for key, values in keys.items()
        )
        if not fixed:
            return True
    return False


def allows_everyone(policy, action, arn, secure):
    """What a caller without a name gets. A condition that is not on the
    transport never holds for such a caller."""
    allowed = False
    for statement in as_list(policy["Statement"]):
        if not (_names_everyone(statement) and _covers(statement, action, arn)
                and _holds(statement.get("Condition", {}), secure)):
            continue
        if statement["Effect"] == "Deny":
            return False
        allowed = True
    return allowed


def _covers(statement, action, arn):
    def matches(name, value):
        return any(fnmatchcase(value, pattern.replace("[", "[[]"))
                   for pattern in as_list(statement[name]))

    covered = matches("Resource", arn) if "Resource" in statement else not matches("NotResource", arn)
    lower = {name: [each.lower() for each in as_list(statement[name])]
             for name in ("Action", "NotAction") if name in statement}
    named = any(fnmatchcase(action.lower(), each) for each in next(iter(lower.values())))
    return covered and named == ("Action" in lower)


def _holds(condition, secure):
    return all(
        operator == "Bool" and key.lower() == "aws:securetransport"
        and str(value).lower() == str(secure).lower()
        for operator, keys in condition.items()
        for key, value in keys.items()
    )
