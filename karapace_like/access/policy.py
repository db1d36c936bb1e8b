"""Decide which operations a principal may perform on a resource, by grants; what is not granted is denied.

A resource is spelled as Karapace's authfiles do: its kind, a colon and its name, such as `Subject:orders-value`.
"""

import enum
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import NamedTuple

from karapace_like.access.principals import Method, Principal

EVERY = "*"
"""As the name of a resource: all of its kind, also future ones. No topic or group has this name."""
_CACHE_SIZE = 10_000


class Operation(enum.StrEnum):
    """What a principal does with a resource."""

    DESCRIBE = "describe"
    """See that it exists, and its settings."""
    READ = "read"
    """Read schemas or records; join a group and commit its offsets."""
    WRITE = "write"
    """Register schemas, produce records, change the offsets of a group."""
    REGISTER_EXISTING = "register_existing"
    """Register a schema that exists already, as producers do at each start."""
    DELETE = "delete"
    CONFIG = "config"
    """Change settings; create topics."""
    READ_SECRETS = "read_secrets"
    """See the secrets among the properties of a KEK."""


ALL_OPERATIONS = frozenset(Operation)
IMPLIED: Mapping[Operation, frozenset[Operation]] = {
    Operation.DESCRIBE: frozenset(),
    Operation.READ: frozenset({Operation.DESCRIBE}),
    Operation.WRITE: frozenset({Operation.DESCRIBE, Operation.REGISTER_EXISTING}),
    Operation.REGISTER_EXISTING: frozenset({Operation.DESCRIBE}),
    Operation.DELETE: frozenset({Operation.DESCRIBE}),
    Operation.CONFIG: frozenset({Operation.DESCRIBE}),
    Operation.READ_SECRETS: frozenset({Operation.DESCRIBE, Operation.READ}),
}


class ResourceKind(enum.StrEnum):
    """The kind of a resource."""

    SUBJECT = "Subject"
    CONTEXT = "Context"
    """A context, with all subjects in it."""
    CONFIG = "Config"
    """The settings of the registry."""
    TOPIC = "Topic"
    GROUP = "Group"
    CLUSTER = "Cluster"
    """Brokers, access control lists."""
    CONNECT = "Connect"
    """Connectors."""
    KEK = "Kek"
    """Key encryption keys."""

    def name_resource(self, name: str) -> str:
        """Return the spelling of the resource with this name."""
        return f"{self.value}:{name}"


class Grantee(NamedTuple):
    """A name that a grant is for."""

    name: str
    method: Method | None = None
    """How the caller must have been authenticated; None: in any way."""


EVERYBODY = Grantee("*")
"""Every authenticated caller."""


class Grant(NamedTuple):
    """Permission for some principals to perform some operations on some resources."""

    principals: frozenset["Grantee"]
    roles: frozenset[str]
    operations: frozenset[Operation]
    resources: re.Pattern[str]
    """Matches the beginning of the resources' spellings."""
    literal: str | None = None
    """The only resource, if the grant names exactly one."""

    def is_for(self, principal: Principal) -> bool:
        """Return whether the grant is for the principal."""
        return (
            EVERYBODY in self.principals
            or Grantee(principal.name) in self.principals
            or Grantee(principal.name, principal.method) in self.principals
            or not self.roles.isdisjoint(principal.roles)
        )


EVERYTHING = Grant(frozenset({EVERYBODY}), frozenset(), ALL_OPERATIONS, re.compile(""))


class Policy:
    """All grants, and the decision."""

    def __init__(self, grants: Iterable[Grant], is_reserved: Callable[[str], bool] | None = None) -> None:
        """`is_reserved`: whether a resource needs a literal grant for every operation but describe; None: none does."""
        self.grants = tuple(grants)
        self._is_reserved = is_reserved
        self._matchers: dict[tuple[Principal, Operation], tuple[re.Pattern[str], ...]] = {}

    def allows(self, principal: Principal, operation: Operation, *resources: str) -> bool:
        """Return whether the principal may perform the operation on a resource with these spellings."""
        is_reserved = self._is_reserved
        if is_reserved is not None and operation is not Operation.DESCRIBE and any(map(is_reserved, resources)):
            return any(grant.literal in resources for grant in self._grants_of(principal, operation))
        key = (principal, operation)
        matchers = self._matchers.get(key)
        if matchers is None:
            if len(self._matchers) >= _CACHE_SIZE:
                self._matchers.clear()
            grants = self._grants_of(principal, operation)
            matchers = self._matchers[key] = tuple(dict.fromkeys(grant.resources for grant in grants))
        return any(matcher.match(resource) for matcher in matchers for resource in resources)

    def _grants_of(self, principal: Principal, operation: Operation) -> Iterator[Grant]:
        return (grant for grant in self.grants if operation in grant.operations and grant.is_for(principal))


class Unrestricted:
    """Allows everybody everything: what an operator who configures no grants has asked for."""

    def allows(self, _: Principal, __: Operation, *___: str) -> bool:
        """Return True."""
        return True


UNRESTRICTED = Unrestricted()
Decision = Policy | Unrestricted
