"""The authfile: users, Karapace's permissions, and grants and roles, which Karapace does not have.

```json
{
  "users": [{"username": "alice", "algorithm": "scrypt", "salt": "...", "password_hash": "..."}],
  "permissions": [{"username": "alice", "operation": "Write", "resource": "Subject:orders.*"}],
  "roles": {"readers": ["bob", "carol"]},
  "grants": [{"roles": ["readers"], "operations": ["read"], "resource": "topic", "name": "orders-", "match": "prefix"}]
}
```
"""

import enum
import re
from collections.abc import Mapping
from dataclasses import dataclass

import msgspec

from karapace_like.access.passwords import User
from karapace_like.access.policy import ALL_OPERATIONS, EVERY, IMPLIED, Grant, Kind, Operation, Policy
from karapace_like.errors import NOT_JSON


class AuthfileError(Exception):
    """The file cannot be used; the message says why, without what it holds."""


class _Access(enum.StrEnum):
    READ = "Read"
    WRITE = "Write"


_KARAPACE: Mapping[_Access, frozenset[Operation]] = {
    _Access.READ: frozenset({Operation.READ, Operation.DESCRIBE}),
    _Access.WRITE: ALL_OPERATIONS,
}


class _Match(enum.StrEnum):
    LITERAL = "literal"
    PREFIX = "prefix"
    PATTERN = "pattern"
    """A regular expression for the whole name."""


class _Permission(msgspec.Struct, forbid_unknown_fields=True):
    username: str
    operation: _Access
    resource: str


class _Grant(msgspec.Struct, forbid_unknown_fields=True):
    operations: list[Operation]
    resource: str
    name: str = EVERY
    match: _Match = _Match.LITERAL
    principals: list[str] = []
    roles: list[str] = []


class _File(msgspec.Struct, forbid_unknown_fields=True):
    users: list[User] = []
    permissions: list[_Permission] = []
    roles: dict[str, list[str]] = {}
    grants: list[_Grant] = []


@dataclass(frozen=True, slots=True)
class Authfile:
    """What the file says."""

    users: Mapping[str, User]
    policy: Policy


def parse(text: bytes) -> Authfile:
    """The file's content; raises AuthfileError."""
    try:
        found = msgspec.json.decode(text, type=_File)
    except NOT_JSON as error:
        raise AuthfileError(str(error)) from error
    grants = [
        *(_permitted(each, f"permissions[{at}]") for at, each in enumerate(found.permissions)),
        *(_granted(each, found.roles, f"grants[{at}]") for at, each in enumerate(found.grants)),
    ]
    return Authfile({each.username: each for each in found.users}, Policy(grants))


def _permitted(permission: _Permission, place: str) -> Grant:
    return Grant(
        frozenset({permission.username}),
        frozenset(),
        _KARAPACE[permission.operation],
        _pattern(permission.resource, place),
    )


def _granted(grant: _Grant, members: Mapping[str, list[str]], place: str) -> Grant:
    """The grant, with the members of its roles among its principals: tokens bring roles of their own."""
    kind = Kind.__members__.get(grant.resource.upper())
    if kind is None:
        raise AuthfileError(f"{place}.resource: {grant.resource!r} is none of {', '.join(Kind).lower()}")
    if not grant.principals and not grant.roles:
        raise AuthfileError(f"{place}: neither principals nor roles")
    name = _matching(grant.name, grant.match)
    return Grant(
        frozenset(grant.principals).union(*(members.get(each, ()) for each in grant.roles)),
        frozenset(grant.roles),
        frozenset(grant.operations).union(*(IMPLIED[each] for each in grant.operations)),
        _pattern(rf"{kind.value}:(?:{name})\Z", place),
    )


def _matching(name: str, match: _Match) -> str:
    """The name as a regular expression; `*` is every name."""
    if name == EVERY and match is not _Match.PATTERN:
        return r"(?s:.*)"
    return {
        _Match.LITERAL: re.escape(name),
        _Match.PREFIX: re.escape(name) + "(?s:.*)",
        _Match.PATTERN: name,
    }[match]


def _pattern(text: str, place: str) -> re.Pattern[str]:
    try:
        return re.compile(text)
    except re.error as error:
        raise AuthfileError(f"{place}: {error}") from error
