"""Calls that may wait for a broker, made in threads; those of one client one at a time, with a time limit.

librdkafka lets one call of a consumer wait for another without a limit. On the event loop that would stop the process
for as long as a broker is away: so the owner checks `is_waiting` before it calls the client there.
"""

import asyncio
import threading
from collections.abc import Callable
from contextlib import suppress
from contextvars import copy_context
from functools import partial
from typing import Any, ParamSpec, TypeVar, cast

from karapace_like.errors import KafkaFailure
from karapace_like.kafka import translate

T = TypeVar("T")
P = ParamSpec("P")

_MARGIN_SECONDS = 1.0
"""How much longer than the client's own timeout a call may take."""


def start_in_thread(call: Callable[P, T], *arguments: P.args, **named: P.kwargs) -> "asyncio.Future[T]":
    """Start a call that may wait for a broker, in a thread of its own; return the future of its result.

    The end of the process waits for a thread of an executor, for as long as a broker is away or for ever: librdkafka
    does not return from some commits. For this one it does not.
    """
    loop = asyncio.get_running_loop()
    result: asyncio.Future[T] = loop.create_future()

    def set_result(value: T | None, error: BaseException | None) -> None:
        if not result.done():
            result.set_exception(error) if error is not None else result.set_result(cast("T", value))

    def run() -> None:
        value, error = None, None
        try:
            value = call(*arguments, **named)
        except BaseException as raised:  # noqa: BLE001 - the caller's to handle, whatever it is
            error = raised
        with suppress(RuntimeError):  # the loop has ended
            loop.call_soon_threadsafe(set_result, value, error)

    threading.Thread(target=copy_context().run, args=(run,), name="broker-call", daemon=True).start()
    return result


async def call_in_thread(call: Callable[P, T], *arguments: P.args, **named: P.kwargs) -> T:
    """Return the result of a call that may wait for a broker, made in a thread of its own."""
    return await start_in_thread(call, *arguments, **named)


class CallThreads:
    """The threads that the calls of many clients share, so many at a time.

    A call that exceeds the time limit keeps its thread, and no place: one client whose calls never return does not
    hold up the others.
    """

    def __init__(self, count: int) -> None:
        self._places = asyncio.Semaphore(count)

    async def run(self, limit: float, call: Callable[[], T]) -> T:
        """Return the result of the call, made once a thread is free. `limit` is in seconds."""
        async with self._places:
            calling = start_in_thread(call)
            await asyncio.wait({calling}, timeout=limit)
        return await calling


class BlockingCalls:
    """The calls of one client. Each raises KafkaFailure, _TIMED_OUT after the time limit."""

    def __init__(self, threads: CallThreads, timeout: float) -> None:
        """`timeout` is that of the client's own requests, in seconds."""
        self._threads = threads
        self._limit = timeout + _MARGIN_SECONDS
        self._waiting: asyncio.Future[Any] | None = None
        self._has_timed_out = False

    @property
    def is_overdue(self) -> bool:
        """Whether the client is in a call that exceeds its time limit."""
        return self._has_timed_out and self.is_waiting

    @property
    def is_waiting(self) -> bool:
        """Whether the client is in a call, within its time limit or not: `consume` would wait for that call."""
        return self._waiting is not None and not self._waiting.done()

    async def make(self, call: Callable[..., Any], *arguments: Any, **named: Any) -> Any:
        """Call a method of the client in a thread; return its result.

        A commit can wait for minutes for a broker that is away. Then it fails here at the time limit, and so do later
        calls until the client has returned from it.
        """
        return await self.run(translate.call, call, *arguments, **named)

    async def run(self, do: Callable[..., T], *arguments: Any, **named: Any) -> T:
        """Call a function that makes several calls of the client and translates their exceptions; return its result."""
        if self._waiting is not None:
            await self._wait_for(self._waiting)
        self._waiting = calling = self._start(do, *arguments, **named)
        await self._wait_for(calling)
        return calling.result()

    async def see_through(self, call: Callable[[], T]) -> T:
        """Call a method of the client after the last call has ended, without a time limit; return its result."""
        await self._wait_without_limit()
        return await self._start(translate.call, call)

    async def see_through_apart(self, call: Callable[[], T]) -> T:
        """Do the same in a thread of its own: a call that takes minutes must not hold up those of other clients."""
        await self._wait_without_limit()
        return await call_in_thread(translate.call, call)

    async def _wait_without_limit(self) -> None:
        if self._waiting is not None:
            await asyncio.wait({self._waiting})
            self._waiting = None

    def _start(self, do: Callable[..., T], *arguments: Any, **named: Any) -> "asyncio.Future[T]":
        return asyncio.ensure_future(self._threads.run(self._limit, partial(do, *arguments, **named)))

    async def _wait_for(self, calling: "asyncio.Future[Any]") -> None:
        """Wait until the call has ended, with or without success."""
        self._has_timed_out = not (await asyncio.wait({calling}, timeout=self._limit))[0]
        if self._has_timed_out:
            calling.add_done_callback(lambda ended: ended.exception())  # retrieved, so that asyncio does not log it
            raise KafkaFailure("_TIMED_OUT", f"The brokers did not answer within {self._limit:g} s.", retriable=True)
        self._waiting = None
