"""What policies have refused, or would have refused: counts and the last examples of each topic, in bounded memory."""

import time
from collections import Counter, deque
from collections.abc import Callable, Iterator
from typing import NamedTuple

import msgspec

from karapace_like.policies.policy import Mode
from karapace_like.process.lru import LruCache
from karapace_like.proxy.contracts.violations import Reason, Violation

_MAX_TOPICS = 1_000
"""Topics whose violations are known; the one that was used least recently is forgotten."""
_MAX_EXAMPLES = 20
"""Examples of each topic."""
_MAX_LABELS = 100
"""Topics that metrics name; the violations of others are counted together."""
OTHER_TOPICS = "(others)"


class Example(msgspec.Struct, frozen=True):
    """One violation, without the value."""

    timestamp: int
    """Milliseconds since the epoch."""
    mode: Mode
    violation: Violation


class TopicViolations(NamedTuple):
    """The violations of one topic, since the process has started."""

    counts: Counter[tuple[Mode, Reason]]
    examples: deque[Example]
    """The last ones, the oldest first."""


class ViolationLog:
    """The violations that one process has seen."""

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._now = clock
        self._topics: LruCache[str, TopicViolations] = LruCache(_MAX_TOPICS)
        self._totals: Counter[tuple[str, Mode, Reason]] = Counter()
        """(label of the topic, mode, reason) -> violations."""
        self._labels: set[str] = set()

    def add(self, violation: Violation, mode: Mode) -> None:
        """Count the violation of a record that was refused, or written nevertheless (mode observe)."""
        topic = violation.topic
        entry = self._topics.get(topic) or self._topics.put(
            topic, TopicViolations(Counter(), deque(maxlen=_MAX_EXAMPLES))
        )
        entry.counts[mode, violation.reason] += 1
        entry.examples.append(Example(int(self._now() * 1000), mode, violation))
        if topic not in self._labels and len(self._labels) < _MAX_LABELS:
            self._labels.add(topic)
        self._totals[topic if topic in self._labels else OTHER_TOPICS, mode, violation.reason] += 1

    def find(self, topic: str) -> TopicViolations | None:
        """Return the violations of the topic; None if there were none."""
        return self._topics.get(topic)

    def count(self) -> Iterator[tuple[tuple[str, Mode, Reason], int]]:
        """Yield ((topic, mode, reason), violations) for metrics; OTHER_TOPICS stands for topics beyond the bound."""
        yield from list(self._totals.items())
