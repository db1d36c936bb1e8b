"""What clients of atomic requests were answered, and whether two topics can be the cause. Pure.

Each request writes one value of its own to both topics, and is sent once.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field


@dataclass(slots=True)
class PairHistory:
    """Values by name. Clients add to it what was answered to them."""

    written: set[str] = field(default_factory=set)
    """Values that were answered as written."""
    refused: set[str] = field(default_factory=set)
    """Values of which an answer says that nothing was written."""
    unknown: set[str] = field(default_factory=set)
    """Values of which no answer came, or one that says that it is unknown."""

    def find_violations(self, *topics: Sequence[str]) -> Iterator[str]:
        """Yield a sentence for each contradiction; `topics` are the committed values of both."""
        counts = [Counter(values) for values in topics]
        for value in sorted(self.written | self.refused | self.unknown | set().union(*counts)):
            found = [count[value] for count in counts]
            if max(found) > 1:
                yield f"{value} is written {found} times"
            if min(found) != max(found):
                yield f"{value} is written to one topic without the other: {found}"
            if value in self.written and not all(found):
                yield f"{value} was answered, and is not written"
            if value in self.refused and any(found):
                yield f"{value} was refused, and is written"
            if value not in self.written | self.refused | self.unknown:
                yield f"{value} is written, and nobody has sent it"
