"""What policies have refused, or would have refused: counts and the last examples of each topic, in bounded memory."""

import time
from collections import Counter, deque
from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple

import msgspec

from karapace_like.policies import names
from karapace_like.policies.policy import Mode
from karapace_like.process.lru import LruCache
from karapace_like.proxy.contracts.violations import Reason, Violation
from karapace_like.proxy.formats import RecordPart

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


class ViolationCount(msgspec.Struct, frozen=True):
    """How often a reason has occurred."""

    mode: Mode
    role: RecordPart
    reason: Reason
    count: int


class ViolationReport(msgspec.Struct, frozen=True):
    """The violations of one topic, or of several, since the processes that have counted them started."""

    counts: list[ViolationCount]
    """The most frequent first."""
    examples: list[Example]
    """The last ones, the latest first."""


_Counted = tuple[Mode, RecordPart, Reason]


class _TopicViolations(NamedTuple):
    counts: Counter[_Counted]
    examples: deque[Example]
    """The last ones, the oldest first."""


class ViolationLog:
    """The violations that one process has seen."""

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._now = clock
        self._topics: LruCache[str, _TopicViolations] = LruCache(_MAX_TOPICS)
        self._labels: set[str] = set()
        self._totals: Counter[tuple[str, Mode, Reason]] = Counter()
        """(label of the topic, mode, reason) -> violations."""

    def add(self, violation: Violation, mode: Mode) -> None:
        """Count the violation of a record that was refused, or written nevertheless (mode observe)."""
        entry = self._count(violation.topic, mode, violation.role, violation.reason, 1)
        entry.examples.append(Example(int(self._now() * 1000), mode, violation))

    def count_dropped_fields(self, topic: str, mode: Mode, role: RecordPart, fields: int) -> None:
        """Count fields that were dropped, or would have been (mode observe)."""
        self._count(topic, mode, role, Reason.DROPPED_FIELDS, fields)

    def _count(self, topic: str, mode: Mode, role: RecordPart, reason: Reason, count: int) -> _TopicViolations:
        entry = self._topics.get(topic)
        if entry is None:
            entry = self._topics.put(topic, _TopicViolations(Counter(), deque(maxlen=_MAX_EXAMPLES)))
        entry.counts[mode, role, reason] += count
        if topic not in self._labels and len(self._labels) < _MAX_LABELS:
            self._labels.add(topic)
        self._totals[topic if topic in self._labels else OTHER_TOPICS, mode, reason] += count
        return entry

    def report(self, name: str) -> ViolationReport:
        """Return the violations of the topic; for a name with a `*` at its end, of every topic that begins so."""
        topics = self._topics.list_keys() if names.is_prefix(name) else [name]
        entries = [self._topics.get(topic) for topic in topics if _fits(name, topic)]
        counted = sum((entry.counts for entry in entries if entry is not None), Counter[_Counted]())
        examples = [example for entry in entries if entry is not None for example in entry.examples]
        return _make_report(counted, examples)

    def count(self) -> Mapping[tuple[str, str, str], int]:
        """Return (topic, mode, reason) -> violations for metrics; OTHER_TOPICS stands for topics beyond the bound."""
        return {(topic, str(mode), str(reason)): count for (topic, mode, reason), count in self._totals.items()}


def merge_reports(reports: Iterable[ViolationReport]) -> ViolationReport:
    """Return the report of several processes."""
    counted: Counter[_Counted] = Counter()
    examples: list[Example] = []
    for report in reports:
        counted.update({(count.mode, count.role, count.reason): count.count for count in report.counts})
        examples += report.examples
    return _make_report(counted, examples)


def _make_report(counted: Counter[_Counted], examples: list[Example]) -> ViolationReport:
    latest = sorted(examples, key=lambda example: example.timestamp, reverse=True)[:_MAX_EXAMPLES]
    return ViolationReport([ViolationCount(*key, count) for key, count in counted.most_common()], latest)


def _fits(name: str, topic: str) -> bool:
    return topic.startswith(name.removesuffix(names.EVERY_ENDING))
