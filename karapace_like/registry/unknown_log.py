"""Log lines about records that cannot be read: one for each, up to a rate."""

import logging
import time
from collections import Counter
from collections.abc import Callable

from karapace_like.registry.records import UnknownRecord

logger = logging.getLogger(__name__)

_MOST = 100
"""Lines in that time, counted apart for faulty records and for foreign ones."""
_SECONDS = 60.0


class UnknownLog:
    """Logs the offset and the fault of each unknown record, and how many lines it left out."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._now = clock
        self._since = clock()
        self._counts = Counter[bool]()
        """Records since then, by whether they are foreign."""

    def note(self, offset: int, record: UnknownRecord) -> None:
        """Log that the record at this offset could not be read."""
        now = self._now()
        if now - self._since >= _SECONDS:
            self._since = now
            self._counts.clear()
        self._counts[record.is_foreign] += 1
        count = self._counts[record.is_foreign]
        if count > _MOST:
            return
        if record.is_foreign:
            logger.info("The record at offset %d of the schemas topic is passed over: %s", offset, record.reason)
        else:
            logger.warning("The record at offset %d of the schemas topic cannot be read: %s", offset, record.reason)
        if count == _MOST:
            logger.warning(
                "More records of the schemas topic that are not understood, within %.0f s, are counted and not logged;"
                " `karapace-like doctor` lists what cannot be read",
                _SECONDS,
            )
