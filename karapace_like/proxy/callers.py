"""A proxy for each caller, which reaches the cluster as him: so the cluster itself says what he may do.

Each has clients of its own: connections, threads, consumer instances. They are made once the cluster takes the caller's
credentials, and let go when nobody uses them for a while, when the credentials end, or when the cluster does not
take them any more.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Hashable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Generic, TypeVar

from karapace_like.errors import KafkaFailure
from karapace_like.proxy import errors
from karapace_like.proxy.proxy import Proxy

K = TypeVar("K", bound=Hashable)
"""A caller's credentials."""

_TEND_SECONDS = 1.0
_PROVING = 8
"""Credentials that the cluster is asked about at the same time."""


@dataclass(slots=True)
class _Open:
    """A caller's proxy. Times are the event loop's, but for the end of the credentials."""

    proxy: Proxy
    expires: float
    proved: float
    used: float
    requests: int = 0
    """Those that are being answered."""

    @property
    def is_in_use(self) -> bool:
        return self.requests > 0 or len(self.proxy.consumers) > 0


class Callers(Generic[K]):
    """The proxies of all callers. `start` it on the event loop, and `close` it at the end."""

    def __init__(
        self,
        prove: Callable[[K], Awaitable[float]],
        make: Callable[[K], Proxy],
        *,
        at_most: int,
        idle_timeout: float,
        proof_timeout: float,
    ) -> None:
        """`prove` answers until when credentials count, in seconds since the epoch, and raises KafkaFailure.

        `proof_timeout` is how long that counts: after this a changed password does not. Time-outs are in seconds.
        """
        self._prove = prove
        self._make = make
        self._at_most = at_most
        self._idle_timeout = idle_timeout
        self._proof_timeout = proof_timeout
        self._open: dict[K, _Open] = {}
        """The one that was not used for longest is first."""
        self._proving: dict[K, asyncio.Task[_Open]] = {}
        self._turns = asyncio.Semaphore(_PROVING)
        self._tasks: set[asyncio.Task[None]] = set()
        self._leaving: list[_Open] = []
        """Let go of, while requests are still being answered."""
        self._tending: asyncio.Task[None] | None = None

    def __len__(self) -> int:
        """How many consumer instances all callers have."""
        return sum(len(each.proxy.consumers) for each in self._open.values())

    @asynccontextmanager
    async def proxy_of(self, credentials: K) -> AsyncIterator[Proxy]:
        """The caller's proxy, for one request; 40101: the cluster does not take him, 42901: there are too many."""
        with errors.kafka_failures():
            found = await self._found(credentials)
        if self._open.get(credentials) is found:
            self._open[credentials] = self._open.pop(credentials)
        found.requests += 1
        try:
            yield found.proxy
        finally:
            found.requests -= 1
            found.used = asyncio.get_running_loop().time()

    def start(self) -> None:
        """Begin to let go of those that are not used."""
        self._tending = asyncio.create_task(self._tend())

    async def close(self) -> None:
        """Close all."""
        if self._tending is not None:
            self._tending.cancel()
        for task in self._proving.values():
            task.cancel()
        await asyncio.gather(*self._proving.values(), return_exceptions=True)
        everyone = [*self._open.values(), *self._leaving]
        await asyncio.gather(*(each.proxy.close() for each in everyone), *self._tasks, return_exceptions=True)

    async def _found(self, credentials: K) -> _Open:
        known, now = self._open.get(credentials), asyncio.get_running_loop().time()
        if known is not None and time.time() < known.expires and now < known.proved + self._proof_timeout:
            return known
        task = self._proving.get(credentials)
        if task is None:
            task = self._proving[credentials] = asyncio.create_task(self._proved(credentials))
            task.add_done_callback(lambda _: self._proving.pop(credentials))
        return await asyncio.shield(task)

    async def _proved(self, credentials: K) -> _Open:
        try:
            async with self._turns:
                expires = await self._prove(credentials)
        except KafkaFailure as failure:
            known = self._open.get(credentials)
            if errors.is_unauthenticated(failure):
                self._let_go(credentials)
            elif known is not None and time.time() < known.expires:
                return known  # the cluster cannot be asked at the moment
            raise
        now = asyncio.get_running_loop().time()
        known = self._open.get(credentials)
        if known is None:
            self._make_room()
            proxy = self._make(credentials)
            proxy.start()
            known = self._open[credentials] = _Open(proxy, expires, now, now)
        known.expires, known.proved = expires, now
        return known

    def _make_room(self) -> None:
        if len(self._open) < self._at_most:
            return
        for credentials, each in self._open.items():
            if not each.is_in_use:
                self._let_go(credentials)
                return
        raise errors.too_many("users")

    def _let_go(self, credentials: K) -> None:
        known = self._open.pop(credentials, None)
        if known is not None:
            self._leaving.append(known)

    async def _tend(self) -> None:
        while True:
            await asyncio.sleep(_TEND_SECONDS)
            now = asyncio.get_running_loop().time()
            for credentials, each in list(self._open.items()):
                is_idle = not each.is_in_use and now - each.used > self._idle_timeout
                if is_idle or each.expires <= time.time():
                    self._let_go(credentials)
            for each in [each for each in self._leaving if not each.requests]:
                self._leaving.remove(each)
                task = asyncio.create_task(each.proxy.close())
                self._tasks.add(task)
                task.add_done_callback(self._tasks.discard)
