"""Runs an application with shortcuts, and lets go of clients that owe it the rest of a request for too long."""

import asyncio
from typing import Any

from aiohttp import web
from aiohttp.web_server import Server

from karapace_like.web.metrics import HttpMetrics
from karapace_like.web.quotas import QUOTAS
from karapace_like.web.shortcuts import Admit, Connection, Shortcuts


class _Server(Server):
    """Makes such connections."""

    def __init__(self, shortcuts: Shortcuts, like: Server) -> None:
        options = like._kwargs  # noqa: SLF001 - has no other way out
        super().__init__(like.request_handler, request_factory=like.request_factory, **options)
        self._shortcuts = shortcuts

    def __call__(self) -> Connection:
        return Connection(self, self._shortcuts, loop=self._loop, **self._kwargs)


class Runner(web.AppRunner):
    """Runs an application with shortcuts; see `Shortcuts` for `admit`.

    `patience`: seconds after which, and after twice of which at most, a client is let go that goes on with neither head
    nor body of its request; 0: never.
    """

    __slots__ = ("_patience", "_shortcuts", "_sweeping", "_waited")

    def __init__(
        self,
        app: web.Application,
        *,
        admit: Admit | None = None,
        metrics: HttpMetrics | None = None,
        patience: float = 0.0,
        **options: Any,
    ) -> None:
        super().__init__(app, **options)
        max_body = app._client_max_size  # noqa: SLF001 - has no other way out
        self._shortcuts = Shortcuts(admit, max_body, metrics or HttpMetrics())
        if QUOTAS in app:
            self.close_shortcuts()  # each request is counted
        self._patience = patience
        self._waited: dict[Connection, tuple[str, float]] = {}
        """What each connection was waiting for when they were looked at last."""
        self._sweeping: asyncio.TimerHandle | None = None

    async def setup(self) -> None:
        """Begin to let slow clients go."""
        await super().setup()
        if self._patience:
            self._sweep()

    async def cleanup(self) -> None:
        """End that."""
        if self._sweeping is not None:
            self._sweeping.cancel()
        await super().cleanup()

    def _sweep(self) -> None:
        waited, self._waited = self._waited, {}
        for each in self.server.connections if self.server is not None else ():
            assert isinstance(each, Connection)
            owed = each.waits_for
            if owed is not None and waited.get(each) == owed:
                each.force_close()
            elif owed is not None:
                self._waited[each] = owed
        self._sweeping = asyncio.get_running_loop().call_later(self._patience, self._sweep)

    def close_shortcuts(self) -> None:
        """Let aiohttp answer everything from now on."""
        self._shortcuts.admit = lambda *_: False

    async def _make_server(self) -> Server:
        return _Server(self._shortcuts, await super()._make_server())
