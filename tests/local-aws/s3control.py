"""S3 Control: the public access block of an account."""

import public_access
from answer import NAMESPACES, Answer, AwsError


def answer(request, _issuers):
    account = request.headers.get("x-amz-account-id") or request.account_host
    if account != request.account:
        raise AwsError(403, "AccessDenied", "Access Denied")
    match request.operation:
        case "GetAccountPublicAccessBlock":
            block = public_access.account_blocks.get(account)
            return public_access.render(block, NAMESPACES["s3control"])
        case "PutAccountPublicAccessBlock":
            public_access.account_blocks[account] = public_access.parse(request.body)
            return Answer(201)
        case "DeleteAccountPublicAccessBlock":
            public_access.account_blocks.pop(account, None)
            return Answer(204)
    raise AwsError(405, "MethodNotAllowed", "The specified method is not allowed against this resource.")
