"""One proxy for each caller, which connects to the cluster with the caller's credentials: the cluster authorises them.

Each proxy has its own connections, threads and consumer instances. It is created once the cluster has accepted the
credentials, and closed when it is idle, when the credentials expire, or when the cluster rejects them.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Hashable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from karapace_like.background import BackgroundTasks
from karapace_like.errors import KafkaFailure
from karapace_like.proxy import errors
from karapace_like.proxy.proxy import Proxy

K = TypeVar("K", bound=Hashable)
"""The credentials of a caller."""


class Attempt(Protocol):
    """The context of one verification; it raises ApiError for one too many."""

    def __call__(self, *, is_known: bool) -> AbstractAsyncContextManager[Callable[[bool], None]]:
        """Enter the context, which yields a function to call with whether the credentials are right.

        `is_known`: whether they were right before. Wrong ones of the same user then cause no delay.
        """
        ...


_TEND_SECONDS = 1.0


@dataclass(slots=True)
class _CallerProxy:
    """The proxy of a caller. Times are on the clock of the event loop, except `expires` (seconds since the epoch)."""

    proxy: Proxy
    expires: float
    proved: float
    used: float
    requests: int = 0
    """Requests in progress."""

    @property
    def is_in_use(self) -> bool:
        return self.requests > 0 or len(self.proxy.consumers) > 0 or self.proxy.is_awaited


class CallerProxies(Generic[K]):
    """The proxies of all callers. `start` it on the event loop, and `close` it at the end."""

    def __init__(
        self,
        prove: Callable[[K], Awaitable[None]],
        find_expiry: Callable[[K], float],
        make: Callable[[K], Proxy],
        *,
        at_most: int,
        idle_timeout: float,
        proof_timeout: float,
        background: BackgroundTasks,
    ) -> None:
        """`prove` verifies credentials, and raises KafkaFailure; `find_expiry` returns seconds since the epoch.

        After `proof_timeout` credentials are verified again, so that a changed password is noticed. Time-outs are in
        seconds.
        """
        self._background = background
        self._prove = prove
        self._find_expiry = find_expiry
        self._make = make
        self._at_most = at_most
        self._idle_timeout = idle_timeout
        self._proof_timeout = proof_timeout
        self._open: dict[K, _CallerProxy] = {}
        """Ordered by the last request, the least recent first."""
        self._proving: dict[K, asyncio.Task[_CallerProxy]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._retired: list[_CallerProxy] = []
        """Retired proxies whose requests are still in progress."""
        self._upkeep: asyncio.Task[None] | None = None

    def __len__(self) -> int:
        """The number of consumer instances of all callers."""
        return sum(len(entry.proxy.consumers) for entry in self._open.values())

    @asynccontextmanager
    async def proxy_for(self, credentials: K, attempt: Attempt) -> AsyncIterator[Proxy]:
        """Yield the proxy of the caller for a request; 40101 if the cluster rejects it, 42901 for too many callers."""
        with errors.translate_kafka_failures():
            entry = await self._find(credentials, attempt)
        if self._open.get(credentials) is entry:
            self._open[credentials] = self._open.pop(credentials)
        entry.requests += 1
        try:
            yield entry.proxy
        finally:
            entry.requests -= 1
            entry.used = asyncio.get_running_loop().time()

    def start(self) -> None:
        """Start to retire idle proxies."""
        self._upkeep = self._background.start("upkeep of callers' clients", self._retire_idle)

    async def close(self) -> None:
        """Close all proxies."""
        if self._upkeep is not None:
            self._upkeep.cancel()
        for task in self._proving.values():
            task.cancel()
        await asyncio.gather(*self._proving.values(), return_exceptions=True)
        everyone = [*self._open.values(), *self._retired]
        await asyncio.gather(*(entry.proxy.close() for entry in everyone), *self._tasks, return_exceptions=True)

    async def _find(self, credentials: K, attempt: Attempt) -> _CallerProxy:
        entry, now = self._open.get(credentials), asyncio.get_running_loop().time()
        if entry is not None and time.time() < entry.expires and now < entry.proved + self._proof_timeout:
            return entry
        if self._find_expiry(credentials) <= time.time():
            raise errors.expired_credentials()  # a cluster whose clock is behind would accept them
        task = self._proving.get(credentials)
        if task is None:
            task = self._proving[credentials] = asyncio.create_task(self._prove_caller(credentials, attempt))
            task.add_done_callback(lambda _: self._proving.pop(credentials))
        return await asyncio.shield(task)

    async def _prove_caller(self, credentials: K, attempt: Attempt) -> _CallerProxy:
        async with attempt(is_known=credentials in self._open) as report:
            try:
                await self._prove(credentials)
            except KafkaFailure as failure:
                entry = self._open.get(credentials)
                if errors.rejects_credentials(failure):
                    report(False)
                    self._retire(credentials)
                elif entry is not None and time.time() < entry.expires:
                    return entry  # the cluster cannot be reached at the moment
                raise
            report(True)
        now, expires = asyncio.get_running_loop().time(), self._find_expiry(credentials)
        entry = self._open.get(credentials)
        if entry is None:
            self._make_room()
            proxy = self._make(credentials)
            proxy.start()
            # Making it may have taken seconds, after which it must not pass for idle before its first request.
            used = asyncio.get_running_loop().time()
            entry = self._open[credentials] = _CallerProxy(proxy, expires, now, used)
        entry.expires, entry.proved = expires, now
        return entry

    def _make_room(self) -> None:
        if len(self._open) < self._at_most:
            return
        for credentials, entry in self._open.items():
            if not entry.is_in_use:
                self._retire(credentials)
                return
        raise errors.too_many("callers")

    def _retire(self, credentials: K) -> None:
        entry = self._open.pop(credentials, None)
        if entry is not None:
            self._retired.append(entry)

    async def _retire_idle(self) -> None:
        while True:
            await asyncio.sleep(_TEND_SECONDS)
            now = asyncio.get_running_loop().time()
            for credentials, entry in list(self._open.items()):
                is_idle = not entry.is_in_use and now - entry.used > self._idle_timeout
                if is_idle or entry.expires <= time.time():
                    self._retire(credentials)
            for retired in [retired for retired in self._retired if not retired.requests]:
                self._retired.remove(retired)
                task = self._background.run_once("closing of a caller's clients", retired.proxy.close())
                self._tasks.add(task)
                task.add_done_callback(self._tasks.discard)
