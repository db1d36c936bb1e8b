"""Runs an application on listeners, with the response cache, and disconnects clients that stop within a request."""

import asyncio
import socket
import ssl
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from aiohttp import web
from aiohttp.web_server import Server

from karapace_like.background import BackgroundTasks
from karapace_like.web.callers.quotas import QUOTAS
from karapace_like.web.callers.usage import USAGE
from karapace_like.web.http.api_roles import ALL_ROLES, ApiRoles
from karapace_like.web.http.dialects import Dialect
from karapace_like.web.http.http_metrics import HttpMetrics
from karapace_like.web.server.access_log import AccessLog
from karapace_like.web.server.caching import Admit
from karapace_like.web.server.connection import Connection
from karapace_like.web.server.observer import Observer
from karapace_like.web.server.request_heads import MAX_HEADERS, MAX_LINE
from karapace_like.web.server.response_cache import ResponseCache

_BACKLOG = 128
"""Connections that wait to be accepted, as aiohttp has it for a socket that is bound already."""


class _Door(NamedTuple):
    """What the clients of a listener get; each has a response cache, since the same request has another response."""

    dialect: Dialect = Dialect.CONFLUENT
    roles: ApiRoles = ALL_ROLES


_OPEN_DOOR = _Door()


class _Server(Server):
    """Makes a `Connection` for each client."""

    def __init__(
        self, caches: Mapping[_Door, ResponseCache], admit: Admit | None, observer: Observer, like: Server
    ) -> None:
        options = like._kwargs  # noqa: SLF001 - aiohttp offers no other way to read them
        super().__init__(like.request_handler, request_factory=like.request_factory, **options)
        self._caches = caches
        self._admit = admit
        self._observer = observer

    def __call__(self, door: _Door = _OPEN_DOOR) -> Connection:
        cache, observer = self._caches[door], self._observer
        return Connection(self, cache, self._admit, observer, *door, loop=self._loop, **self._kwargs)


class _Listener(web.SockSite):
    """A listening socket, with what its clients get."""

    __slots__ = ("_door", "_listening", "_owner", "_tls")

    def __init__(self, runner: "Runner", on: socket.socket, tls: ssl.SSLContext | None, door: _Door) -> None:
        super().__init__(runner, on, ssl_context=tls)
        self._owner, self._listening, self._tls, self._door = runner, on, tls, door

    async def start(self) -> None:
        """Accept connections."""
        await web.BaseSite.start(self)
        server = self._owner.server
        assert isinstance(server, _Server)
        self._server = await asyncio.get_running_loop().create_server(
            partial(server, self._door), sock=self._listening, ssl=self._tls, backlog=_BACKLOG
        )


class Runner(web.AppRunner):
    """Runs one application."""

    __slots__ = ("_admit", "_background", "_caches", "_observer", "_open_cache", "_owed", "_patience", "_sweeping")

    def __init__(
        self,
        app: web.Application,
        *,
        admit: Admit | None = None,
        caches_responses: bool = True,
        metrics: HttpMetrics | None = None,
        patience: float = 0.0,
        background: BackgroundTasks | None = None,
        requests_log: AccessLog | None = None,
        **options: Any,
    ) -> None:
        """`caches_responses`: see the setting `http_response_cache`; with quotas there is no cache either.

        `patience` is in seconds: a client is disconnected when nothing of the request that it has begun has come for
        that time, after twice that time at the latest; 0: never. `options` are those of aiohttp's runner and protocol.
        """
        # Both parsers count lines of their own among the headers: the first, and the empty one at the end.
        options |= {"max_line_size": MAX_LINE, "max_headers": MAX_HEADERS + 2, "auto_decompress": False}
        super().__init__(app, **options)
        max_body = app._client_max_size  # noqa: SLF001 - aiohttp offers no other way to read it
        # Quotas count each request, which the cache would not show them.
        is_open = caches_responses and QUOTAS not in app
        metrics = metrics or HttpMetrics()
        self._open_cache = partial(ResponseCache, metrics, max_body, is_open=is_open)
        self._caches = {_OPEN_DOOR: self._open_cache()}
        self._admit = admit
        self._observer = Observer(metrics, app[USAGE], requests_log)
        self._patience = patience
        self._background = background or BackgroundTasks()
        self._owed: dict[Connection, tuple[str, float]] = {}
        """What the client of each connection owed at the last sweep."""
        self._sweeping: asyncio.Task[None] | None = None

    async def setup(self) -> None:
        """Make the server, and start the sweep of slow connections."""
        await super().setup()
        if self._patience:
            self._sweeping = self._background.start("sweep of slow connections", self._sweep_repeatedly)

    async def cleanup(self) -> None:
        """Stop the sweep and the server."""
        if self._sweeping is not None:
            self._sweeping.cancel()
        await super().cleanup()

    async def listen(
        self,
        on: socket.socket,
        tls: ssl.SSLContext | None = None,
        dialect: Dialect = Dialect.CONFLUENT,
        roles: ApiRoles = ALL_ROLES,
    ) -> None:
        """Accept connections on a socket that is bound already; with TLS if a context is given.

        The application has to speak the dialect, and to hide the routes of other roles (`make_app`).
        """
        door = _Door(dialect, roles)
        if door not in self._caches:
            self._caches[door] = self._open_cache()
        await _Listener(self, on, tls, door).start()

    async def listen_at(self, path: Path) -> None:
        """Accept connections on a Unix socket at this path, which is made."""
        await web.UnixSite(self, path).start()

    async def _sweep_repeatedly(self) -> None:
        while True:
            self._sweep()
            await asyncio.sleep(self._patience)

    def _sweep(self) -> None:
        """Disconnect each client that owes the same as at the last sweep."""
        before, self._owed = self._owed, {}
        for connection in self.server.connections if self.server is not None else ():
            assert isinstance(connection, Connection)
            owed = connection.awaited_input
            if owed is not None and before.get(connection) == owed:
                connection.force_close()
            elif owed is not None:
                self._owed[connection] = owed

    def close_response_cache(self) -> None:
        """Leave every further request to aiohttp."""
        for cache in self._caches.values():
            cache.close()

    async def _make_server(self) -> Server:
        return _Server(self._caches, self._admit, self._observer, await super()._make_server())
