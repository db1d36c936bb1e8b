"""/health/nodes: the nodes of the service, who of them is the primary, and how far each has read the schemas."""

import asyncio
from collections.abc import Mapping
from typing import Any, NamedTuple

import msgspec
from aiohttp import web

from karapace_like.errors import NOT_JSON, KafkaFailure
from karapace_like.ownership import Nodes
from karapace_like.web.callers.permissions import AUTHENTICATED
from karapace_like.web.cluster.peers import PEERS, NotReachedError, build_forwarded_headers
from karapace_like.web.http.api_roles import ApiRole
from karapace_like.web.http.json_schemas import BOOLEAN, NUMBER, array, nullable, text, whole, with_example
from karapace_like.web.operations.health import HEALTH, Health, answer_by_elected_worker, describe_as_karapace, respond
from karapace_like.web.routing import Call, Route

_SECONDS = 1.5
"""How long Kafka may take to name the nodes, and then each node to answer."""
_MAX_NODES = 100
_HEALTH = "/_health"


class ServiceNodes(NamedTuple):
    """The nodes of the service, and which of them this one is."""

    nodes: Nodes
    here: str
    """The name of this node."""


NODES = web.AppKey("nodes", ServiceNodes)


class _Status(msgspec.Struct):
    """The part of Karapace's health that is shown."""

    schema_registry_reader_current_offset: int
    schema_registry_reader_highest_offset: int
    schema_registry_is_primary: bool
    schema_registry_problem: str | None = None


class _NodeHealth(msgspec.Struct):
    status: _Status
    healthy: bool
    process_uptime_sec: int
    karapace_version: str


_decode = msgspec.json.Decoder(_NodeHealth).decode


@answer_by_elected_worker
async def list_nodes(request: web.Request) -> web.Response:
    """GET /health/nodes: List the nodes of the service: address, primary or not, position of the replay, problem.

    A node that does not answer within 1.5 s has null in what it would have said. `is_known` is false while Kafka cannot
    name the nodes: only this one is listed then. `workers` are the processes of this node.
    """
    health, (nodes, here) = request.config_dict[HEALTH], request.config_dict[NODES]
    urls = await _find_urls(nodes)
    others = [url for node, url in sorted((urls or {}).items()) if node != here][: _MAX_NODES - 1]
    states = await asyncio.gather(*(_ask(request, url) for url in others))
    own = msgspec.convert(describe_as_karapace(health), _NodeHealth)
    listed = [
        _render(health.election.url or (urls or {}).get(here), own, is_this=True),
        *(_render(url, state, is_this=False) for url, state in zip(others, states, strict=True)),
    ]
    return respond(200, {"nodes": listed, "is_known": urls is not None, "workers": _list_workers(health)})


async def _find_urls(nodes: Nodes) -> Mapping[str, str] | None:
    try:
        async with asyncio.timeout(_SECONDS):
            return await nodes.fetch_urls()
    except (KafkaFailure, TimeoutError):
        return None


async def _ask(request: web.Request, url: str) -> _NodeHealth | None:
    """Return what another node says of itself; None if it does not answer. One that is not ready says so with 503."""
    try:
        async with asyncio.timeout(_SECONDS):
            response = await request.config_dict[PEERS].ask(
                url, "GET", _HEALTH, build_forwarded_headers(request, url), b""
            )
        return _decode(response.body)
    except (NotReachedError, TimeoutError, *NOT_JSON):
        return None


def _render(url: str | None, state: _NodeHealth | None, *, is_this: bool) -> dict[str, Any]:
    status = None if state is None else state.status
    return {
        "url": url,
        "is_this": is_this,
        "answers": state is not None,
        "is_primary": None if status is None else status.schema_registry_is_primary,
        "healthy": None if state is None else state.healthy,
        "position": None if status is None else status.schema_registry_reader_current_offset + 1,
        "end": None if status is None else status.schema_registry_reader_highest_offset + 1,
        "problem": None if status is None else status.schema_registry_problem,
        "uptime_seconds": None if state is None else state.process_uptime_sec,
        "version": None if state is None else state.karapace_version,
    }


def _list_workers(health: Health) -> list[dict[str, Any]]:
    """Return the position of each worker of this node, and whether it serves; a single process is worker 0."""
    if health.shared is None:
        position = health.registry.progress.position
        return [{"worker": 0, "position": position, "serves": health.why_no_reads is None}]
    return [
        {"worker": worker, "position": position, "serves": serves}
        for worker, (position, serves) in enumerate(health.shared.workers)
    ]


_NODE = whole(
    url=nullable(text("http://127.0.0.1:8081")),
    is_this=BOOLEAN,
    answers=BOOLEAN,
    is_primary=nullable(BOOLEAN),
    healthy=nullable(BOOLEAN),
    position=nullable(NUMBER),
    end=nullable(NUMBER),
    problem=with_example(nullable(text("no primary is elected")), None),
    uptime_seconds=nullable(NUMBER),
    version=nullable(text("0.1.0")),
)
_NODES = whole(
    nodes=array(_NODE),
    is_known=BOOLEAN,
    workers=array(whole(worker=with_example(NUMBER, 0), position=NUMBER, serves=BOOLEAN)),
)

ROUTES = (
    Route("GET", "/health/nodes", list_nodes, ApiRole.OPERATIONS, Call(response=_NODES), permission=AUTHENTICATED),
)
