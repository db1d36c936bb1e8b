"""Connections to one HTTP server: requests of the event loop, answered by the standard library in threads.

The commands are light to install and quick to start because they need no HTTP library. A thread ends with its request
and never keeps the process alive, so that Ctrl-C and the end of a service need not wait for an answer.
"""

import asyncio
import http.client
import select
import ssl
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from http import HTTPStatus
from socket import SHUT_RDWR, socket
from typing import NamedTuple

_CONNECT_SECONDS = 10
_IDLE_SECONDS = 15
"""How long a connection without a request is kept: shorter than servers keep it."""
FAILURES = (OSError, http.client.HTTPException)
"""What `ConnectionPool.send` raises where there is no response."""


class Response(NamedTuple):
    """A response, read as a whole."""

    status: int
    content: bytes
    location: str | None
    """Where a redirection leads."""


class _Idle(NamedTuple):
    connection: http.client.HTTPConnection
    since: float


class ConnectionPool:
    """Keeps connections to a server, of which at most `limit` have a request at a time."""

    def __init__(
        self, host: str, port: int | None, tls: ssl.SSLContext | None, *, limit: int, answer_seconds: float
    ) -> None:
        """`tls` is None for plain HTTP; a read of a response takes `answer_seconds` at most."""
        self._host = host
        self._port = port
        self._tls = tls
        self._answer_seconds = answer_seconds
        self._slots = asyncio.Semaphore(limit)
        self._idle: list[_Idle] = []
        self._is_closed = False

    def close(self) -> None:
        """Close the idle connections; the others are closed when their request ends."""
        self._is_closed = True
        for idle in self._idle:
            idle.connection.close()
        self._idle.clear()

    async def send(self, method: str, target: str, content: bytes | None, headers: Mapping[str, str]) -> Response:
        """Send a request and return its response; raises one of FAILURES."""
        async with self._slots:
            kept = self._take_idle_connection()
            if kept is not None:
                try:
                    return await self._exchange(kept, method, target, content, headers)
                except (ConnectionError, http.client.BadStatusLine):
                    if method != "GET":  # the server may have done what was asked before it closed the connection
                        raise
            return await self._exchange(self._open_connection(), method, target, content, headers)

    def _open_connection(self) -> http.client.HTTPConnection:
        if self._tls is None:
            return http.client.HTTPConnection(self._host, self._port, timeout=_CONNECT_SECONDS)
        return http.client.HTTPSConnection(self._host, self._port, timeout=_CONNECT_SECONDS, context=self._tls)

    def _take_idle_connection(self) -> http.client.HTTPConnection | None:
        """Return a connection that the server has not closed; None if there is none."""
        while self._idle:
            connection, since = self._idle.pop()
            is_recent = time.monotonic() - since < _IDLE_SECONDS
            # A server sends nothing between requests: what can be read is the end of the connection.
            if is_recent and connection.sock is not None and not _is_readable(connection.sock.fileno()):
                return connection
            connection.close()
        return None

    async def _exchange(
        self,
        connection: http.client.HTTPConnection,
        method: str,
        target: str,
        content: bytes | None,
        headers: Mapping[str, str],
    ) -> Response:
        loop = asyncio.get_running_loop()
        outcome: asyncio.Future[Response] = loop.create_future()

        def settle(response: Response | None, error: Exception | None) -> None:
            if outcome.done():  # the caller has gone
                connection.close()
            elif error is not None:
                outcome.set_exception(error)
            elif response is not None:
                outcome.set_result(response)

        def work() -> None:
            response, failure = None, None
            try:
                response = self._ask(connection, method, target, content, headers)
            except Exception as error:  # noqa: BLE001 - raised again in the event loop
                failure = error
            with suppress(RuntimeError):  # the loop is closed: nobody waits
                loop.call_soon_threadsafe(settle, response, failure)

        threading.Thread(target=work, name="registry-request", daemon=True).start()
        try:
            response = await outcome
        except asyncio.CancelledError:
            if connection.sock is not None:
                with suppress(OSError):
                    connection.sock.shutdown(SHUT_RDWR)
            raise
        except Exception:
            connection.close()
            raise
        if connection.sock is None or self._is_closed:
            connection.close()
        else:
            self._idle.append(_Idle(connection, time.monotonic()))
        return response

    def _ask(
        self,
        connection: http.client.HTTPConnection,
        method: str,
        target: str,
        content: bytes | None,
        headers: Mapping[str, str],
    ) -> Response:
        if connection.sock is None:
            connection.connect()
            opened: socket | None = connection.sock
            if opened is not None:
                opened.settimeout(self._answer_seconds)
        connection.request(method, target, body=content, headers=dict(headers))
        answer = connection.getresponse()
        location = answer.getheader("Location") if HTTPStatus(300) <= answer.status < HTTPStatus(400) else None
        return Response(answer.status, answer.read(), location)


def _is_readable(descriptor: int) -> bool:
    poll = select.poll()
    poll.register(descriptor, select.POLLIN)
    return bool(poll.poll(0))
