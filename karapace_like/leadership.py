"""The words that settings, election, topic and registry share: how a primary is chosen, its term, and the end of it."""

import enum
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

from karapace_like.errors import KafkaFailure


class Strategy(enum.StrEnum):
    """Which of the eligible nodes becomes primary: the one with this URL among them, compared as strings."""

    LOWEST = "lowest"
    HIGHEST = "highest"


class Fencing(enum.StrEnum):
    """Whether the primary writes in transactions, which a deposed one cannot."""

    AUTO = "auto"
    """Unless a member of the group is another product, or the cluster forbids it; with a warning then."""
    ON = "on"
    """Always; a node that may not does not lead."""
    OFF = "off"


class DeposedError(KafkaFailure):
    """The cluster refuses the writes of this term: another primary has begun, or nobody can tell any more."""

    def __init__(self, message: str, *, is_outcome_known: bool = True) -> None:
        super().__init__("PRODUCER_FENCED", message, retriable=True)
        self.is_outcome_known = is_outcome_known
        """Whether nothing was written; if not, it may have been."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Term:
    """One election that this node has won."""

    number: int
    """The group's generation."""
    foreign: tuple[str, ...] = ()
    """URLs of the members that are other products: they know nothing of fencing."""
    is_certain: Callable[[], bool] = lambda: True
    """Whether nobody else can have been elected by now: true between two heartbeats that arrive in time."""


class Takeover(NamedTuple):
    """What a node has once it may write."""

    end: int
    """The offset up to which everything is to be applied before its first write."""
    is_fenced: bool
    """Whether the cluster refuses every earlier primary's writes; else only the election keeps them away."""
