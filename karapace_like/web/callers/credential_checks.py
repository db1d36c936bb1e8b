"""Check credentials in turn: a bounded, fair queue, and a delay after failures.

A check is expensive (a hash, or a connection to Kafka), and anybody may cause one. So addresses take turns, the users
of an address do, and a user at an address is checked once at a time: whoever sends many wrong passwords waits behind
themselves only, and another user's check need not wait for one of theirs to end.
"""

import asyncio
import ipaddress
import time
from collections import OrderedDict, deque
from collections.abc import AsyncIterator, Awaitable, Callable, Hashable
from contextlib import asynccontextmanager
from functools import lru_cache, partial
from typing import NamedTuple, TypeVar

from karapace_like.access import errors
from karapace_like.access.attempts import FailedAttempts

T = TypeVar("T")

_MAX_WAITING_OF_USER = 8
_MAX_WAITING_AT_ADDRESS = 16
"""With two checks of 80 ms (scrypt) at a time, the last one waits 0.7 seconds."""
_MAX_WAITING = 256
_IPV6_NETWORK = 64
"""Bits of an IPv6 address that one client does not choose."""


class Claimant(NamedTuple):
    """Who claims to be a user, before it is proved."""

    address: str
    """The client's address, or the network of an IPv6 address."""
    user: Hashable
    """The name that it claims, or a digest of a token."""

    @classmethod
    def at(cls, transport: asyncio.BaseTransport | None, user: Hashable) -> "Claimant":
        """Return the claimant at the other end of the transport; other workers of this node share one address."""
        return cls(find_network(transport), user)


def find_network(transport: asyncio.BaseTransport | None) -> str:
    """Return the client's IPv4 address, or its IPv6 network; empty for another worker of this node."""
    peer = None if transport is None else transport.get_extra_info("peername")
    return _network(peer[0]) if isinstance(peer, tuple) else ""


@lru_cache(maxsize=1024)
def _network(address: str) -> str:
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(parsed, ipaddress.IPv4Address):
        return address
    return str(
        parsed.ipv4_mapped or ipaddress.ip_network((int(parsed) >> _IPV6_NETWORK << _IPV6_NETWORK, _IPV6_NETWORK))
    )


class _Turns:
    """Admits `concurrent` claimants at a time, and none twice; the others wait in a fair queue."""

    def __init__(self, concurrent: int) -> None:
        self._free = concurrent
        self._checked: set[Claimant] = set()
        """The claimants that hold a turn."""
        self._waiting: OrderedDict[str, OrderedDict[Hashable, deque[asyncio.Future[None]]]] = OrderedDict()
        """Address -> user -> those who wait; the next turn is the first address's, and its first user's."""
        self._count = 0

    @asynccontextmanager
    async def take(self, claimant: Claimant) -> AsyncIterator[None]:
        """Hold a turn; raise ApiError 42901 if too many are waiting."""
        if self._free > 0 and claimant not in self._checked:
            self._hold(claimant)
        else:
            await self._wait(claimant)
        try:
            yield
        finally:
            self._end(claimant)

    async def _wait(self, claimant: Claimant) -> None:
        users = self._waiting.get(claimant.address, OrderedDict())
        of_user = users.get(claimant.user, deque())
        if (
            self._count >= _MAX_WAITING
            or len(of_user) >= _MAX_WAITING_OF_USER
            or sum(map(len, users.values())) >= _MAX_WAITING_AT_ADDRESS
        ):
            raise errors.too_many_checks()
        turn = asyncio.get_running_loop().create_future()
        of_user.append(turn)
        users[claimant.user] = of_user
        self._waiting[claimant.address] = users
        self._count += 1
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self._end(claimant)
            raise

    def _hold(self, claimant: Claimant) -> None:
        self._free -= 1
        self._checked.add(claimant)

    def _end(self, ended: Claimant) -> None:
        """Take the turn back, and give free turns to the next ones who wait."""
        self._free += 1
        self._checked.discard(ended)
        while self._free > 0 and (claimant := self._next_claimant()) is not None:
            turn = self._dequeue(claimant)
            if not turn.done():
                self._hold(claimant)
                turn.set_result(None)

    def _next_claimant(self) -> Claimant | None:
        """Return the first one in the queue that holds no turn; None if there is none."""
        claimants = (Claimant(address, user) for address, users in self._waiting.items() for user in users)
        return next((claimant for claimant in claimants if claimant not in self._checked), None)

    def _dequeue(self, claimant: Claimant) -> asyncio.Future[None]:
        """Remove the claimant's first turn from the queue, and move their user and address to its end."""
        users = self._waiting.pop(claimant.address)
        of_user = users.pop(claimant.user)
        turn = of_user.popleft()
        self._count -= 1
        if of_user:
            users[claimant.user] = of_user
        if users:
            self._waiting[claimant.address] = users
        return turn


class CredentialChecks:
    """Runs checks of credentials, `concurrent` at a time."""

    def __init__(self, concurrent: int, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._turns = _Turns(concurrent)
        self._failed = FailedAttempts()
        self._now = clock

    async def run(self, claimant: Claimant, check: Callable[[], Awaitable[T | None]]) -> T | None:
        """Return the result of the check, None for wrong credentials; raise ApiError 42901 for one too many."""
        async with self.attempt(claimant, is_known=False) as report:
            result = await check()
            report(result is not None)
            return result

    @asynccontextmanager
    async def attempt(self, claimant: Claimant, *, is_known: bool) -> AsyncIterator[Callable[[bool], None]]:
        """Hold a turn for one check, which calls what is yielded with whether the credentials are right.

        Failures delay no check of credentials that were right before (`is_known`). Raises ApiError 42901 for one check
        too many.
        """
        if not is_known:
            self._refuse_early(claimant)
        async with self._turns.take(claimant):
            if not is_known:
                self._refuse_early(claimant)  # others may have failed meanwhile
            yield partial(self._report, claimant)

    def _report(self, claimant: Claimant, is_right: bool) -> None:  # noqa: FBT001 - the only thing to report
        if is_right:
            self._failed.clear(claimant)
        else:
            self._failed.add(claimant, self._now())

    def _refuse_early(self, claimant: Claimant) -> None:
        wait = self._failed.wait(claimant, self._now())
        if wait > 0:
            raise errors.too_many_failures(wait)
