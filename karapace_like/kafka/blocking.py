"""Calls of one client that may wait for a broker: made in a thread, one at a time, and given up after a while."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from karapace_like.errors import KafkaFailure
from karapace_like.kafka import translate

T = TypeVar("T")

_MARGIN_SECONDS = 1.0
"""How much later than the client itself a call is given up."""


class BlockingCalls:
    """Makes them. Each raises KafkaFailure."""

    def __init__(self, threads: ThreadPoolExecutor, timeout: float) -> None:
        """`timeout` is the client's own, in seconds."""
        self._threads = threads
        self._limit = timeout + _MARGIN_SECONDS
        self._waiting: asyncio.Future[Any] | None = None

    @property
    def is_waiting(self) -> bool:
        """Whether the client is in a call, be it given up or not: where it is asked to consume, it waits for that."""
        return self._waiting is not None and not self._waiting.done()

    async def make(self, call: Callable[[], T]) -> T:
        """What the call answers in time.

        A commit waits for minutes for a broker that is away. Then this one is given up, and so are those that follow,
        until the client has come back from it.
        """
        if self._waiting is not None:
            await self._in_time(self._waiting)
        self._waiting = calling = self._begun(call)
        await self._in_time(calling)
        return calling.result()

    async def see_through(self, call: Callable[[], T]) -> T:
        """What the call answers, made once the one before has ended: however long both take."""
        if self._waiting is not None:
            await asyncio.wait({self._waiting})
            self._waiting = None
        return await self._begun(call)

    def _begun(self, call: Callable[[], T]) -> "asyncio.Future[T]":
        def translated() -> T:
            with translate.failures():
                return call()

        return asyncio.get_running_loop().run_in_executor(self._threads, translated)

    async def _in_time(self, calling: "asyncio.Future[Any]") -> None:
        """Wait until the call has ended, somehow; raises KafkaFailure if that takes too long."""
        if not (await asyncio.wait({calling}, timeout=self._limit))[0]:
            calling.add_done_callback(lambda ended: ended.exception())  # nobody else asks for it
            raise KafkaFailure("_TIMED_OUT", "The brokers do not answer.", retriable=True)
        self._waiting = None
