"""Role trust policies: what IAM refuses to store, and what STS reads in them."""

import json
import re
from fnmatch import fnmatchcase

from answer import AwsError

FIELDS = {"Sid", "Effect", "Principal", "NotPrincipal", "Action", "NotAction", "Condition"}
OPERATOR = re.compile(
    r"(?:(?:ForAnyValue|ForAllValues):)?"
    r"(?:String(?:Not)?(?:Equals|EqualsIgnoreCase|Like)|Arn(?:Not)?(?:Equals|Like)"
    r"|Numeric(?:(?:Not)?Equals|(?:Less|Greater)Than(?:Equals)?)"
    r"|Date(?:(?:Not)?Equals|(?:Less|Greater)Than(?:Equals)?)"
    r"|Bool|BinaryEquals|(?:Not)?IpAddress)(?:IfExists)?|Null")
FEDERATED = re.compile(
    r"arn:aws[a-z-]*:iam::\d{12}:(?:oidc|saml)-provider/.+|[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+")
ACTION = "sts:assumerolewithwebidentity"


def as_list(value):
    return value if isinstance(value, list) else [value]


def _malformed(message):
    return AwsError(400, "MalformedPolicyDocument", message)


def check(document):
    try:
        policy = json.loads(document)
    except ValueError:
        policy = None
    if not isinstance(policy, dict):
        raise _malformed("This policy contains invalid Json")
    if unknown := set(policy) - {"Version", "Id", "Statement"}:
        raise _malformed(f"Unknown field {min(unknown)}")
    if policy.get("Version", "2008-10-17") not in ("2012-10-17", "2008-10-17"):
        raise _malformed("The policy must contain a valid version string")
    if not policy.get("Statement"):
        raise _malformed("Syntax errors in policy.")
    for statement in as_list(policy["Statement"]):
        _check_statement(statement)


def _check_statement(statement):
    if not isinstance(statement, dict):
        raise _malformed("Syntax errors in policy.")
    for name in ("Resource", "NotResource"):
        if name in statement:
            raise _malformed(f"Has prohibited field {name}")
    if unknown := set(statement) - FIELDS:
        raise _malformed(f"Unknown field {min(unknown)}")
    for name in ("Effect", "Principal", "Action"):
        if not statement.get(name) and not statement.get("Not" + name):
            raise _malformed(f"Missing required field {name}")
    if statement["Effect"] not in ("Allow", "Deny"):
        raise _malformed(f"Invalid effect: {statement['Effect']}")
    for action in as_list(statement.get("Action", [])):
        if not (action == "*" or str(action).lower().startswith("sts:")):
            raise _malformed("AssumeRole policy may only specify STS AssumeRole actions.")
    principal = statement.get("Principal", {})
    if isinstance(principal, dict):
        for federated in as_list(principal.get("Federated", [])):
            if not FEDERATED.fullmatch(str(federated)):
                raise _malformed("Federated principals must be valid domain names or SAML metadata ARNs")
    elif principal != "*":
        raise _malformed("Invalid principal in policy")
    for operator in statement.get("Condition", {}):
        if not OPERATOR.fullmatch(operator):
            raise _malformed(f"Invalid Condition type : {operator}.")


def allows(document, provider_arn, context):
    """Whether a token of the provider may assume the role; `context` holds
    the condition keys by lower-case name."""
    allowed = False
    for statement in as_list(json.loads(document)["Statement"]):
        principal = statement.get("Principal")
        named = principal == "*" or provider_arn in as_list(
            principal.get("Federated", []) if isinstance(principal, dict) else [])
        action = any(fnmatchcase(ACTION, each.lower()) for each in as_list(statement.get("Action", [])))
        if not (named and action and _holds(statement.get("Condition", {}), context)):
            continue
        if statement["Effect"] == "Deny":
            return False
        allowed = True
    return allowed


def _holds(condition, context):
    return all(
        _compare(operator, context.get(key.lower()), [str(each) for each in as_list(wanted)])
        for operator, keys in condition.items()
        for key, wanted in keys.items()
    )


def _compare(operator, value, wanted):
    """String operators on single-valued keys; a token has no others."""
    if operator == "Null":
        return [str(value is None).lower()] == [each.lower() for each in wanted]
    operator = operator.removeprefix("ForAnyValue:")
    if operator.startswith("ForAllValues:"):
        operator = operator.removeprefix("ForAllValues:") + "IfExists"
    base = operator.removesuffix("IfExists")
    if value is None:
        return base != operator or "Not" in base
    if base.endswith("EqualsIgnoreCase"):
        found = value.lower() in [each.lower() for each in wanted]
    elif base.endswith("Like"):
        found = any(fnmatchcase(value, each.replace("[", "[[]")) for each in wanted)
    elif base.endswith("Equals") and base.startswith("String"):
        found = value in wanted
    else:
        return False
    return found != ("Not" in base)
