"""Whose request it is, told from the access key id alone.

AKIATEST followed by an account id belongs to that account; a key that moto or
STS minted belongs to the account it was minted for; all others to 123456789012.
"""

import re
from dataclasses import dataclass

from moto.iam.models import get_account_id_from

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
    return get_account_id_from(key)


def caller(key, partition):
    """The (arn, user id) that GetCallerIdentity names."""
    if key in sessions:
        return sessions[key].arn, sessions[key].user_id
    return f"arn:{partition}:iam::{account_of(key)}:user/tester", "AIDATESTER0000000000"
