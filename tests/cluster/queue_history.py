"""What receivers of a queue saw, and whether it can be true of a share group. Pure.

With receivers that only accept, every record is accepted at least once, unless an acceptance was sent of which the
outcome is unknown; and exactly once, unless its lock ran out or its process ended before the acknowledgement was
answered.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field


@dataclass(slots=True)
class QueueHistory:
    """Records by name. Clients add to it what was answered to them."""

    produced: set[str] = field(default_factory=set)
    deliveries: Counter[str] = field(default_factory=Counter)
    """Record -> how often it was received."""
    accepted: Counter[str] = field(default_factory=Counter)
    """Record -> acknowledgements that were answered as taken."""
    excused: set[str] = field(default_factory=set)
    """Records of which a lock has run out, or an outcome is unknown: they may be accepted again."""
    unknown: set[str] = field(default_factory=set)
    """Records of which an acceptance was sent, and not answered or answered as unknown: it may have been taken, and
    they never come again."""
    last_answer: object = None
    """Of a receiver, for the message of a failure."""

    @property
    def is_done(self) -> bool:
        """Whether every record was accepted, or may have been."""
        return self.produced <= self.accepted.keys() | self.unknown

    def find_violations(self) -> Iterator[str]:
        """Yield a sentence for each contradiction."""
        for record in sorted(self.produced - self.accepted.keys() - self.unknown):
            yield f"{record} was lost: nobody has accepted it"
        for record, count in self.accepted.items():
            if record not in self.produced:
                yield f"{record} was accepted and never produced"
            if count > 1 and record not in self.excused:
                yield f"{record} was accepted {count} times, although no lock ran out"
