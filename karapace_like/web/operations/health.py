"""Health: probes for orchestrators, and Karapace's `/_health` and `/master_available`.

Live: the process answers. Started: the replay has ended once. Ready: reads are served; `writes` in the body says
whether writes are, and `/health/ready?writes=true` requires both. During a Kafka outage a node stays live and ready
for reads, and is not ready for writes. A node that is about to stop is not ready, though it still serves.

Of several workers one takes part in the election, and answers for the others what their own reads do not decide. No
worker is ready before all workers are that may accept a client's next connection.
"""

import asyncio
import contextlib
import functools
import secrets
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import msgspec
from aiohttp import web

from karapace_like import __version__
from karapace_like.background import BackgroundTasks
from karapace_like.registry.registry import Registry
from karapace_like.replication.shared_progress import SharedProgress
from karapace_like.replication.write_availability import WriteRole
from karapace_like.web.callers.permissions import AUTHENTICATED
from karapace_like.web.cluster.peers import PEERS, NotReachedError, build_forwarded_headers
from karapace_like.web.http.api_roles import ApiRole
from karapace_like.web.http.errors import Handler
from karapace_like.web.http.json_schemas import BOOLEAN, NUMBER, array, nullable, text, whole, with_example
from karapace_like.web.routing import Call, Parameter, Route

_STOPPING = "this node is about to stop: it serves requests until it does, and new ones belong to other nodes"
_ELECTED_WORKER_SECONDS = 2.0
"""How long the elected worker may take to answer for the node."""


class Election(Protocol):
    """The state of this node in the election."""

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
        """The URL that this node advertises; None before it is known."""
        ...


@dataclass(frozen=True, slots=True)
class ElectionElsewhere:
    """The election as seen by a worker that takes no part in it, while the worker that does cannot be reached."""

    generation: int | None = None
    problem: str | None = "the worker that takes part in the election is being started, or does not answer"
    is_eligible: bool = False
    url: str | None = None


@dataclass(slots=True)
class Health:
    """The parts that decide about health, and the state that they report."""

    registry: Registry
    election: Election
    started: float = field(default_factory=time.monotonic)
    ready_after: float | None = None
    """Seconds from start to readiness; None until then."""
    instance: str = field(default_factory=lambda: secrets.token_hex(8))
    """Identifies this process."""
    shared: SharedProgress | None = None
    """The progress of this node's workers; None for a single process."""
    unreachable: str | None = None
    """Why other nodes may not reach this one at its advertised URL; None if they can."""
    is_stopping: bool = False
    """Whether the node stops after the shutdown delay, during which it still serves."""
    background: BackgroundTasks = field(default_factory=BackgroundTasks)
    sources: Sequence[Callable[[], Sequence[str]]] = ()
    """Further sources of warnings."""

    @property
    def warnings(self) -> list[str]:
        """What an operator should look at although requests are answered, a sentence each."""
        others = (sentence for source in self.sources for sentence in source())
        own = filter(None, (self.unreachable, self._unreadable, self.registry.conflict_watch.warning))
        return [*own, *self.background.warnings, *others]

    @property
    def warning(self) -> str | None:
        """All warnings as one line; None if there are none."""
        return "; ".join(self.warnings) or None

    @property
    def _unreadable(self) -> str | None:
        offsets = self.registry.store.unreadable.values()
        if not offsets:
            return None
        first, last = next(iter(offsets)), next(reversed(offsets))
        where = f"at offset {first}" if first == last else f"the first at offset {first}, the last at offset {last}"
        return (
            f"the schemas topic holds records that cannot be read and are left out: {len(offsets)}, {where}; "
            "`karapace-like doctor` lists them"
        )

    @property
    def primary_url(self) -> str | None:
        """URL of the primary; None if there is none."""
        availability = self.registry.board.current
        return self.election.url if availability.role is WriteRole.PRIMARY else availability.primary

    @property
    def elected_worker(self) -> str | None:
        """Address of the worker that takes part in the election; None if that is this one, or it cannot be reached."""
        availability = self.registry.board.current
        return availability.primary if availability.role is WriteRole.WORKER and self.why_no_reads is None else None

    @property
    def why_no_reads(self) -> str | None:
        """Why reads are not served; None if they are."""
        registry = self.registry
        if registry.failure is not None:
            return registry.failure
        if self.background.fatal is not None:
            return self.background.fatal
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
    def why_not_ready(self) -> str | None:
        """Why a load balancer should send requests to other nodes; None if this one wants them."""
        return _STOPPING if self.is_stopping else self.why_no_reads

    @property
    def why_no_writes(self) -> str | None:
        """Why writes are not accepted; None if they are."""
        if (reason := self.why_no_reads) is not None:
            return reason
        if self.election.problem is not None:
            return self.election.problem
        return None if self.primary_url is not None else "no primary is elected"


HEALTH = web.AppKey("health", Health)


def answer_by_elected_worker(answer_here: Handler) -> Handler:
    """Return the handler that lets the elected worker answer; this worker answers if that one does not."""

    @functools.wraps(answer_here)
    async def answer(request: web.Request) -> web.StreamResponse:
        worker = request.config_dict[HEALTH].elected_worker
        if worker is not None:
            headers = build_forwarded_headers(request, worker)
            with contextlib.suppress(NotReachedError, TimeoutError):
                async with asyncio.timeout(_ELECTED_WORKER_SECONDS):
                    response = await request.config_dict[PEERS].ask(
                        worker, "GET", request.rel_url.raw_path_qs, headers, b""
                    )
                    return response.to_response()
        return await answer_here(request)

    return answer


async def live(request: web.Request) -> web.Response:
    """GET /health/live: Return 200 while the process responds."""
    return respond(200, {"live": True, "instance": request.config_dict[HEALTH].instance})


async def startup(request: web.Request) -> web.Response:
    """GET /health/startup: Return 200 once the schemas have been read."""
    health = request.config_dict[HEALTH]
    started = health.ready_after is not None
    return respond(200 if started else 503, {"started": started, "reason": health.why_no_reads})


@answer_by_elected_worker
async def ready(request: web.Request) -> web.Response:
    """GET /health/ready: Return 200 while reads are served, 503 otherwise."""
    health = request.config_dict[HEALTH]
    no_reads, no_writes = health.why_no_reads, health.why_no_writes
    needs_writes = request.query.get("writes", "").lower() == "true"
    wanted = health.why_not_ready or (no_writes if needs_writes else None)
    return respond(
        200 if wanted is None else 503,
        {
            "ready": wanted is None,
            "reads": no_reads is None,
            "writes": no_writes is None,
            "reason": health.why_not_ready or no_writes,
            "warning": health.warning,
            "warnings": health.warnings,
        },
    )


@answer_by_elected_worker
async def karapace_health(request: web.Request) -> web.Response:
    """GET /_health: Return the state of the registry in Karapace's form."""
    described = describe_as_karapace(request.config_dict[HEALTH])
    return respond(200 if described["healthy"] else 503, described)


def describe_as_karapace(health: Health) -> dict[str, Any]:
    """Return the body of `/_health`."""
    registry, election = health.registry, health.election
    progress = registry.progress
    healthy = health.why_not_ready is None
    return {
        "process_uptime_sec": int(time.monotonic() - health.started),
        "karapace_version": __version__,
        "status": {
            "schema_registry_ready": healthy,
            "schema_registry_startup_time_sec": health.ready_after or 0.0,
            "schema_registry_reader_current_offset": progress.position - 1,
            "schema_registry_reader_highest_offset": max(progress.position, progress.end or 0) - 1,
            "schema_registry_is_primary": registry.board.current.role is WriteRole.PRIMARY,
            "schema_registry_is_primary_eligible": election.is_eligible,
            "schema_registry_primary_url": health.primary_url,
            "schema_registry_coordinator_running": election.generation is not None and election.problem is None,
            "schema_registry_coordinator_generation_id": -1 if election.generation is None else election.generation,
            "schema_registry_problem": health.why_not_ready or health.why_no_writes or health.warning,
        },
        "healthy": healthy,
    }


@answer_by_elected_worker
async def master_available(request: web.Request) -> web.Response:
    """GET /master_available: Return whether writes find a primary."""
    return respond(200, {"master_available": request.config_dict[HEALTH].why_no_writes is None})


def respond(status: int, body: dict[str, Any]) -> web.Response:
    """Return the response with this JSON, which nobody may keep."""
    return web.Response(
        status=status,
        headers={"Cache-Control": "no-store"},
        body=msgspec.json.encode(body),
        content_type="application/json",
    )


_REASON = nullable(text("no primary is elected"))
_NO_REASON = with_example(_REASON, None)
_COUNT = with_example(NUMBER, 7)
_LIVE = Call(response=whole(live=BOOLEAN, instance=text("5f0c5f9b4a1e2d3c")))
_READY = Call(
    (Parameter("writes", BOOLEAN, "Require that writes are served as well."),),
    response=whole(
        ready=BOOLEAN,
        reads=BOOLEAN,
        writes=BOOLEAN,
        reason=_NO_REASON,
        warning=_NO_REASON,
        warnings=with_example(array(text("No.")), []),
    ),
)
_STARTUP = Call(response=whole(started=BOOLEAN, reason=_NO_REASON))
_KARAPACE = Call(
    response=whole(
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
_AVAILABLE = Call(response=whole(master_available=BOOLEAN))

ROUTES = (
    Route("GET", "/health/live", live, ApiRole.OPERATIONS, _LIVE, permission=AUTHENTICATED),
    Route("GET", "/health/ready", ready, ApiRole.OPERATIONS, _READY, permission=AUTHENTICATED),
    Route("GET", "/health/startup", startup, ApiRole.OPERATIONS, _STARTUP, permission=AUTHENTICATED),
    Route("GET", "/_health", karapace_health, ApiRole.OPERATIONS, _KARAPACE, permission=AUTHENTICATED),
    Route("GET", "/master_available", master_available, ApiRole.OPERATIONS, _AVAILABLE, permission=AUTHENTICATED),
)
