"""The signals that end a node: the first one lets load balancers learn of it, further ones do not wait for them."""

import asyncio
import logging
import os
import signal
from collections.abc import Callable
from functools import partial


class StopSignals:
    """SIGINT and SIGTERM of this process, from its creation inside of the event loop.

    A signal after the delay, or the second one without a delay, ends the process at once.
    """

    def __init__(self, progress: Callable[[str], None], end_at_once: Callable[[int], None] | None = None) -> None:
        """`end_at_once` gets the number of the signal; by default the process exits."""
        self.received = asyncio.Event()
        """Set by the first signal."""
        self._progress = progress
        self._end_at_once = end_at_once or self._exit
        self._is_delayed = False
        self._repeated = asyncio.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(number, partial(self._receive, number))

    def _receive(self, number: int) -> None:
        if not self.received.is_set():
            self.received.set()
        elif self._is_delayed:
            self._repeated.set()
        else:
            self._end_at_once(number)

    def _exit(self, number: int) -> None:
        self._progress("Ending at once, with requests in flight")
        logging.shutdown()
        os._exit(128 + number)  # nothing of this process is waited for

    async def delay_stop(self, seconds: float, announce: Callable[[], None]) -> None:
        """Announce the stop and return after the delay, or at the next signal; without a delay at once."""
        if seconds <= 0:
            return
        self._is_delayed = True
        announce()
        self._progress(f"Not ready any more; requests are served for another {seconds:g} s (setting shutdown_delay_ms)")
        try:
            async with asyncio.timeout(seconds):
                await self._repeated.wait()
        except TimeoutError:
            return
        finally:
            self._is_delayed = False
