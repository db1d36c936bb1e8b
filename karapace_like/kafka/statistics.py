"""What librdkafka says of itself: every client hands over its figures from time to time, and they are read when asked.

Source: librdkafka, STATISTICS.md. Figures are since the client's start; times are in microseconds there.
"""

import threading
import weakref
from dataclasses import dataclass, field
from typing import NamedTuple

import msgspec

INTERVAL_MS = 5_000
"""How old figures may be."""


class _Window(msgspec.Struct):
    avg: int = 0


class _Broker(msgspec.Struct):
    nodeid: int
    state: str = ""
    rtt: _Window = msgspec.field(default_factory=_Window)
    txerrs: int = 0
    rxerrs: int = 0
    req_timeouts: int = 0


class _Partition(msgspec.Struct):
    ls_offset: int = -1


class _Topic(msgspec.Struct):
    partitions: dict[str, _Partition] = {}


class Counts(NamedTuple):
    """What only grows in the life of a client."""

    requests: int = 0
    request_errors: int = 0
    """Requests that failed or were not answered in time."""
    sent_bytes: int = 0
    received_bytes: int = 0
    sent_records: int = 0
    received_records: int = 0


class State(NamedTuple):
    """How a client, or several, are now."""

    waiting_records: int = 0
    waiting_bytes: int = 0
    connected_brokers: int = 0
    round_trip_seconds: float = 0
    """Of the slowest broker, on average."""


NOTHING, UNCONNECTED = Counts(), State()
"""Those of a client that has done nothing yet."""


class Summary(NamedTuple):
    """What there is to show of a client, or several."""

    counts: Counts
    state: State


class Figures(msgspec.Struct):
    """Of one client; names are librdkafka's."""

    msg_cnt: int = 0
    """Records waiting to be sent."""
    msg_size: int = 0
    """Their bytes."""
    tx: int = 0
    """Requests sent."""
    tx_bytes: int = 0
    rx_bytes: int = 0
    txmsgs: int = 0
    """Records sent."""
    rxmsgs: int = 0
    """Records received."""
    brokers: dict[str, _Broker] = {}
    topics: dict[str, _Topic] = {}

    @property
    def counts(self) -> Counts:
        """What has been done so far."""
        errors = sum(each.txerrs + each.rxerrs + each.req_timeouts for each in self.brokers.values())
        return Counts(self.tx, errors, self.tx_bytes, self.rx_bytes, self.txmsgs, self.rxmsgs)

    @property
    def state(self) -> State:
        """How it is now."""
        connected = sum(each.state == "UP" for each in self.brokers.values())
        slowest = max((each.rtt.avg for each in self.brokers.values()), default=0) / 1_000_000
        return State(self.msg_cnt, self.msg_size, connected, slowest)

    def end(self, topic: str) -> int | None:
        """The offset after the last readable record of the topic's first partition; None if it is not known."""
        found = self.topics.get(topic, _Topic()).partitions.get("0", _Partition())
        return found.ls_offset if found.ls_offset >= 0 else None


_decoder = msgspec.json.Decoder(Figures)


class Statistics:
    """Where one client leaves its figures, on its own thread; an option of its configuration (`stats_cb`)."""

    def __init__(self) -> None:
        self._latest = ""

    def __call__(self, figures: str) -> None:
        """Take the figures, as JSON."""
        self._latest = figures

    @property
    def options(self) -> dict[str, object]:
        """What the client's configuration is to have."""
        return {"statistics.interval.ms": INTERVAL_MS, "stats_cb": self}

    def figures(self) -> Figures:
        """The latest; zeros before the first."""
        return _decoder.decode(self._latest) if self._latest else Figures()

    @property
    def summary(self) -> Summary:
        """What there is to show now."""
        figures = self.figures()
        return Summary(figures.counts, figures.state)


@dataclass(eq=False, slots=True, weakref_slot=True)
class _One:
    """What one of many said last."""

    counts: Counts = NOTHING
    state: State = UNCONNECTED


@dataclass(eq=False, slots=True)
class SharedStatistics:
    """The figures of clients that come and go, as of one; what was done since a client's last ones is not in them."""

    counts: Counts = NOTHING
    """Of all that there are and were."""
    _clients: weakref.WeakSet[_One] = field(default_factory=weakref.WeakSet)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    """Clients hand figures over on whatever thread polls or closes them."""

    def options(self) -> dict[str, object]:
        """What the configuration of one more client is to have; it is counted as long as that lives."""
        client = _One()
        self._clients.add(client)

        def take(text: str) -> None:
            figures = _decoder.decode(text)
            with self._lock:
                found = figures.counts
                # A client that was made anew with the same configuration begins with nothing.
                before = client.counts if found.requests >= client.counts.requests else NOTHING
                self.counts = Counts(*map(int.__add__, self.counts, map(int.__sub__, found, before)))
                client.counts, client.state = found, figures.state

        return {"statistics.interval.ms": INTERVAL_MS, "stats_cb": take}

    @property
    def summary(self) -> Summary:
        """What all have done, and how those that there are are now, together."""
        found = [each.state for each in self._clients] or [UNCONNECTED]
        records, size, connected, slowest = zip(*found, strict=True)
        return Summary(self.counts, State(sum(records), sum(size), sum(connected), max(slowest)))
