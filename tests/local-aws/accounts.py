"""Whose request it is, told from the access key id alone.

AKIATEST followed by an account id belongs to that account; a key that moto or
STS minted belongs to the account it was minted for; all others to 123456789012.
"""

import re
from dataclasses import dataclass

from moto.iam.models import iam_backends

INVALID_KEYS = {"AKIAINVALID0000000000"}
TEST_KEY = re.compile(r"AKIATEST(\d{12})")


@dataclass
class Session:
    account: str
    arn: str
    user_id: str


# Sessions of AssumeRoleWithWebIdentity, by access key id.
sessions = {}


def account_of(key):
    if test_key := TEST_KEY.fullmatch(key):
        return test_key[1]
    if key in sessions:
        return sessions[key].account
    # moto's own search makes an IAM backend, with every managed policy, for each account it knows of.
    for account, backends in list(dict.items(iam_backends)):
        for backend in list(dict.values(backends)):
            if key in backend.access_keys:
                return account
    return "123456789012"


def caller(key, partition):
    """The (arn, user id) that GetCallerIdentity names."""
    if key in sessions:
        return sessions[key].arn, sessions[key].user_id
    return f"arn:{partition}:iam::{account_of(key)}:user/tester", "AIDATESTER0000000000"
