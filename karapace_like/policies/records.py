"""The records of the policies topic: a key that names the policy, and the policy as JSON; a tombstone deletes it.

A record that this release does not understand changes nothing but the count of such records: an unknown field may be a
rule of a later release, which this one would not enforce. So the name is kept, and its topics accept no records.
"""

from typing import Literal, NamedTuple

import msgspec

from karapace_like.errors import NOT_JSON
from karapace_like.policies import names
from karapace_like.policies.errors import InvalidPolicyError
from karapace_like.policies.parsing import parse_policy
from karapace_like.policies.policy import TopicPolicy

MARK = b'{"keytype":"NOOP"}'
"""The key of the record that says nothing."""


class PolicyRecord(NamedTuple):
    """One record, as the store applies it."""

    name: str
    policy: TopicPolicy | None
    """None deletes the policy."""
    problem: str | None = None
    """Why the policy cannot be used; None if it can."""


class _Key(msgspec.Struct, frozen=True):
    keytype: Literal["POLICY"]
    name: str


def encode(record: PolicyRecord) -> tuple[bytes, bytes | None]:
    """Return the key and value of the record."""
    key = msgspec.json.encode(_Key("POLICY", record.name))
    return key, None if record.policy is None else msgspec.json.encode(record.policy)


def decode(key: bytes | None, value: bytes | None) -> PolicyRecord | None:
    """Return the record; None for one that is about no policy."""
    try:
        name = msgspec.json.decode(key or b"", type=_Key).name
    except NOT_JSON:
        return None
    if not names.is_name(name):
        return None
    if value is None:
        return PolicyRecord(name, None)
    try:
        return PolicyRecord(name, parse_policy(msgspec.json.decode(value)))
    except InvalidPolicyError as error:
        return PolicyRecord(name, None, error.message)
    except NOT_JSON as error:
        return PolicyRecord(name, None, str(error))
