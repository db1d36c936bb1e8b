"""Writes that reach a node which is not the primary: sent on to the primary, through elections, and waited for.

A handler that may not write raises NotPrimaryError; nothing is written then. The request goes on to the primary with
the caller's own headers, at most once: a request that was sent on already is answered here or refused. While no
primary is known, or the known one does not answer as one, the request waits for another, as long as a write may take.
Afterwards this node waits until it has applied what the primary wrote: the caller then reads it here.

Hop marks: `X-Forward: true`, as the reference registry sends it; Karapace sends none but its `User-Agent`.
"""

import asyncio
import uuid
from collections.abc import Awaitable, Callable, Mapping
from types import SimpleNamespace
from typing import NamedTuple, TypeVar

import aiohttp
from aiohttp import web
from multidict import CIMultiDict
from yarl import URL

from karapace_like.registry import errors
from karapace_like.registry.errors import NotPrimaryError, OutcomeUnknownError
from karapace_like.registry.registry import Registry
from karapace_like.registry.standing import Role, Standing
from karapace_like.web.errors import Handler
from karapace_like.web.keys import REGISTRY

T = TypeVar("T")

_HOP = "X-Forward"
_REQUEST_ID = "X-Request-ID"
_APPLIED = "X-Registry-Offset"
"""In answers between our own nodes: the topic's offset up to which the primary has applied it."""

_CONNECT_SECONDS = 3.0
_AGAIN_SECONDS = 0.2
"""How soon a primary that did not answer as one is asked again, should nothing be heard of another."""
_NOT_FORWARDED = frozenset(
    {"connection", "keep-alive", "proxy-authenticate", "proxy-authorization", "te", "trailer", "transfer-encoding",
     "upgrade", "host", "content-length", "expect"}
)  # fmt: skip
"""Headers of one connection (RFC 9110, 7.6.1) and those that the next request has of its own."""


class NotAnsweredError(Exception):
    """The node that was asked did not answer as the primary; asking again does no harm."""


class Answer(NamedTuple):
    """What another node answered."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class _Sending:
    """Whether a request has begun to be sent: aiohttp repeats a DELETE by itself, and tells of the last try only."""

    begun = False


async def _note_begin(_: aiohttp.ClientSession, context: SimpleNamespace, __: object) -> None:
    context.trace_request_ctx.begun = True


class Peers:
    """The other nodes, over connections that are kept."""

    def __init__(self) -> None:
        self._session: aiohttp.ClientSession | None = None

    async def ask(self, url: URL, method: str, headers: Mapping[str, str], body: bytes) -> Answer:
        """One request, marked as sent on; raises NotAnsweredError or, where repeating it is not safe, RegistryError."""
        marked = CIMultiDict(headers)
        marked[_HOP] = "true"
        marked.setdefault(_REQUEST_ID, str(uuid.uuid4()))
        sending = _Sending()
        try:
            async with self._connected().request(
                method, url, headers=marked, data=body, allow_redirects=False, trace_request_ctx=sending
            ) as answer:
                return Answer(answer.status, answer.headers, await answer.read())
        except (aiohttp.ClientError, OSError) as error:
            if sending.begun:
                raise _outcome_unknown(method, f"{url.origin()} has broken off: {error}") from error
            raise NotAnsweredError(f"The primary cannot be reached: {error}.") from error

    async def close(self) -> None:
        """Close the connections."""
        if self._session is not None:
            await self._session.close()

    def _connected(self) -> aiohttp.ClientSession:
        if self._session is None:
            trace = aiohttp.TraceConfig()
            trace.on_request_headers_sent.append(_note_begin)
            timeout = aiohttp.ClientTimeout(total=None, sock_connect=_CONNECT_SECONDS)
            self._session = aiohttp.ClientSession(auto_decompress=False, timeout=timeout, trace_configs=[trace])
        return self._session


PEERS = web.AppKey("peers", Peers)


@web.middleware
async def forwarding_middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Let the primary answer what this node may not; raises RegistryError if none can be found in time."""
    try:
        answer = await _answered_here(request, handler)
    except NotPrimaryError:
        answer = await answered_somewhere(
            request.config_dict[REGISTRY],
            lambda: _answered_here(request, handler),
            lambda primary: _passed_on_to(primary, request),
            once=_is_hop(request),
        )
    if _is_hop(request):
        answer.headers[_APPLIED] = str(request.config_dict[REGISTRY].progress.position)
    return answer


async def _answered_here(request: web.Request, handler: Handler) -> web.StreamResponse:
    """The handler's answer; raises NotPrimaryError only where asking again does no harm."""
    try:
        return await handler(request)
    except NotPrimaryError as error:
        if error.is_outcome_known or request.method != "DELETE":
            raise
        raise OutcomeUnknownError("this node was deposed meanwhile") from error


async def answered_somewhere(
    registry: Registry, here: Callable[[], Awaitable[T]], there: Callable[[str], Awaitable[T]], *, once: bool = False
) -> T:
    """The answer of this node, should it be elected, or of the primary at the URL that `there` is given.

    Goes on through elections for as long as a write may take. `once`: the request was sent on already.
    """
    reason = "No primary is elected at the moment."
    try:
        async with asyncio.timeout(registry.write_timeout) as limit:
            while True:
                standing = registry.board.current
                if standing.primary is not None and once:
                    raise NotPrimaryError
                try:
                    if standing.role is Role.PRIMARY:
                        return await here()
                    if standing.primary is not None:
                        return await there(standing.primary)
                except NotPrimaryError:
                    reason = "This node has just been deposed."
                except NotAnsweredError as error:
                    reason = str(error)
                await _change(registry, standing)
    except TimeoutError as error:
        if not limit.expired():
            raise
        raise errors.leader_not_known(reason) from error


async def written_by(
    primary: str, registry: Registry, peers: Peers, method: str, path: str, headers: Mapping[str, str], body: bytes
) -> Answer:
    """The primary's answer, once what it has written is applied here; raises NotAnsweredError."""
    url = URL(primary + path, encoded=True)
    asked = asyncio.create_task(peers.ask(url, method, headers, body))
    changed = asyncio.create_task(registry.board.other_than(Standing(primary=primary)))
    try:
        await asyncio.wait([asked, changed], return_when=asyncio.FIRST_COMPLETED)
        if not asked.done():
            raise _outcome_unknown(method, f"{primary} is not the primary any more")
        answer = asked.result()
    finally:
        asked.cancel()
        changed.cancel()
    if answer.status == web.HTTPServiceUnavailable.status_code:
        raise NotAnsweredError(f"{primary} does not answer as the primary.")
    if answer.status < web.HTTPBadRequest.status_code:
        await _applied(registry, answer.headers.get(_APPLIED))
    return answer


async def _passed_on_to(primary: str, request: web.Request) -> web.Response:
    headers = _end_to_end(request.headers)
    if request.remote:
        headers["X-Forwarded-For"] = ", ".join(filter(None, [request.headers.get("X-Forwarded-For"), request.remote]))
    registry, peers = request.config_dict[REGISTRY], request.config_dict[PEERS]
    path, body = request.rel_url.raw_path_qs, await request.read()
    answer = await written_by(primary, registry, peers, request.method, path, headers, body)
    return web.Response(status=answer.status, headers=_end_to_end(answer.headers), body=answer.body)


def _is_hop(request: web.Request) -> bool:
    return _HOP in request.headers or request.headers.get("User-Agent", "").startswith("Karapace/")


async def _change(registry: Registry, seen: Standing) -> None:
    """Return when the standing is another one; where a primary was known, soon in any case."""
    limit = None if seen.primary is None and seen.role is Role.FOLLOWER else _AGAIN_SECONDS
    try:
        async with asyncio.timeout(limit) as soon:
            await registry.board.other_than(seen)
    except TimeoutError:
        if not soon.expired():
            raise


async def _applied(registry: Registry, offset: str | None) -> None:
    """Wait for what the primary wrote; another product does not say where that is, so it is the topic's end."""
    if offset is not None and offset.isdigit():
        await registry.applied(int(offset))
    else:
        await registry.caught_up()


def _outcome_unknown(method: str, reason: str) -> Exception:
    """A registration or a setting can be sent again; a deletion would be told that there is nothing to delete."""
    return errors.forwarding_failed(reason) if method == "DELETE" else NotAnsweredError(reason)


def _end_to_end(headers: Mapping[str, str]) -> CIMultiDict[str]:
    return CIMultiDict((name, value) for name, value in headers.items() if name.lower() not in _NOT_FORWARDED)
