"""Who may do what: grants of operations on resources, and the decision. What nobody has granted is refused.

A resource is spelled as Karapace's authfiles do: its kind, a colon and its name, such as `Subject:orders-value`.
"""

import enum
import re
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from karapace_like.access.principals import Principal

EVERYBODY = "*"
"""As a grant's principal: whoever has proved who he is."""
EVERY = "*"
"""As a resource's name: all of its kind, also those that are yet to be made. No topic or group has this name."""
_REMEMBERED = 10_000


class Operation(enum.StrEnum):
    """What a principal does with a resource."""

    DESCRIBE = "describe"
    """See that it is there, and how it is set up."""
    READ = "read"
    """Read schemas or records; go on as a group."""
    WRITE = "write"
    """Register schemas, produce records, move a group."""
    REGISTER_EXISTING = "register_existing"
    """Ask to register a schema that is there already, as producers do all day."""
    DELETE = "delete"
    CONFIG = "config"
    """Change settings; make topics."""


ALL_OPERATIONS = frozenset(Operation)
IMPLIED: Mapping[Operation, frozenset[Operation]] = {
    Operation.DESCRIBE: frozenset(),
    Operation.READ: frozenset({Operation.DESCRIBE}),
    Operation.WRITE: frozenset({Operation.DESCRIBE, Operation.REGISTER_EXISTING}),
    Operation.REGISTER_EXISTING: frozenset({Operation.DESCRIBE}),
    Operation.DELETE: frozenset({Operation.DESCRIBE}),
    Operation.CONFIG: frozenset({Operation.DESCRIBE}),
}


class Kind(enum.StrEnum):
    """What a resource is."""

    SUBJECT = "Subject"
    CONTEXT = "Context"
    """All subjects in it, too."""
    CONFIG = "Config"
    """The registry's own settings."""
    TOPIC = "Topic"
    GROUP = "Group"
    CLUSTER = "Cluster"
    """Brokers, access control lists."""
    CONNECT = "Connect"
    """Connectors."""

    def named(self, name: str) -> str:
        """The resource of this name."""
        return f"{self.value}:{name}"


class Grant(NamedTuple):
    """Operations that some may do on some resources."""

    principals: frozenset[str]
    roles: frozenset[str]
    operations: frozenset[Operation]
    resources: re.Pattern[str]
    """Matches the beginning of the resources' spellings."""

    def is_for(self, principal: Principal) -> bool:
        """Whether the principal has this grant."""
        return (
            EVERYBODY in self.principals
            or principal.name in self.principals
            or not self.roles.isdisjoint(principal.roles)
        )


class Policy:
    """All grants."""

    def __init__(self, grants: Iterable[Grant]) -> None:
        self._grants = tuple(grants)
        self._matchers: dict[tuple[Principal, Operation], tuple[re.Pattern[str], ...]] = {}

    def allows(self, principal: Principal, operation: Operation, *resources: str) -> bool:
        """Whether the principal may do this with a resource that has all of these spellings."""
        key = (principal, operation)
        matchers = self._matchers.get(key)
        if matchers is None:
            if len(self._matchers) >= _REMEMBERED:
                self._matchers.clear()
            found = (each for each in self._grants if operation in each.operations and each.is_for(principal))
            matchers = self._matchers[key] = tuple(dict.fromkeys(each.resources for each in found))
        return any(matcher.match(resource) for matcher in matchers for resource in resources)
