"""The other workers of this node, which must have applied a write before it is answered.

A client's next request may reach any worker, and must find there what the client has written.
"""

import asyncio
import contextlib
from collections.abc import Mapping
from typing import Any

from aiohttp import web

from karapace_like.errors import ApiError
from karapace_like.replication.replica import Replica
from karapace_like.web.callers.access import is_from_worker
from karapace_like.web.cluster.peers import NotReachedError, Peers
from karapace_like.web.http.errors import no_route_error

PATH = "/_worker/applied/{log}/{offset}"

LOGS: web.AppKey[Mapping[str, Replica[Any]]] = web.AppKey("logs", dict)
"""What it holds -> the log."""

_SECONDS = 2.0
"""How long to wait for a worker: one that takes longer is stuck, and answers no client either."""


class SiblingWorkers:
    """The addresses of this node's other workers at the moment."""

    def __init__(self, peers: Peers) -> None:
        self._peers = peers
        self.addresses: Mapping[int, str] = {}
        """By the worker's number; every new worker has a new one."""

    async def replace(self, addresses: Mapping[int, str]) -> None:
        """Replace the workers, and close connections to those that have ended."""
        before, self.addresses = self.addresses, addresses
        for worker in before.keys() - addresses.keys():
            await self._peers.disconnect(before[worker])

    async def wait_until_applied(self, log: str, offset: int) -> None:
        """Return when every worker that serves has applied the log, by what it holds, up to the offset."""
        # A worker that does not answer is starting or stopping; it replays the topic before it serves.
        await self.ask_all(PATH.format(log=log, offset=offset))

    async def ask_all(self, path: str) -> Mapping[int, bytes]:
        """Return each worker's response body by its number; workers that do not answer in time are left out."""
        workers = list(self.addresses.items())
        bodies = await asyncio.gather(*(self._ask(address, path) for _, address in workers))
        return {worker: body for (worker, _), body in zip(workers, bodies, strict=True) if body is not None}

    async def _ask(self, address: str, path: str) -> bytes | None:
        with contextlib.suppress(NotReachedError, TimeoutError):
            async with asyncio.timeout(_SECONDS):
                return (await self._peers.ask(address, "GET", path, {}, b"")).body
        return None


async def wait_until_applied(request: web.Request) -> web.Response:
    """Answer another worker once the log of the path is applied here up to the offset of the path."""
    offset = request.match_info["offset"]
    log = request.config_dict[LOGS].get(request.match_info["log"])
    if log is None or not is_from_worker(request) or not offset.isdigit():
        raise no_route_error(request)
    with contextlib.suppress(ApiError):  # a worker that does not serve yet need not be waited for
        log.read()
        await log.wait_until_applied(int(offset))
    return web.Response()
