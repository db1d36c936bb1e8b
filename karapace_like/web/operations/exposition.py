"""`/metrics` for Prometheus: any worker of a node answers with the metrics of all workers."""

from collections.abc import Mapping
from dataclasses import dataclass

from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest

from karapace_like.access.policy import EVERY, Operation, ResourceKind
from karapace_like.web.callers.access import ACCESS, ANYONE, OpenAccess, caller, is_from_worker
from karapace_like.web.callers.permissions import AUTHENTICATED
from karapace_like.web.callers.usage import METRICS_PREFIX
from karapace_like.web.cluster.sibling_workers import SiblingWorkers
from karapace_like.web.http.api_roles import ApiRole
from karapace_like.web.http.errors import no_route_error
from karapace_like.web.http.json_schemas import text
from karapace_like.web.routing import Call, Route

WORKER_PATH = "/_worker/metrics"


@dataclass(frozen=True, slots=True)
class Exposition:
    """The metrics of this process and, among several workers, of the others."""

    collectors: CollectorRegistry
    worker: int | None = None
    """This worker's number; None for the only process."""
    siblings: SiblingWorkers | None = None

    async def render(self) -> bytes:
        """Return the text of all workers' metrics; with several workers, each series has a label `worker`."""
        own = self.render_own()
        if self.worker is None or self.siblings is None:
            return own
        return join_expositions({self.worker: own, **await self.siblings.ask_all(WORKER_PATH)})

    def render_own(self) -> bytes:
        """Return the text of this process' metrics."""
        return generate_latest(self.collectors)


def join_expositions(texts: Mapping[int, bytes]) -> bytes:
    """Return the texts of several workers, by number, as one in which each series has a label `worker`."""
    families: dict[str, tuple[list[str], list[str]]] = {}
    for worker, content in sorted(texts.items()):
        heads: list[str] = []
        samples: list[str] = []
        for line in content.decode().splitlines():
            if line.startswith("# HELP "):
                heads, samples = families.setdefault(line.split(" ", 3)[2], ([], []))
            if not line.startswith("#"):
                samples.append(_label(line, worker))
            elif line not in heads:
                heads.append(line)
    lines = (line for heads, samples in families.values() for line in (*heads, *samples))
    return "".join(f"{line}\n" for line in lines).encode()


def _label(sample: str, worker: int) -> str:
    brace, space = sample.find("{"), sample.find(" ")
    if 0 < brace < space:
        return f'{sample[:brace]}{{worker="{worker}",{sample[brace + 1 :]}'
    return f'{sample[:space]}{{worker="{worker}"}}{sample[space:]}'


EXPOSITION = web.AppKey("exposition", Exposition)


async def metrics(request: web.Request) -> web.Response:
    """GET /metrics: Return the metrics in Prometheus' text format."""
    content = await request.config_dict[EXPOSITION].render()
    return _answer(content if _may_see_principals(request) else leave_out_principals(content))


def _may_see_principals(request: web.Request) -> bool:
    """Return whether the caller could call `/usage`; a caller of an open path is not authenticated, and could not."""
    if isinstance(request.app[ACCESS], OpenAccess):
        return True
    calling = caller(request)
    cluster = ResourceKind.CLUSTER.name_resource(EVERY)
    return calling is not ANYONE and calling.is_allowed(Operation.DESCRIBE, cluster)


def leave_out_principals(content: bytes) -> bytes:
    """Return the metrics without those that name principals."""
    prefix = METRICS_PREFIX.encode()
    hidden = (prefix, b"# HELP " + prefix, b"# TYPE " + prefix)
    return b"".join(line for line in content.splitlines(keepends=True) if not line.startswith(hidden))


async def worker_metrics(request: web.Request) -> web.Response:
    """Answer another worker with this worker's metrics."""
    if not is_from_worker(request):
        raise no_route_error(request)
    return _answer(request.config_dict[EXPOSITION].render_own())


def _answer(content: bytes) -> web.Response:
    return web.Response(body=content, headers={"Content-Type": CONTENT_TYPE_LATEST, "Cache-Control": "no-store"})


ROUTES = (
    Route(
        "GET",
        "/metrics",
        metrics,
        ApiRole.OPERATIONS,
        Call(response=text("karapace_like_registry_ready 1.0"), response_types=("text/plain",)),
        AUTHENTICATED,
    ),
)
