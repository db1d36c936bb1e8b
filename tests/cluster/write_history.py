"""What clients with an `Idempotency-Key` were answered, and whether the topic can be the cause. Pure.

Each key writes one value of its own, repeated until it is answered. Then the value is in the topic once, at the offset
of the answer, and every repetition has the same answer.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field


@dataclass(slots=True)
class WriteHistory:
    """Values by name, each written with a key of its own. Clients add to it what was answered to them."""

    answers: dict[str, set[tuple[int, int]]] = field(default_factory=lambda: defaultdict(set))
    """Value -> (partition, offset) of every answer that says it is written."""
    unanswered: set[str] = field(default_factory=set)
    """Values of which no answer came: they may be written, or not."""

    def find_violations(self, topic: Sequence[Sequence[tuple[int, str]]]) -> Iterator[str]:
        """Yield a sentence for each contradiction; `topic` has the committed (offset, value) of each partition."""
        places = {(partition, offset): value for partition, read in enumerate(topic) for offset, value in read}
        counts = Counter(places.values())
        for value, answers in sorted(self.answers.items()):
            if len(answers) > 1:
                yield f"{value} got different answers: {sorted(answers)}"
            if counts[value] == 0:
                yield f"{value} was answered, and is not written"
            for partition, offset in sorted(answers):
                found = places.get((partition, offset))
                if counts[value] and found != value:
                    yield f"{value} was answered at {partition}:{offset}, where {found} is"
        for value, count in sorted(counts.items()):
            if count > 1:
                yield f"{value} is written {count} times"
            if value not in self.answers and value not in self.unanswered:
                yield f"{value} is written, and nobody has sent it"
