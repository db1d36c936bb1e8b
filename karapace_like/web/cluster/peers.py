"""Requests from one process of this service to another, with the caller's own headers, over persistent connections.

A request to another node is marked as forwarded: by `X-Forward: true`, as Confluent Schema Registry marks it; Karapace
is recognised by its `User-Agent`. Where the nodes share a secret, or authenticate by certificates, a mark needs that
proof, and a request with an unproved mark is refused, because a client could have set it. Requests between workers of a
node, over Unix sockets, carry no mark.
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

from karapace_like.errors import ApiError
from karapace_like.process import trace_context
from karapace_like.secret import Secret
from karapace_like.web.callers import access
from karapace_like.web.http.errors import Handler

Tls: TypeAlias = ssl.SSLContext | Literal[True]
"""TLS of connections; True: verified by the system's certificate authorities."""

_WORKER = "unix:"
_HOP = "X-Forward"
_PROOF = "X-Forward-Secret"
_REQUEST_ID = "X-Request-ID"

_NOT_SENT = (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError)
_CONNECT_SECONDS = 3.0
_NOT_FORWARDED = frozenset(
    {"connection", "keep-alive", "proxy-authenticate", "proxy-authorization", "te", "trailer", "transfer-encoding",
     "upgrade", "host", "origin", "content-length", "expect", _PROOF.lower()}
)  # fmt: skip
"""Hop-by-hop headers (RFC 9110, 7.6.1), headers that each request sets itself, and `Origin`, which the process
that the browser reached has checked against its own name."""

_NOT_ADDED = ("Accept", "Accept-Encoding", "Content-Type", "User-Agent")
"""Headers that aiohttp must not add where the caller has not sent them."""


class NotReachedError(Exception):
    """No response has come; `is_sent`: whether the request may have been carried out."""

    def __init__(self, reason: str, *, is_sent: bool) -> None:
        super().__init__(reason)
        self.is_sent = is_sent


class PeerResponse(NamedTuple):
    """The response of another process."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def to_response(self) -> web.Response:
        """Return the response for the caller."""
        return web.Response(status=self.status, headers=_end_to_end(self.headers), body=self.body)


class _BrokenOffError(aiohttp.ClientError):
    """The connection was closed before the response came."""


async def _never_twice(request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType) -> aiohttp.ClientResponse:
    """Keep aiohttp from repeating a DELETE: the second one would find nothing to delete and get 404."""
    try:
        return await handler(request)
    except _NOT_SENT:
        raise
    except (aiohttp.ClientOSError, aiohttp.ServerDisconnectedError) as error:
        raise _BrokenOffError(str(error)) from error


class Peers:
    """Sends requests to the other nodes, by their URLs, and to this node's other workers."""

    def __init__(
        self,
        secret: Secret | None = None,
        *,
        is_node: Callable[[asyncio.BaseTransport | None], bool] | None = None,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        """`secret` is shared by all nodes; `is_node`: whether a connection's certificate is a node's.

        `tls` is for connections to other nodes; None: the system's authorities, and no client certificate.
        """
        self.tls: Tls = tls or True
        """TLS of the next connection to another node."""
        self._secret = secret
        self._is_node = is_node
        self._sessions: dict[str, aiohttp.ClientSession] = {}
        """By the path of the worker's socket; the session for all other nodes is under the empty string."""
        self.outcomes = {("answered",): 0, ("failed",): 0}
        """Counts of forwarded requests, by outcome."""

    async def ask(self, address: str, method: str, path: str, headers: Mapping[str, str], body: bytes) -> PeerResponse:
        """Send a request and return the response; `path` is percent-encoded. Raises NotReachedError."""
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
            async with self._session(socket).request(
                method, url, headers=marked, data=body, allow_redirects=False, ssl=self.tls
            ) as response:
                received = PeerResponse(response.status, response.headers, await response.read())
                self.outcomes["answered",] += 1
                return received
        except (aiohttp.ClientError, OSError) as error:
            self.outcomes["failed",] += 1
            raise NotReachedError(str(error), is_sent=not isinstance(error, _NOT_SENT)) from error

    def check_proof(self, request: web.Request) -> None:
        """Raise ApiError 403 for a request that is marked as forwarded without a node's proof."""
        if not self.are_authenticated or not is_from_node(request) or access.is_from_worker(request):
            return
        if not self._has_secret(request) and not (self._is_node and self._is_node(request.transport)):
            raise ApiError(
                403,
                "HTTP 403 Forbidden: the request has the mark of a node (X-Forward, or Karapace's User-Agent) "
                "without the proof of a node. Clients must not send the mark; "
                "nodes need the same forwarding_secret, or certificates that forwarding_principals covers.",
            )
        access.trust(request)

    def _has_secret(self, request: web.Request) -> bool:
        proof = request.headers.get(_PROOF, "").encode("utf-8", "surrogateescape")
        return self._secret is not None and hmac.compare_digest(proof, self._secret.value.encode())

    @property
    def are_authenticated(self) -> bool:
        """Whether nodes prove themselves to each other, by secret or certificate."""
        return self._secret is not None or self._is_node is not None

    def use_tls(self, tls: ssl.SSLContext) -> None:
        """Replace the TLS of further connections."""
        self.tls = tls

    async def close(self) -> None:
        """Close all connections."""
        for session in self._sessions.values():
            await session.close()

    async def disconnect(self, worker: str) -> None:
        """Close the connections to a worker that has ended, by its address."""
        session = self._sessions.pop(_socket(worker), None)
        if session is not None:
            await session.close()

    def _session(self, socket: str) -> aiohttp.ClientSession:
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
    """Return the address of the worker that listens on this Unix socket."""
    return _WORKER + socket


def is_worker(address: str) -> bool:
    """Return whether the address is that of another worker of this node."""
    return address.startswith(_WORKER)


def _socket(address: str) -> str:
    return address.removeprefix(_WORKER) if is_worker(address) else ""


def is_marked_as_forwarded(request: web.Request) -> bool:
    """Whether the request has the mark of a node of this product or of Confluent's."""
    return _HOP in request.headers


def is_from_node(request: web.Request) -> bool:
    """Return whether the request is marked as forwarded by another node."""
    return is_marked_as_forwarded(request) or request.headers.get("User-Agent", "").startswith("Karapace/")


def build_forwarded_headers(request: web.Request, address: str) -> CIMultiDict[str]:
    """Return the caller's headers for another process, with the caller's address; a worker also gets the `Host`."""
    headers = _end_to_end(request.headers)
    if is_worker(address):
        headers["Host"] = request.host
    if is_worker(address) or request.config_dict[PEERS].are_authenticated:
        access.vouch(request, headers)
    if request.remote:
        headers["X-Forwarded-For"] = ", ".join(filter(None, [request.headers.get("X-Forwarded-For"), request.remote]))
    return headers


@web.middleware
async def proof_middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Refuse requests with an unproved mark of another node."""
    request.config_dict[PEERS].check_proof(request)
    return await handler(request)


def _end_to_end(headers: Mapping[str, str]) -> CIMultiDict[str]:
    return CIMultiDict((name, value) for name, value in headers.items() if name.lower() not in _NOT_FORWARDED)
