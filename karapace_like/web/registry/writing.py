"""Respond to requests that change the registry: one write, and its outcomes as HTTP responses."""

from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from aiohttp import web

from karapace_like.registry.engines import EngineAccess
from karapace_like.registry.planning import Planner
from karapace_like.registry.store import Store
from karapace_like.replication.planning import Plan
from karapace_like.replication.writes import Written
from karapace_like.web.cluster import writing
from karapace_like.web.cluster.forwarding import add_position
from karapace_like.web.http.responses import respond_as_registry
from karapace_like.web.registry import requests

T = TypeVar("T")

Renderer = Callable[[T], Awaitable[web.Response]]


async def respond(
    request: web.Request, planner: Planner[T], render: Renderer[T], *, subject: str | None = None
) -> web.Response:
    """Carry out the write here or at the primary, and render its answer; the primary's response is forwarded unchanged.

    `subject`: the key of `WriteRequest`. Raises ApiError.
    """
    written = await write_or_forward(request, planner, subject=subject, is_repeatable=request.method != "DELETE")
    response = await render(written.answer) if isinstance(written, Written) else written
    add_position(request, response, requests.registry(request))
    return response


async def write_or_forward(
    request: web.Request, planner: Planner[T], *, subject: str | None = None, is_repeatable: bool
) -> Written[T] | web.Response:
    """Carry out the write here, or return the response of the primary to the whole request; raises ApiError."""
    registry = requests.registry(request)
    written = await writing.write_or_forward(request, registry, planner, key=subject, is_repeatable=is_repeatable)
    return written if isinstance(written, Written) else written.to_response()


def without_records(planner: Planner[T]) -> Planner[T]:
    """Return the planner for a dry run: it refuses what the planner refuses, and writes nothing."""

    async def plan(store: Store, engines: EngineAccess) -> Plan[T]:
        return Plan((await planner(store, engines)).answer)

    return plan


def as_json(request: web.Request, convert: Callable[[T], Any] = lambda answer: answer) -> Renderer[T]:
    """Render an answer as JSON."""

    async def render(answer: T) -> web.Response:
        return respond_as_registry(request, convert(answer))

    return render
