"""Stopping without failing a request: clients learn from an answer, and not from a closed connection, to go elsewhere.

A client that has just been answered may be sending its next request while the connection is closed beneath it. So a
server that stops takes no new connections, says with each answer that the connection ends, and closes the ones that
stayed silent only after a while.
"""

import asyncio

from aiohttp import web

from karapace_like.web.runner import Runner

_SILENT_SECONDS = 1.0
"""How long a connection may be silent until it is closed."""
_LOOK_SECONDS = 0.02


class Draining:
    """Whether the server is about to stop."""

    def __init__(self) -> None:
        self._has_begun = False

    async def hang_up(self, _: web.Request, answer: web.StreamResponse) -> None:
        """Say that the connection ends; called when an answer's headers are about to be sent."""
        if self._has_begun:
            answer.headers["Connection"] = "close"
            answer.force_close()

    async def drain(self, runner: Runner) -> None:
        """Stop accepting, and return when clients have gone, or those that are left are silent or wait for long."""
        self._has_begun = True
        runner.close_shortcuts()
        for site in runner.sites:
            if isinstance(site, web.SockSite):
                await site.stop()
        loop = asyncio.get_running_loop()
        until = loop.time() + _SILENT_SECONDS
        while _clients(runner) and loop.time() < until:  # noqa: ASYNC110 - aiohttp tells nobody when one ends
            await asyncio.sleep(_LOOK_SECONDS)


def _clients(runner: web.AppRunner) -> int:
    """How many connections there are, without the other workers' (a Unix socket's peer has no address)."""
    assert runner.server is not None
    return sum(1 for each in runner.server.connections if each.transport and each.transport.get_extra_info("peername"))
