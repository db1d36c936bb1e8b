"""A lease: the records of one poll of a member, which are locked for it until a time.

The member cannot poll again before each of them is acknowledged, or the lease has ended. Receipts name a record of a
lease. The brokers answer a late acknowledgement without an error, so this clock decides alone whether it is late.
"""

import asyncio
import secrets
from bisect import bisect
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from karapace_like.proxy.shares import Shares
from karapace_like.records import AcquiredRecord, Outcome

_TOKEN_BYTES = 12
_LEAST_MARGIN_SECONDS = 1.0
_MARGIN = 0.1
"""Part of the lock's duration that is left for the acknowledgement to reach the brokers."""
_WAITING = 0.4
"""Part of the lock's duration for which records wait for a receiver, which needs the rest to process them."""


@dataclass(slots=True, eq=False)
class Lease:
    """Times are on the clock of the event loop."""

    records: Sequence[AcquiredRecord]
    began: float
    """When the records were locked, at the earliest."""
    lock_seconds: float
    shares: Shares
    """Of the callers that hold records of leases."""
    token: str = field(default_factory=lambda: secrets.token_hex(_TOKEN_BYTES))
    """Not to be guessed: it is the proof that the holder of a receipt has received the record."""
    handed_out: int = 0
    """How many records receivers have got, from the first."""
    outcomes: dict[int, Outcome] = field(default_factory=dict)
    """Place of a record in the lease -> what was said of it."""
    settled: asyncio.Event = field(default_factory=asyncio.Event)
    """Set once every record has an outcome."""

    _ranges: list[tuple[int, str]] = field(default_factory=list)
    """(place after the last record, caller) of what receivers have got, in order."""
    _held: Counter[str] = field(default_factory=Counter)
    """Caller -> records without an outcome."""

    def can_hand_out(self, user: str) -> bool:
        """Return whether the caller may get records of this lease: one that has some holds no further lease."""
        return user in self._held or self.shares.count_of(user) < self.shares.at_most_of_user

    def hand_out(self, user: str, count: int) -> range:
        """Give the caller the next records; return their places."""
        if user not in self._held:
            self.shares.take(user)
        self._held[user] += count
        places = range(self.handed_out, self.handed_out + count)
        self.handed_out = places.stop
        self._ranges.append((places.stop, user))
        return places

    def end(self) -> None:
        """Note that nobody holds records of this lease any more."""
        for user in self._held:
            self.shares.give_back(user)
        self._held.clear()

    @property
    def ends(self) -> float:
        """When acknowledgements are late."""
        return self.began + self.lock_seconds - max(self.lock_seconds * _MARGIN, _LEAST_MARGIN_SECONDS)

    @property
    def stops_waiting(self) -> float:
        """When records that no receiver has got are released."""
        return self.began + self.lock_seconds * _WAITING

    def settle(self, place: int, outcome: Outcome) -> None:
        """Note what was said of a record."""
        if place not in self.outcomes and place < self.handed_out:
            self._release_hold(self._ranges[bisect(self._ranges, place, key=lambda entry: entry[0])][1])
        self.outcomes[place] = outcome
        if len(self.outcomes) == len(self.records):
            self.settled.set()

    def _release_hold(self, user: str) -> None:
        if user in self._held:
            self._held[user] -= 1
            if not self._held[user]:
                del self._held[user]
                self.shares.give_back(user)
