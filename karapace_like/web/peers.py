"""Requests from one process to another: the caller's own headers, over connections that are kept, marked as sent on.

What one worker asks another of its node, over a Unix socket, is no hop: it comes as the caller sent it, unmarked.

Hop marks: `X-Forward: true`, as the reference registry sends it; Karapace sends none but its `User-Agent`. Where the
nodes share a secret, or are known by their certificates, that proves a mark, and one without it is refused: it would be
a client's.
"""

import asyncio
import hmac
import ssl
import uuid
from collections.abc import Callable, Mapping
from typing import Literal, NamedTuple, TypeAlias

import aiohttp
from aiohttp import web
from multidict import CIMultiDict
from yarl import URL

from karapace_like import trace_context
from karapace_like.errors import ApiError
from karapace_like.secret import Secret
from karapace_like.web import access
from karapace_like.web.errors import Handler

Tls: TypeAlias = ssl.SSLContext | Literal[True]
"""What connections are made with; True: by the system's authorities."""

_WORKER = "unix:"
_HOP = "X-Forward"
_PROOF = "X-Forward-Secret"
_REQUEST_ID = "X-Request-ID"

_NOT_SENT = (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError)
_CONNECT_SECONDS = 3.0
_NOT_FORWARDED = frozenset(
    {"connection", "keep-alive", "proxy-authenticate", "proxy-authorization", "te", "trailer", "transfer-encoding",
     "upgrade", "host", "content-length", "expect", _PROOF.lower()}
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
    """The other nodes, by their URLs, and this node's other workers, over connections that are kept."""

    def __init__(
        self,
        secret: Secret | None = None,
        *,
        is_node: Callable[[asyncio.BaseTransport | None], bool] | None = None,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        """`secret` is known to all nodes, and to nobody else; `is_node`: whether a connection's certificate is one's.

        `tls` is for connections to them; None: the system's authorities, and no certificate.
        """
        self.tls: Tls = tls or True
        """What the next connection to another node is made with."""
        self._secret = secret
        self._is_node = is_node
        self._sessions: dict[str, aiohttp.ClientSession] = {}
        """By the path of the worker's socket; that for all other nodes has none."""
        self.asked = {("answered",): 0, ("failed",): 0}
        """What became of the requests that were sent on."""

    async def ask(self, address: str, method: str, path: str, headers: Mapping[str, str], body: bytes) -> Answer:
        """One request for a path that is quoted already; to another node it is marked as sent on.

        Raises NotReachedError.
        """
        marked = CIMultiDict(headers)
        marked.update(trace_context.headers.get())
        marked.setdefault(_REQUEST_ID, str(uuid.uuid4()))
        socket = _socket(address)
        if not socket:
            marked[_HOP] = "true"
            if self._secret is not None:
                marked[_PROOF] = self._secret.value
        url = URL(("http://worker" if socket else address) + path, encoded=True)
        try:
            async with self._connected(socket).request(
                method, url, headers=marked, data=body, allow_redirects=False, ssl=self.tls
            ) as answer:
                found = Answer(answer.status, answer.headers, await answer.read())
                self.asked["answered",] += 1
                return found
        except (aiohttp.ClientError, OSError) as error:
            self.asked["failed",] += 1
            raise NotReachedError(str(error), is_sent=not isinstance(error, _NOT_SENT)) from error

    def check(self, request: web.Request) -> None:
        """Raise ApiError 403 for a request that says that a node has sent it on, if none has."""
        if not self.prove_themselves or not is_hop(request) or access.is_from_worker(request):
            return
        if not self._has_secret(request) and not (self._is_node and self._is_node(request.transport)):
            raise ApiError(403, "HTTP 403 Forbidden: no node of this service has sent this request on")
        access.trust(request)

    def _has_secret(self, request: web.Request) -> bool:
        given = request.headers.get(_PROOF, "").encode("utf-8", "surrogateescape")
        return self._secret is not None and hmac.compare_digest(given, self._secret.value.encode())

    @property
    def prove_themselves(self) -> bool:
        """Whether the nodes can believe each other."""
        return self._secret is not None or self._is_node is not None

    def use(self, tls: ssl.SSLContext) -> None:
        """Connect with this from now on."""
        self.tls = tls

    async def close(self) -> None:
        """Close the connections."""
        for session in self._sessions.values():
            await session.close()

    async def forget(self, worker: str) -> None:
        """Close the connections to a worker that is gone, by its address."""
        session = self._sessions.pop(_socket(worker), None)
        if session is not None:
            await session.close()

    def _connected(self, socket: str) -> aiohttp.ClientSession:
        session = self._sessions.get(socket)
        if session is None:
            timeout = aiohttp.ClientTimeout(total=None, sock_connect=_CONNECT_SECONDS)
            session = self._sessions[socket] = aiohttp.ClientSession(
                # As many polls may wait at another process as there are clients.
                connector=aiohttp.UnixConnector(socket, limit=0) if socket else aiohttp.TCPConnector(limit=0),
                auto_decompress=False,
                skip_auto_headers=_NOT_ADDED,
                timeout=timeout,
                middlewares=[_never_twice],
            )
        return session


PEERS = web.AppKey("peers", Peers)


def worker_address(socket: str) -> str:
    """The address of the worker that answers at this Unix socket."""
    return _WORKER + socket


def is_worker(address: str) -> bool:
    """Whether the address is one of another worker of this node."""
    return address.startswith(_WORKER)


def _socket(address: str) -> str:
    return address.removeprefix(_WORKER) if is_worker(address) else ""


def is_hop(request: web.Request) -> bool:
    """Whether another node has sent the request on."""
    return _HOP in request.headers or request.headers.get("User-Agent", "").startswith("Karapace/")


def passed_on_headers(request: web.Request, address: str) -> CIMultiDict[str]:
    """The caller's headers for the next process, with the caller's address; a worker is asked as this one was."""
    headers = _end_to_end(request.headers)
    if is_worker(address):
        headers["Host"] = request.host
    if is_worker(address) or request.config_dict[PEERS].prove_themselves:
        access.vouch(request, headers)
    if request.remote:
        headers["X-Forwarded-For"] = ", ".join(filter(None, [request.headers.get("X-Forwarded-For"), request.remote]))
    return headers


@web.middleware
async def proof_middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Refuse what only seems to come from another node."""
    request.config_dict[PEERS].check(request)
    return await handler(request)


def _end_to_end(headers: Mapping[str, str]) -> CIMultiDict[str]:
    return CIMultiDict((name, value) for name, value in headers.items() if name.lower() not in _NOT_FORWARDED)
