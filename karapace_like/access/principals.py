"""The identity of a caller."""

import enum
from typing import NamedTuple


class Method(enum.StrEnum):
    """How a caller was authenticated."""

    PASSWORD = "password"  # noqa: S105 - the name of a method
    TOKEN = "token"  # noqa: S105 - the name of a method
    CERTIFICATE = "certificate"
    NONE = "none"
    """Callers are not authenticated."""
    NODE = "node"
    """Another process of this service, which calls on its own behalf and has proved its identity."""


class Principal(NamedTuple):
    """An authenticated caller."""

    name: str
    """The user name, the token's subject, or what the certificate's subject is mapped to."""
    method: Method
    roles: frozenset[str] = frozenset()
    """The roles that the token grants."""

    @property
    def key(self) -> str:
        """The identity of the caller: the same name proved in another way may be another person or program."""
        return f"{self.method}:{self.name}"


class Proved(NamedTuple):
    """An authenticated caller, and until when the authentication is valid."""

    principal: Principal
    expires: float = float("inf")
    """Seconds since the epoch."""
