"""What librdkafka says of itself: every client hands over its figures from time to time, and they are read when asked.

Source: librdkafka, STATISTICS.md. Figures are since the client's start; times are in microseconds there.
"""

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


class Figures(msgspec.Struct):
    """Of one client; names are librdkafka's."""

    msg_cnt: int = 0
    """Records waiting to be sent."""
    msg_size: int = 0
    """Their bytes."""
    tx: int = 0
    """Requests sent."""
    tx_bytes: int = 0
    rx: int = 0
    """Answers received."""
    rx_bytes: int = 0
    txmsgs: int = 0
    """Records sent."""
    txmsg_bytes: int = 0
    rxmsgs: int = 0
    """Records received."""
    rxmsg_bytes: int = 0
    brokers: dict[str, _Broker] = {}
    topics: dict[str, _Topic] = {}

    @property
    def connected(self) -> int:
        """Brokers that there is a connection to."""
        return sum(each.state == "UP" for each in self.brokers.values())

    @property
    def errors(self) -> int:
        """Requests that failed or were not answered in time."""
        return sum(each.txerrs + each.rxerrs + each.req_timeouts for each in self.brokers.values())

    @property
    def round_trip_seconds(self) -> float:
        """Of the slowest broker, on average."""
        return max((each.rtt.avg for each in self.brokers.values()), default=0) / 1_000_000

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
