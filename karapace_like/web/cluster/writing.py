"""Carry out the write of a request: here, or at the primary, whose response is returned unchanged."""

from typing import Any, NoReturn, TypeVar

from aiohttp import web

from karapace_like.replication import errors
from karapace_like.replication.planning import Planner
from karapace_like.replication.replicated_state import ReplicatedState
from karapace_like.replication.writes import Forwarded, Unknown, WriteRequest, Written
from karapace_like.web.callers import access
from karapace_like.web.cluster.forwarding import RequestForwarder
from karapace_like.web.cluster.peers import PeerResponse

S = TypeVar("S")
T = TypeVar("T")


async def write_or_forward(
    request: web.Request,
    state: ReplicatedState[S],
    planner: Planner[S, Any, T],
    *,
    key: str | None = None,
    is_repeatable: bool,
) -> Written[T] | PeerResponse:
    """Return the answer of the plan, or the primary's response to the whole request; raises ApiError.

    `key` and `is_repeatable`: see `WriteRequest`.
    """
    write = WriteRequest(planner=planner, key=key, is_repeatable=is_repeatable)
    match await state.write(write, RequestForwarder(request)):
        case Forwarded(response):
            access.leave_audit_to_primary(request)
            return response
        case Unknown(reason, was_forwarded):
            raise errors.forwarding_failed_error(reason) if was_forwarded else errors.outcome_unknown(reason)
        case written:
            return written


class NotPrimaryError(Exception):
    """Another node has to make the write; this one has written nothing, or what the same write finds there."""


async def write_here(state: ReplicatedState[S], planner: Planner[S, Any, T], *, key: str) -> T:
    """Return the answer of the plan; raises ApiError, and NotPrimaryError where the write cannot be made here.

    The plan must be repeatable. `key`: see `WriteRequest`.
    """
    if state.term is None:
        raise NotPrimaryError
    match await state.write(WriteRequest(planner=planner, key=key), _NO_FORWARDER):
        case Written(answer):
            return answer
        case Unknown(reason):
            raise errors.outcome_unknown(reason)
        case Forwarded():
            raise NotPrimaryError  # which the forwarder has raised already


class _NoForwarder:
    """Gives up a write that cannot be made here; satisfies `replication.writes.Forwarder`."""

    was_forwarded = False

    def is_awaited(self) -> NoReturn:
        """Raise NotPrimaryError: the write path asks before it waits for another primary, or forwards."""
        raise NotPrimaryError

    async def forward(self, _: str) -> NoReturn:
        """Raise NotPrimaryError."""
        raise NotPrimaryError


_NO_FORWARDER = _NoForwarder()
