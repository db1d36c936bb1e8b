"""What a run has done and found, in figures."""

import statistics
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from tests.cluster.history import Action, Event, Outcome


@dataclass
class Report:
    """What happened, and what must not have."""

    events: list[Event] = field(default_factory=list)
    faults: list[tuple[str, float]] = field(default_factory=list)
    """Name and time of each; those that hit the primary are named so."""
    takeovers: list[float] = field(default_factory=list)
    """Seconds from each election to the first write that the elected node may accept, as the nodes say."""
    broken: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        outcomes = Counter(each.outcome for each in self.events)
        counts = ", ".join(f"{each.name.lower()} {outcomes[each]}" for each in Outcome)
        retried = sum(each.is_retry for each in self.events)
        gaps = self.unavailability()
        lines = [
            f"operations {len(self.events)}: {counts}; retried {retried}",
            f"faults {len(self.faults)}: {dict(sorted(Counter(name for name, _ in self.faults).items()))}",
            f"violations {len(self.broken)}",
            *(_seconds(f"no acknowledged writes after {name}", found) for name, found in sorted(gaps.items())),
            _seconds("no acknowledged writes, all of these", [each for found in gaps.values() for each in found]),
            _seconds("first write accepted after the election", self.takeovers),
        ]
        return "\n".join([*filter(None, lines), *self.broken])

    def unavailability(self) -> dict[str, list[float]]:
        """By kind of fault: seconds from each of the primary's to the end of the next write that began after it."""
        writes = [
            each
            for each in self.events
            if each.outcome is Outcome.ACKNOWLEDGED and each.action in {Action.REGISTER, Action.CONFIGURE}
        ]
        found: dict[str, list[float]] = {}
        for name, at in self.faults:
            ends = [each.ended for each in writes if each.begun > at]
            if "primary" in name and ends:
                found.setdefault(name, []).append(min(ends) - at)
        return found


def _seconds(what: str, found: Sequence[float]) -> str:
    if not found:
        return ""
    return f"{what}: {len(found)} times, median {statistics.median(found):.2f} s, worst {max(found):.2f} s"
