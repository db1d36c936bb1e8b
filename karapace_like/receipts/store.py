"""The receipts of one process by request, the oldest first, and the bytes that they take."""

import sys
import time
from collections.abc import Callable, Collection
from itertools import islice

from karapace_like.receipts.records import Receipt, ReceiptRecord

_RECEIPT_BYTES = 450
"""What a receipt takes beside its body: a tuple, two digests, numbers and a place in the table."""


class ReceiptStore:
    """Every receipt is kept until its time is over, however many there are: `is_full` says when to take no more."""

    def __init__(self, seconds: float, max_bytes: int, clock: Callable[[], float] = time.time) -> None:
        """`seconds`: how long a receipt is kept; `clock` returns seconds since the epoch."""
        self.seconds = seconds
        self.max_bytes = max_bytes
        self.bytes = 0
        """What the receipts take, about."""
        self.drafted: set[bytes] = set()
        """Requests that are planned in the batch of now."""
        self._now = clock
        self._receipts: dict[bytes, Receipt] = {}

    def __len__(self) -> int:
        return len(self._receipts)

    @property
    def now(self) -> float:
        """Seconds since the epoch."""
        return self._now()

    @property
    def is_full(self) -> bool:
        """Whether no new receipt may be added."""
        return self.bytes >= self.max_bytes and not self.list_expired_requests(1)

    @property
    def seconds_until_room(self) -> float:
        """How long it takes until the oldest receipt's time is over."""
        oldest = next(iter(self._receipts.values()), None)
        return 0.0 if oldest is None else max(oldest.written / 1000 + self.seconds - self._now(), 0.0)

    def get(self, request: bytes) -> Receipt | None:
        """Return the receipt of the request; None where there is none, or its time is over."""
        receipt = self._receipts.get(request)
        return None if receipt is None or self._is_expired(receipt) else receipt

    def list_expired_requests(self, at_most: int, without: Collection[bytes] = ()) -> list[bytes]:
        """Return requests whose receipts can be deleted, the oldest ones."""
        first = islice(self._receipts.items(), at_most)
        return [request for request, receipt in first if self._is_expired(receipt) and request not in without]

    def apply(self, record: ReceiptRecord) -> None:
        """Add or delete the receipt."""
        previous = self._receipts.pop(record.request, None)
        if previous is not None:
            self.bytes -= _measure(previous)
        if record.receipt is not None:
            kept = record.receipt._replace(media_type=sys.intern(record.receipt.media_type))
            self._receipts[record.request] = kept
            self.bytes += _measure(kept)

    def _is_expired(self, receipt: Receipt) -> bool:
        return receipt.written / 1000 + self.seconds < self._now()


def _measure(receipt: Receipt) -> int:
    return _RECEIPT_BYTES + len(receipt.body)
