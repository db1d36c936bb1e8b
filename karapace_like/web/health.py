"""What the service says of its health: probes for orchestrators, and Karapace's `/_health` and `/master_available`.

Live: the process answers. Started: the replay has ended once. Ready: reads are served; writes too, if the body says so
(`/health/ready?writes=true` asks for both). A Kafka outage makes a node not ready for writes, never dead, and no reason
to stop sending reads to it.

Of several workers one takes part in the election: the others let it answer what is not about their own reads. None is
ready before all are that may take a client's next connection.
"""

import asyncio
import contextlib
import functools
import secrets
import time
from dataclasses import dataclass, field
from typing import Any, Protocol

import msgspec
from aiohttp import web

from karapace_like import __version__
from karapace_like.registry.registry import Registry
from karapace_like.registry.standing import Role
from karapace_like.shared_progress import SharedProgress
from karapace_like.web.errors import Handler
from karapace_like.web.json_schemas import BOOLEAN, NUMBER, nullable, shown, text, whole
from karapace_like.web.needs import AUTHENTICATED
from karapace_like.web.peers import PEERS, NotReachedError, passed_on_headers
from karapace_like.web.routing import Call, Parameter, Route

_WRITER_SECONDS = 2.0
"""How long another worker may take to answer for the node."""


class Election(Protocol):
    """What is to be known of the election."""

    @property
    def generation(self) -> int | None:
        """The group's generation; None while this node is not in it."""
        ...

    @property
    def problem(self) -> str | None:
        """Why this node cannot take part; None if it does."""
        ...

    @property
    def is_eligible(self) -> bool:
        """Whether this node may become primary."""
        ...

    @property
    def url(self) -> str | None:
        """Where others are told to reach this node; None before that is known."""
        ...


@dataclass(frozen=True, slots=True)
class ElectionElsewhere:
    """What a worker knows of the election that another one takes part in: nothing, while that cannot be asked."""

    generation: int | None = None
    problem: str | None = "the worker that takes part in the election is being started, or does not answer"
    is_eligible: bool = False
    url: str | None = None


@dataclass(slots=True)
class Health:
    """The parts that are asked."""

    registry: Registry
    election: Election
    started: float = field(default_factory=time.monotonic)
    ready_after: float | None = None
    """Seconds that the start took; None before."""
    instance: str = field(default_factory=lambda: secrets.token_hex(8))
    """What tells this process from any other."""
    shared: SharedProgress | None = None
    """How far this node's other workers are; None where there are none."""
    unreachable: str | None = None
    """Why other nodes may not reach this one under its advertised URL; None if nothing speaks against it."""

    @property
    def primary_url(self) -> str | None:
        """Who writes."""
        standing = self.registry.board.current
        return self.election.url if standing.role is Role.PRIMARY else standing.primary

    @property
    def writer(self) -> str | None:
        """The worker to ask about the election; None where that is this one, or it is away."""
        standing = self.registry.board.current
        return standing.primary if standing.role is Role.WORKER and self.why_no_reads is None else None

    @property
    def why_no_reads(self) -> str | None:
        """The reason; None where reads are served."""
        registry = self.registry
        if registry.lost is not None:
            return registry.lost
        progress = registry.progress
        if progress.is_ready:
            all_serve = self.shared is None or self.shared.all_serve
            return None if all_serve else "another worker of this node is being started"
        return (
            "Kafka has not been reached yet"
            if progress.end is None
            else f"reading schemas: at offset {progress.position} of {progress.end}"
        )

    @property
    def why_no_writes(self) -> str | None:
        """The reason; None where writes find a primary."""
        if (reason := self.why_no_reads) is not None:
            return reason
        if self.election.problem is not None:
            return self.election.problem
        return None if self.primary_url is not None else "no primary is elected"


HEALTH = web.AppKey("health", Health)


def _of_the_node(answer_here: Handler) -> Handler:
    """Answer by the worker that knows of the election; here, if this one does, or that one does not answer."""

    @functools.wraps(answer_here)
    async def answer(request: web.Request) -> web.StreamResponse:
        writer = request.config_dict[HEALTH].writer
        if writer is not None:
            headers = passed_on_headers(request, writer)
            with contextlib.suppress(NotReachedError, TimeoutError):
                async with asyncio.timeout(_WRITER_SECONDS):
                    found = await request.config_dict[PEERS].ask(
                        writer, "GET", request.rel_url.raw_path_qs, headers, b""
                    )
                    return found.response()
        return await answer_here(request)

    return answer


async def live(request: web.Request) -> web.Response:
    """GET /health/live."""
    return _answer(200, {"live": True, "instance": request.config_dict[HEALTH].instance})


async def startup(request: web.Request) -> web.Response:
    """GET /health/startup."""
    health = request.config_dict[HEALTH]
    started = health.ready_after is not None
    return _answer(200 if started else 503, {"started": started, "reason": health.why_no_reads})


@_of_the_node
async def ready(request: web.Request) -> web.Response:
    """GET /health/ready."""
    health = request.config_dict[HEALTH]
    no_reads, no_writes = health.why_no_reads, health.why_no_writes
    wanted = no_writes if request.query.get("writes", "").lower() == "true" else no_reads
    return _answer(
        200 if wanted is None else 503,
        {
            "ready": wanted is None,
            "reads": no_reads is None,
            "writes": no_writes is None,
            "reason": no_reads or no_writes,
            "warning": health.unreachable,
        },
    )


@_of_the_node
async def karapace_health(request: web.Request) -> web.Response:
    """GET /_health, with the fields that Karapace's has."""
    health = request.config_dict[HEALTH]
    registry, election = health.registry, health.election
    progress = registry.progress
    healthy = health.why_no_reads is None
    return _answer(
        200 if healthy else 503,
        {
            "process_uptime_sec": int(time.monotonic() - health.started),
            "karapace_version": __version__,
            "status": {
                "schema_registry_ready": healthy,
                "schema_registry_startup_time_sec": health.ready_after or 0.0,
                "schema_registry_reader_current_offset": progress.position - 1,
                "schema_registry_reader_highest_offset": max(progress.position, progress.end or 0) - 1,
                "schema_registry_is_primary": registry.board.current.role is Role.PRIMARY,
                "schema_registry_is_primary_eligible": election.is_eligible,
                "schema_registry_primary_url": health.primary_url,
                "schema_registry_coordinator_running": election.generation is not None and election.problem is None,
                "schema_registry_coordinator_generation_id": -1 if election.generation is None else election.generation,
                "schema_registry_problem": health.why_no_writes or health.unreachable,
            },
            "healthy": healthy,
        },
    )


@_of_the_node
async def master_available(request: web.Request) -> web.Response:
    """GET /master_available: whether writes find a primary."""
    return _answer(200, {"master_available": request.config_dict[HEALTH].why_no_writes is None})


def _answer(status: int, body: dict[str, Any]) -> web.Response:
    return web.Response(
        status=status,
        headers={"Cache-Control": "no-store"},
        body=msgspec.json.encode(body),
        content_type="application/json",
    )


_REASON = nullable(text("no primary is elected"))
_NO_REASON = shown(_REASON, None)
_COUNT = shown(NUMBER, 7)
_LIVE = Call(answer=whole(live=BOOLEAN, instance=text("5f0c5f9b4a1e2d3c")))
_READY = Call(
    (Parameter("writes", BOOLEAN, "Whether writes must be served, too."),),
    answer=whole(ready=BOOLEAN, reads=BOOLEAN, writes=BOOLEAN, reason=_NO_REASON, warning=_NO_REASON),
)
_STARTUP = Call(answer=whole(started=BOOLEAN, reason=_NO_REASON))
_KARAPACE = Call(
    answer=whole(
        process_uptime_sec=_COUNT,
        karapace_version=text(__version__),
        status=whole(
            schema_registry_ready=BOOLEAN,
            schema_registry_startup_time_sec={"type": "number", "examples": [0.7]},
            schema_registry_reader_current_offset=_COUNT,
            schema_registry_reader_highest_offset=_COUNT,
            schema_registry_is_primary=BOOLEAN,
            schema_registry_is_primary_eligible=BOOLEAN,
            schema_registry_primary_url=nullable(text("http://127.0.0.1:8081")),
            schema_registry_coordinator_running=BOOLEAN,
            schema_registry_coordinator_generation_id=_COUNT,
            schema_registry_problem=_NO_REASON,
        ),
        healthy=BOOLEAN,
    )
)
_AVAILABLE = Call(answer=whole(master_available=BOOLEAN))

ROUTES = (
    Route("GET", "/health/live", live, _LIVE, needs=AUTHENTICATED),
    Route("GET", "/health/ready", ready, _READY, needs=AUTHENTICATED),
    Route("GET", "/health/startup", startup, _STARTUP, needs=AUTHENTICATED),
    Route("GET", "/_health", karapace_health, _KARAPACE, needs=AUTHENTICATED),
    Route("GET", "/master_available", master_available, _AVAILABLE, needs=AUTHENTICATED),
)
