"""Writes that reach a node which is not the primary: sent on to the primary, through elections, and waited for.

A handler that may not write raises NotPrimaryError; nothing is written then. The request goes on to the primary with
the caller's own headers, at most once: a request that was sent on already is answered here or refused. While no
primary is known, or the known one does not answer as one, the request waits for another, as long as a write may take.
Afterwards this node waits until it has applied what the primary wrote: the caller then reads it here.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import TypeVar

import msgspec
from aiohttp import web

from karapace_like.errors import NOT_JSON
from karapace_like.registry import errors
from karapace_like.registry.errors import NotPrimaryError, OutcomeUnknownError
from karapace_like.registry.registry import Registry
from karapace_like.registry.standing import Role, Standing
from karapace_like.web.access import is_from_worker
from karapace_like.web.errors import Handler
from karapace_like.web.keys import REGISTRY
from karapace_like.web.peers import PEERS, Answer, NotReachedError, Peers, is_hop, passed_on_headers

T = TypeVar("T")

APPLIED = "X-Registry-Offset"
"""In answers between our own nodes: the topic's offset up to which the primary has applied it."""

_AGAIN_SECONDS = 0.2
"""How soon a primary that did not answer as one is asked again, should nothing be heard of another."""


class NotAnsweredError(Exception):
    """The node that was asked did not answer as the primary; asking again does no harm."""

    def __init__(self, reason: str, *, is_outcome_known: bool = True) -> None:
        super().__init__(reason)
        self.is_outcome_known = is_outcome_known
        """Whether it wrote nothing; if not, it may have."""


@web.middleware
async def forwarding_middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Let the primary answer what this node may not; raises RegistryError if none can be found in time."""
    try:
        answer = await _answered_here(request, handler)
    except NotPrimaryError as refusal:
        answer = await answered_somewhere(
            request.config_dict[REGISTRY],
            refusal,
            lambda: _answered_here(_still_waited_for(request), handler),
            lambda standing: _passed_on(standing, _still_waited_for(request)),
            once=is_hop(request),
        )
    if is_hop(request) or is_from_worker(request):
        answer.headers[APPLIED] = str(request.config_dict[REGISTRY].progress.position)
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
    registry: Registry,
    refusal: NotPrimaryError,
    here: Callable[[], Awaitable[T]],
    there: Callable[[Standing], Awaitable[T]],
    *,
    once: bool = False,
) -> T:
    """The answer of this process, should it be elected, or of the one that `there` asks, by a standing.

    `refusal` is this process's first answer. Goes on through elections for as long as a write may take; raises
    RegistryError 50004 then, or 50002 where something may have been written. `once`: another node has
    sent it on already.
    """
    reason, is_outcome_known = "No primary is elected at the moment.", refusal.is_outcome_known
    try:
        async with asyncio.timeout(registry.write_timeout) as limit:
            while True:
                standing = registry.board.current
                if standing.primary is not None and once and standing.role is not Role.WORKER:
                    reason = f"This node is not the primary, but {standing.primary}."
                    break
                if standing.role is Role.LEAVING:
                    reason = "This node is stopping."
                    break
                was_known = is_outcome_known
                try:
                    if standing.role is Role.PRIMARY:
                        is_outcome_known = False  # until it answers
                        return await here()
                    if standing.primary is not None:
                        is_outcome_known = False
                        return await there(standing)
                except NotPrimaryError as error:
                    reason, is_outcome_known = "This node has just been deposed.", was_known and error.is_outcome_known
                except NotAnsweredError as error:
                    reason, is_outcome_known = str(error), was_known and error.is_outcome_known
                await _change(registry, standing)
    except TimeoutError:
        if not limit.expired():
            raise
    raise errors.leader_not_known(reason) if is_outcome_known else OutcomeUnknownError(reason.removesuffix("."))


async def written_there(
    standing: Standing,
    registry: Registry,
    peers: Peers,
    method: str,
    path: str,
    headers: Mapping[str, str],
    body: bytes,
) -> Answer:
    """The answer of who writes, once what was written is applied here; raises NotAnsweredError."""
    primary = standing.primary
    assert primary is not None
    asked = asyncio.create_task(_asked(peers, primary, method, path, headers, body))
    changed = asyncio.create_task(registry.board.other_than(standing))
    try:
        await asyncio.wait([asked, changed], return_when=asyncio.FIRST_COMPLETED)
        if not asked.done():
            raise _outcome_unknown(method, f"{primary} is not the primary any more")
        answer = asked.result()
    finally:
        asked.cancel()
        changed.cancel()
    _check_answered(answer, primary, method)
    if answer.status < web.HTTPBadRequest.status_code:
        await _applied(registry, answer.headers.get(APPLIED), is_shared=standing.role is Role.WORKER)
    return answer


async def _asked(peers: Peers, primary: str, method: str, path: str, headers: Mapping[str, str], body: bytes) -> Answer:
    try:
        return await peers.ask(primary, method, path, headers, body)
    except NotReachedError as error:
        if error.is_sent:
            raise _outcome_unknown(method, f"{primary} has broken off: {error}") from error
        raise NotAnsweredError(f"The primary cannot be reached: {error}.") from error


def _check_answered(answer: Answer, primary: str, method: str) -> None:
    """Raise NotAnsweredError where the node says that it could not, and asking again does no harm."""
    could_not = answer.status >= web.HTTPInternalServerError.status_code and "Retry-After" in answer.headers
    is_outcome_known = answer.status == web.HTTPServiceUnavailable.status_code and not _is_forwarding_failure(answer)
    if is_outcome_known or (could_not and method != "DELETE"):
        raise NotAnsweredError(f"{primary} does not answer as the primary.", is_outcome_known=is_outcome_known)


def _is_forwarding_failure(answer: Answer) -> bool:
    """Whether the worker that was asked has sent a deletion on, and does not know what has become of it."""
    try:
        return msgspec.json.decode(answer.body, type=_Refusal).error_code == errors.FORWARDING_FAILED
    except NOT_JSON:
        return False


class _Refusal(msgspec.Struct):
    error_code: int = 0


async def _passed_on(standing: Standing, request: web.Request) -> web.Response:
    registry, peers = request.config_dict[REGISTRY], request.config_dict[PEERS]
    path, body = request.rel_url.raw_path_qs, await request.read()
    headers = passed_on_headers(request, standing.primary or "")
    return (await written_there(standing, registry, peers, request.method, path, headers, body)).response()


def _still_waited_for(request: web.Request) -> web.Request:
    """The request, unless whoever sent it has gone: they may have asked elsewhere since, and taken it back again."""
    if request.transport is None or request.transport.is_closing():
        raise errors.leader_not_known("Nobody waits for the answer any more.")
    return request


async def _change(registry: Registry, seen: Standing) -> None:
    """Return when the standing is another one; where a primary was known, soon in any case."""
    limit = None if seen.primary is None and seen.role is Role.FOLLOWER else _AGAIN_SECONDS
    try:
        async with asyncio.timeout(limit) as soon:
            await registry.board.other_than(seen)
    except TimeoutError:
        if not soon.expired():
            raise


async def _applied(registry: Registry, offset: str | None, *, is_shared: bool) -> None:
    """Wait for what the primary wrote; another product does not say where that is, so it is the topic's end.

    `is_shared`: this node's worker that was asked has waited for the others already.
    """
    if offset is not None and offset.isdigit():
        await registry.applied(int(offset))
    else:
        await registry.caught_up()
    if not is_shared:
        await registry.applied_everywhere(registry.progress.position)


def _outcome_unknown(method: str, reason: str) -> Exception:
    """A registration or a setting can be sent again; a deletion would be told that there is nothing to delete."""
    if method == "DELETE":
        return errors.forwarding_failed(reason)
    return NotAnsweredError(f"{reason}.", is_outcome_known=False)
