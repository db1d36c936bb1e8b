"""The other workers of this node: who they are, and that a write is answered once all of them have applied it.

A client's next request may reach any worker, and is to find there what the client has written.
"""

import asyncio
import contextlib
from collections.abc import Mapping

from aiohttp import web

from karapace_like.errors import ApiError
from karapace_like.registry.errors import RegistryError
from karapace_like.web.access import is_from_worker
from karapace_like.web.keys import REGISTRY
from karapace_like.web.peers import NotReachedError, Peers

PATH = "/_worker/applied/{offset}"

_SECONDS = 2.0
"""How long a worker is waited for: one that takes longer is stuck, and answers nobody."""


class Neighbours:
    """Who they are at the moment."""

    def __init__(self, peers: Peers) -> None:
        self._peers = peers
        self.addresses: Mapping[int, str] = {}
        """By the worker's number, of which each new worker has a new one."""

    async def meet(self, addresses: Mapping[int, str]) -> None:
        """These are all the others now."""
        before, self.addresses = self.addresses, addresses
        for worker in before.keys() - addresses.keys():
            await self._peers.forget(before[worker])

    async def applied(self, offset: int) -> None:
        """Return when every one that serves has applied the schemas topic up to the offset."""
        # One that cannot be asked is being started or stopped, and reads what was written before it serves.
        await self.answers(PATH.format(offset=offset))

    async def answers(self, path: str) -> Mapping[int, bytes]:
        """What each of them answers, by its number; those that do not answer in time are left out."""
        workers = list(self.addresses.items())
        found = await asyncio.gather(*(self._ask(address, path) for _, address in workers))
        return {worker: body for (worker, _), body in zip(workers, found, strict=True) if body is not None}

    async def _ask(self, address: str, path: str) -> bytes | None:
        with contextlib.suppress(NotReachedError, TimeoutError):
            async with asyncio.timeout(_SECONDS):
                return (await self._peers.ask(address, "GET", path, {}, b"")).body
        return None


async def applied(request: web.Request) -> web.Response:
    """Answer another worker once the schemas topic is applied here up to the offset of the path."""
    offset = request.match_info["offset"]
    if not is_from_worker(request) or not offset.isdigit():
        raise ApiError(404, "HTTP 404 Not Found")
    registry = request.config_dict[REGISTRY]
    with contextlib.suppress(RegistryError):  # one that does not serve yet need not be waited for
        registry.read()
        await registry.applied(int(offset))
    return web.Response()
