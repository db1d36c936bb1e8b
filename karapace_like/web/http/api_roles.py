"""The roles of routes: what a listener serves is said by the roles of the routes that it has."""

import enum
from collections.abc import Mapping
from typing import TypeAlias


class ApiRole(enum.StrEnum):
    """What a route is for."""

    REGISTRY = "registry"
    """Schemas, subjects, compatibility."""
    MANAGEMENT = "management"
    """Topics, groups, configs, ACLs and clusters of Kafka, and Kafka Connect."""
    DATA = "data"
    """Records: produce and consume, v2 and v3."""
    CONSOLE = "console"
    """Pages for people: the documentation of the API."""
    OPERATIONS = "operations"
    """Health and metrics."""


ApiRoles: TypeAlias = frozenset[ApiRole]
ALL_ROLES: ApiRoles = frozenset(ApiRole)
NAMED_ROLES: Mapping[str, ApiRoles] = {
    **{role.value: frozenset({role}) for role in ApiRole},
    "rest": frozenset({ApiRole.MANAGEMENT, ApiRole.DATA}),
}
"""The names that a listener may serve, each with its roles."""
