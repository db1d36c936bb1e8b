"""Stopping without failing a request: a response, not a closed connection, directs clients elsewhere.

A client that has just been answered may be sending its next request while the server closes the connection. So a
server that stops sends `Connection: close` with each response, accepts no new connections, and closes connections
that stay silent only after a while. Requests that wait for records return those that have arrived, and streams end:
their clients continue at another node. It can announce the end some time before it stops accepting, for load balancers.
"""

import asyncio

from aiohttp import web

from karapace_like.web.server.runner import Runner

_SILENT_SECONDS = 1.0
"""How long a connection may stay silent before it is closed."""
_LOOK_SECONDS = 0.02


class Draining:
    """Whether the server is about to stop."""

    def __init__(self) -> None:
        self._is_announced = False
        self.stopping = asyncio.Event()
        """Set once the server accepts no further connection: requests that wait for records are answered then."""

    async def close_after_response(self, _: web.Request, response: web.StreamResponse) -> None:
        """Announce the end of the connection; aiohttp calls this before it sends a response's headers."""
        if self._is_announced:
            response.headers["Connection"] = "close"
            response.force_close()

    def announce(self, runner: Runner) -> None:
        """End each connection with its next response; new connections are accepted all the same."""
        self._is_announced = True
        runner.close_response_cache()

    async def drain(self, runner: Runner) -> None:
        """Stop accepting, and return once no client is connected, after a second at the latest.

        Clients that are connected then are silent, or get a long response.
        """
        self.announce(runner)
        for site in runner.sites:
            if isinstance(site, web.SockSite):
                await site.stop()
        self.stopping.set()
        loop = asyncio.get_running_loop()
        until = loop.time() + _SILENT_SECONDS
        while _count_clients(runner) and loop.time() < until:  # noqa: ASYNC110 - aiohttp has no event for this
            await asyncio.sleep(_LOOK_SECONDS)


def _count_clients(runner: web.AppRunner) -> int:
    """Return how many connections are open, those of the other workers excluded."""
    assert runner.server is not None
    transports = (connection.transport for connection in runner.server.connections)
    # The peer of a Unix socket, which only workers connect to, has no address.
    return sum(1 for transport in transports if transport and transport.get_extra_info("peername"))
