"""Parse the authfile: users, Karapace's permissions, and grants and roles, which Karapace does not have.

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
from collections.abc import Container, Mapping
from dataclasses import dataclass

import msgspec

from karapace_like.access.passwords import User
from karapace_like.access.policy import ALL_OPERATIONS, EVERY, IMPLIED, Grant, Grantee, Operation, Policy, ResourceKind
from karapace_like.access.principals import Method
from karapace_like.errors import NOT_JSON


class AuthfileError(Exception):
    """The file is invalid; the message says why, without quoting secrets."""


class _Access(enum.StrEnum):
    READ = "Read"
    WRITE = "Write"


_KARAPACE: Mapping[_Access, frozenset[Operation]] = {
    _Access.READ: frozenset({Operation.READ, Operation.DESCRIBE}),
    _Access.WRITE: ALL_OPERATIONS,
}


_METHODS = frozenset({Method.PASSWORD, Method.TOKEN, Method.CERTIFICATE})


class _Match(enum.StrEnum):
    LITERAL = "literal"
    PREFIX = "prefix"
    PATTERN = "pattern"
    """The name is a regular expression that matches whole names."""


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
    """The users and the policy of an authfile."""

    users: Mapping[str, User]
    policy: Policy


def parse(text: bytes) -> Authfile:
    """Parse the file; raise AuthfileError."""
    try:
        file = msgspec.json.decode(text, type=_File)
    except NOT_JSON as error:
        raise AuthfileError(str(error)) from error
    users = {user.username: user for user in file.users}
    grants = [
        *(_read_permission(permission, users, f"permissions[{at}]") for at, permission in enumerate(file.permissions)),
        *(_read_grant(grant, file.roles, users, f"grants[{at}]") for at, grant in enumerate(file.grants)),
    ]
    return Authfile(users, Policy(grants))


def _read_grantees(spelled: str, users: Container[str]) -> frozenset[Grantee]:
    """Return the principals that a grant names: `token:alice`, or `alice`.

    A name of `users` does not mean a token's subject: the issuer of tokens gives names to people of its own.
    Certificates are mapped to names by rules of the operator.
    """
    method, colon, name = spelled.partition(":")
    if colon and method in _METHODS:
        return frozenset({Grantee(name, Method(method))})
    if spelled in users:
        return frozenset({Grantee(spelled, Method.PASSWORD), Grantee(spelled, Method.CERTIFICATE)})
    return frozenset({Grantee(spelled)})


def _read_permission(permission: _Permission, users: Container[str], place: str) -> Grant:
    return Grant(
        _read_grantees(permission.username, users),
        frozenset(),
        _KARAPACE[permission.operation],
        _pattern(permission.resource, place),
    )


def _read_grant(grant: _Grant, members: Mapping[str, list[str]], users: Container[str], place: str) -> Grant:
    """Return the grant, with the members of its roles among its principals; tokens bring their own roles."""
    kind = ResourceKind.__members__.get(grant.resource.upper())
    if kind is None:
        raise AuthfileError(f"{place}.resource: {grant.resource!r} is not one of {', '.join(ResourceKind).lower()}")
    if not grant.principals and not grant.roles:
        raise AuthfileError(f"{place} has neither principals nor roles: name at least one")
    name = _matching(grant.name, grant.match)
    grantees = (*grant.principals, *(member for role in grant.roles for member in members.get(role, ())))
    return Grant(
        frozenset().union(*(_read_grantees(grantee, users) for grantee in grantees)),
        frozenset(grant.roles),
        frozenset(grant.operations).union(*(IMPLIED[operation] for operation in grant.operations)),
        _pattern(rf"{kind.value}:(?:{name})\Z", place),
        kind.name_resource(grant.name) if grant.match is _Match.LITERAL and grant.name != EVERY else None,
    )


def _matching(name: str, match: _Match) -> str:
    """Return the name as a regular expression; `*` is every name."""
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
