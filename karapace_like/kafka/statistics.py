"""Statistics of the Kafka clients: each client emits them every few seconds, and `/metrics` shows the latest.

Source: librdkafka, STATISTICS.md. Counts start with the client; librdkafka's times are in microseconds.
"""

import logging
import threading
import weakref
from dataclasses import dataclass, field
from typing import NamedTuple

import msgspec

from karapace_like.errors import NOT_JSON

logger = logging.getLogger(__name__)

INTERVAL_MS = 5_000
"""How often a client emits its statistics, and so how old they may be."""


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
    """Counts that only grow in the lifetime of a client."""

    requests: int = 0
    request_errors: int = 0
    """Requests that failed or timed out."""
    sent_bytes: int = 0
    received_bytes: int = 0
    sent_records: int = 0
    received_records: int = 0


class State(NamedTuple):
    """The current state of a client, or of several together."""

    waiting_records: int = 0
    waiting_bytes: int = 0
    connected_brokers: int = 0
    round_trip_seconds: float = 0
    """Average round trip to the slowest broker."""


NOTHING, UNCONNECTED = Counts(), State()
"""Those of a client without statistics yet."""


class Summary(NamedTuple):
    """Counts and state of a client, or of several together."""

    counts: Counts
    state: State


class Figures(msgspec.Struct):
    """The statistics of one client; names are librdkafka's."""

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
        """The counts since the client's start."""
        errors = sum(broker.txerrs + broker.rxerrs + broker.req_timeouts for broker in self.brokers.values())
        return Counts(self.tx, errors, self.tx_bytes, self.rx_bytes, self.txmsgs, self.rxmsgs)

    @property
    def state(self) -> State:
        """The current state."""
        connected = sum(broker.state == "UP" for broker in self.brokers.values())
        slowest = max((broker.rtt.avg for broker in self.brokers.values()), default=0) / 1_000_000
        return State(self.msg_cnt, self.msg_size, connected, slowest)

    def find_end(self, topic: str) -> int | None:
        """Return the offset after the last readable record of the topic's first partition; None if it is not known."""
        partition = self.topics.get(topic, _Topic()).partitions.get("0", _Partition())
        return partition.ls_offset if partition.ls_offset >= 0 else None


_decoder = msgspec.json.Decoder(Figures)


def _decode(text: str) -> Figures | None:
    """Return the statistics; None for unexpected JSON, at which the emitting client must not fail."""
    try:
        return _decoder.decode(text)
    except NOT_JSON as error:
        logger.debug("Unexpected JSON in the statistics of a Kafka client: %s", error)
        return None


class Statistics:
    """The latest statistics of one client; the client calls the object from its own thread (`stats_cb`)."""

    def __init__(self) -> None:
        self._latest = ""

    def __call__(self, figures: str) -> None:
        """Store statistics, as JSON."""
        self._latest = figures

    @property
    def options(self) -> dict[str, object]:
        """The options with which the client emits its statistics here."""
        return {"statistics.interval.ms": INTERVAL_MS, "stats_cb": self}

    def figures(self) -> Figures:
        """Return the latest statistics; zeros before the first."""
        return (_decode(self._latest) if self._latest else None) or Figures()

    @property
    def summary(self) -> Summary:
        """Counts and state by the latest statistics."""
        figures = self.figures()
        return Summary(figures.counts, figures.state)


@dataclass(eq=False, slots=True, weakref_slot=True)
class _ClientStatistics:
    """The latest statistics of one of several clients."""

    counts: Counts = NOTHING
    state: State = UNCONNECTED


@dataclass(eq=False, slots=True)
class SharedStatistics:
    """The sum over clients that come and go. Counts since the last statistics of a closed client are lost."""

    counts: Counts = NOTHING
    """Those of all clients, closed ones too."""
    _clients: weakref.WeakSet[_ClientStatistics] = field(default_factory=weakref.WeakSet)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    """Clients emit statistics on whatever thread polls or closes them."""

    def create_options(self) -> dict[str, object]:
        """Return the options with which one more client emits its statistics here, for as long as it lives."""
        client = _ClientStatistics()
        self._clients.add(client)

        def update(text: str) -> None:
            figures = _decode(text)
            if figures is None:
                return
            with self._lock:
                counts = figures.counts
                # A client that was recreated with the same options starts from zero.
                before = client.counts if counts.requests >= client.counts.requests else NOTHING
                self.counts = Counts(*map(int.__add__, self.counts, map(int.__sub__, counts, before)))
                client.counts, client.state = counts, figures.state

        return {"statistics.interval.ms": INTERVAL_MS, "stats_cb": update}

    @property
    def summary(self) -> Summary:
        """The counts of all clients, and the state of the living ones together."""
        states = [client.state for client in self._clients] or [UNCONNECTED]
        records, size, connected, slowest = zip(*states, strict=True)
        return Summary(self.counts, State(sum(records), sum(size), sum(connected), max(slowest)))
