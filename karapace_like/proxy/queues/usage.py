"""What the queues of one process use, and may use at most, whoever their callers are."""

from karapace_like.process.measures import Histogram
from karapace_like.proxy.shares import Shares

_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)


class QueueUsage:
    """Counts of one process; every queue of it changes them."""

    def __init__(
        self,
        *,
        max_members: int = 100,
        max_receivers: int = 1000,
        max_receivers_of_user: int = 500,
        max_leases_of_user: int = 50,
    ) -> None:
        self.max_members = max_members
        """Each is a Kafka client with about four threads, and has one lease at most."""
        self.receivers = Shares("receivers", max_receivers, max_receivers_of_user)
        """Requests that wait for records, or whose records are being decoded."""
        self.holders = Shares("open leases", max_members * max_receivers, max_leases_of_user)
        """Callers of each lease that have records of it which are not acknowledged; members bound the leases."""
        self.members = 0
        self.leases = 0
        """Members with records that are not all acknowledged."""
        self.received = 0
        """Records that receivers have got."""
        self.acknowledgements: dict[tuple[str], int] = dict.fromkeys(
            [("accept",), ("release",), ("reject",), ("refused",)], 0
        )
        """(outcome,) -> acknowledgements; those that were not taken are `refused`."""
        self.seconds = Histogram(_SECONDS)
        """How long receivers that got records waited for them."""
