"""Requests from one node to another: the caller's own headers, over connections that are kept, marked as sent on.

Hop marks: `X-Forward: true`, as the reference registry sends it; Karapace sends none but its `User-Agent`.
"""

import uuid
from collections.abc import Mapping
from typing import NamedTuple

import aiohttp
from aiohttp import web
from multidict import CIMultiDict
from yarl import URL

_HOP = "X-Forward"
_REQUEST_ID = "X-Request-ID"

_NOT_SENT = (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError)
_CONNECT_SECONDS = 3.0
_NOT_FORWARDED = frozenset(
    {"connection", "keep-alive", "proxy-authenticate", "proxy-authorization", "te", "trailer", "transfer-encoding",
     "upgrade", "host", "content-length", "expect"}
)  # fmt: skip
"""Headers of one connection (RFC 9110, 7.6.1) and those that the next request has of its own."""

_NOT_ADDED = ("Accept", "Accept-Encoding", "Content-Type", "User-Agent")
"""What the caller has not said is not said for him."""


class NotReachedError(Exception):
    """There is no answer; `is_sent` tells whether the request may have been worked on."""

    def __init__(self, reason: str, *, is_sent: bool) -> None:
        super().__init__(reason)
        self.is_sent = is_sent


class Answer(NamedTuple):
    """What another node answered."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def response(self) -> web.Response:
        """The same for the caller."""
        return web.Response(status=self.status, headers=_end_to_end(self.headers), body=self.body)


class _BrokenOffError(aiohttp.ClientError):
    """The connection has ended before the answer came."""


async def _never_twice(request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType) -> aiohttp.ClientResponse:
    """Keep aiohttp from repeating a DELETE: the second one would be told that there is nothing to delete."""
    try:
        return await handler(request)
    except _NOT_SENT:
        raise
    except (aiohttp.ClientOSError, aiohttp.ServerDisconnectedError) as error:
        raise _BrokenOffError(str(error)) from error


class Peers:
    """The other nodes, over connections that are kept."""

    def __init__(self) -> None:
        self._session: aiohttp.ClientSession | None = None

    async def ask(self, url: URL, method: str, headers: Mapping[str, str], body: bytes) -> Answer:
        """One request, marked as sent on; raises NotReachedError."""
        marked = CIMultiDict(headers)
        marked[_HOP] = "true"
        marked.setdefault(_REQUEST_ID, str(uuid.uuid4()))
        try:
            async with self._connected().request(
                method, url, headers=marked, data=body, allow_redirects=False
            ) as answer:
                return Answer(answer.status, answer.headers, await answer.read())
        except (aiohttp.ClientError, OSError) as error:
            raise NotReachedError(str(error), is_sent=not isinstance(error, _NOT_SENT)) from error

    async def close(self) -> None:
        """Close the connections."""
        if self._session is not None:
            await self._session.close()

    def _connected(self) -> aiohttp.ClientSession:
        if self._session is None:
            timeout = aiohttp.ClientTimeout(total=None, sock_connect=_CONNECT_SECONDS)
            self._session = aiohttp.ClientSession(
                # As many polls may wait at another node as there are clients.
                connector=aiohttp.TCPConnector(limit=0),
                auto_decompress=False,
                skip_auto_headers=_NOT_ADDED,
                timeout=timeout,
                middlewares=[_never_twice],
            )
        return self._session


PEERS = web.AppKey("peers", Peers)


def is_hop(request: web.Request) -> bool:
    """Whether another node has sent the request on."""
    return _HOP in request.headers or request.headers.get("User-Agent", "").startswith("Karapace/")


def passed_on_headers(request: web.Request) -> CIMultiDict[str]:
    """The caller's headers for the next node, with the caller's address."""
    headers = _end_to_end(request.headers)
    if request.remote:
        headers["X-Forwarded-For"] = ", ".join(filter(None, [request.headers.get("X-Forwarded-For"), request.remote]))
    return headers


def _end_to_end(headers: Mapping[str, str]) -> CIMultiDict[str]:
    return CIMultiDict((name, value) for name, value in headers.items() if name.lower() not in _NOT_FORWARDED)
