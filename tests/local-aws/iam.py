"""IAM: OIDC providers are ours, roles are moto's behind AWS's checks of the
trust policy, all else is moto's.
"""

import re

import providers
import trust_policy
from answer import AwsError
from moto_backend import forward

# Service quota "Role trust policy length", without white space.
TRUST_POLICY_CHARACTERS = 2048


def answer(request, issuers):
    if operation := providers.OPERATIONS.get(request.operation):
        return operation(request, issuers)
    if request.operation == "CreateRole":
        _check_trust(request.params.get("AssumeRolePolicyDocument", ""))
    if request.operation == "UpdateAssumeRolePolicy":
        _check_trust(request.params.get("PolicyDocument", ""))
    return forward(request, request.account)


def _check_trust(document):
    trust_policy.check(document)
    if len(re.sub(r"\s", "", document)) > TRUST_POLICY_CHARACTERS:
        raise AwsError(409, "LimitExceeded",
                       f"Cannot exceed quota for ACLSizePerRole: {TRUST_POLICY_CHARACTERS}")
