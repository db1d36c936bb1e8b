"""Who a caller is."""

import enum
from typing import NamedTuple


class Method(enum.StrEnum):
    """How a caller has proved who he is."""

    PASSWORD = "password"  # noqa: S105 - the name of a method
    TOKEN = "token"  # noqa: S105 - the name of a method
    CERTIFICATE = "certificate"
    NODE = "node"
    """Another process of this service, which asks for itself and has proved that it is one."""


class Principal(NamedTuple):
    """A caller who has proved who he is."""

    name: str
    """The user name, the token's subject, or what the certificate's subject is mapped to."""
    method: Method
    roles: frozenset[str] = frozenset()
    """What the token says he is."""


class Proved(NamedTuple):
    """Who a caller has proved to be, and for how long that counts."""

    principal: Principal
    expires: float = float("inf")
    """Seconds since the epoch."""
