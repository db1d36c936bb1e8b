"""What requests for replies use in one process, and may use at most, whoever their callers are."""

from karapace_like.process.measures import Histogram
from karapace_like.proxy.shares import Shares

_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)
MAX_LATE = 10_000
"""Requests whose late reply may still be fetched; with more of them, the oldest is forgotten."""


class RequestReplyUsage:
    """Counts of one process."""

    def __init__(
        self,
        *,
        max_waiting: int = 1_000,
        max_waiting_of_user: int = 250,
        max_reply_topics: int = 50,
        late_seconds: float = 300.0,
    ) -> None:
        self.waiting = Shares("requests that wait for a reply", max_waiting, max_waiting_of_user)
        self.max_reply_topics = max_reply_topics
        """Each is read by a Kafka client."""
        self.late_seconds = late_seconds
        """For so long after its time-out a late reply to a request can be fetched."""
        self.reply_topics = 0
        self.late = 0
        """Requests whose late reply may still be fetched."""
        self.replies: dict[tuple[str], int] = dict.fromkeys([("in_time",), ("late",), ("timed_out",)], 0)
        """(outcome,) -> requests: a request that timed out counts again where a late reply comes."""
        self.seconds = Histogram(_SECONDS)
        """From a request to its reply, where that came in time."""
