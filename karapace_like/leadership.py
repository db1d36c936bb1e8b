"""Types of leadership that settings, election, topic and registry share: strategy, fencing, term, takeover."""

import enum
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

from karapace_like.errors import KafkaFailure


class Strategy(enum.StrEnum):
    """Which eligible node becomes primary: the one with the lowest or the highest URL, compared as strings."""

    LOWEST = "lowest"
    HIGHEST = "highest"


class Fencing(enum.StrEnum):
    """How the brokers are made to reject the writes of a deposed primary."""

    AUTO = "auto"
    """By epoch; where the cluster does not fence so, as `TRANSACTION`, with a warning."""
    EPOCH = "epoch"
    """By the producer's epoch only; a node that cannot does not lead."""
    TRANSACTION = "transaction"
    """In transactions, unless a member of the group runs another product or the cluster forbids it: then a warning is
    logged, and only the election keeps a second primary from writing."""
    ON = "on"
    """By epoch or in transactions; a node that can do neither does not lead."""
    OFF = "off"
    """Never: only the election keeps a second primary from writing."""

    @property
    def is_required(self) -> bool:
        """Whether a node that cannot fence must not lead."""
        return self in {Fencing.EPOCH, Fencing.ON}

    @property
    def tries_epoch(self) -> bool:
        """Whether the fence by epoch is tried first."""
        return self in {Fencing.AUTO, Fencing.EPOCH, Fencing.ON}


class DeposedError(KafkaFailure):
    """This node's term has ended: the brokers reject its writes, or its lease has expired."""

    def __init__(self, message: str, *, is_outcome_known: bool = True) -> None:
        super().__init__("PRODUCER_FENCED", message, retriable=True)
        self.is_outcome_known = is_outcome_known
        """True: nothing was written. False: the batch may have been written."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Term:
    """The term of this node as primary."""

    number: int
    """The generation of the election's group."""
    foreign: tuple[str, ...] = ()
    """URLs of the members that run another product: they do not fence."""
    earlier: tuple[str, ...] = ()
    """URLs of the members that run a release which knows no fence by epoch: they write before their epoch is seen."""
    has_lease: Callable[[], bool] = lambda: True
    """Whether no other node can have been elected by now: as long as heartbeats are confirmed in time."""


class Takeover(NamedTuple):
    """The result of taking over: the node may write once it has applied the topic up to `end`."""

    end: int
    """The offset up to which the node has to apply the topic before its first write."""
    is_fenced: bool
    """Whether the brokers reject the writes of every earlier primary; else only the election prevents them."""
