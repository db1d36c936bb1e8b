"""Writes: the request, its possible outcomes, and the port to the primary.

Outcomes are values, so that each caller decides what they mean to its client.
"""

from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeAlias, TypeVar

from karapace_like.replication.planning import Planner

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)
R = TypeVar("R")
R_co = TypeVar("R_co", covariant=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class WriteRequest(Generic[T]):
    """A change of the state that a client requests."""

    planner: Planner[Any, Any, T]
    key: str | None = None
    """What the plan compares the change with, such as a subject's versions; None if it compares with nothing."""
    is_repeatable: bool = True
    """Whether a second attempt has the same answer after the first one was written; a deletion would find nothing."""


@dataclass(frozen=True, slots=True)
class Written(Generic[T_co]):
    """The records are applied here, or there was nothing to write."""

    answer: T_co


@dataclass(frozen=True, slots=True)
class Forwarded(Generic[R_co]):
    """The primary's response; its records are applied here."""

    response: R_co
    offset: int | None = None
    """The offset up to which the primary has applied the topic; None where the response names none."""
    is_success: bool = True
    """Whether the primary may have written something; otherwise it refused."""


@dataclass(frozen=True, slots=True)
class Unknown:
    """The records may be in the topic or not."""

    reason: str
    was_forwarded: bool = False
    """Whether the connection to the primary failed, rather than a write of this node."""


@dataclass(frozen=True, slots=True)
class NotWritten:
    """An attempt that failed because this node, or the one that it forwarded to, may not write now."""

    reason: str
    is_outcome_known: bool = True
    """Whether certainly nothing was written; otherwise the records may be in the topic."""


WriteOutcome: TypeAlias = Written[T] | Forwarded[R] | Unknown


class Forwarder(Protocol[R_co]):
    """Forwards one request. The write path decides when, and to which node."""

    @property
    def was_forwarded(self) -> bool:
        """Whether another node has forwarded the request to this one, which must not forward it again."""
        ...

    def is_awaited(self) -> bool:
        """Return whether the client still waits for the answer."""
        ...

    async def forward(self, primary: str) -> Forwarded[R_co] | NotWritten:
        """Send the request to the node at this address, once."""
        ...
