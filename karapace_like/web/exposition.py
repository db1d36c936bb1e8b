"""`/metrics`, where Prometheus fetches what the service counts; any worker of a node tells of all of them."""

from collections.abc import Mapping
from dataclasses import dataclass

from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest

from karapace_like.errors import ApiError
from karapace_like.web.access import is_from_worker
from karapace_like.web.json_schemas import text
from karapace_like.web.needs import AUTHENTICATED
from karapace_like.web.neighbours import Neighbours
from karapace_like.web.routing import Call, Route

WORKER_PATH = "/_worker/metrics"


@dataclass(frozen=True, slots=True)
class Exposition:
    """What `/metrics` shows of this process and, among several workers, of the others."""

    collectors: CollectorRegistry
    worker: int | None = None
    """This worker's number; None for the only process."""
    neighbours: Neighbours | None = None

    async def text(self) -> bytes:
        """Everything; each worker's series are labelled by its number."""
        own = self.own()
        if self.worker is None or self.neighbours is None:
            return own
        return joined({self.worker: own, **await self.neighbours.answers(WORKER_PATH)})

    def own(self) -> bytes:
        """What this process counts."""
        return generate_latest(self.collectors)


def joined(texts: Mapping[int, bytes]) -> bytes:
    """The texts of several workers as one, in which each series has a label `worker`."""
    families: dict[str, tuple[list[str], list[str]]] = {}
    for worker, content in sorted(texts.items()):
        heads: list[str] = []
        samples: list[str] = []
        for line in content.decode().splitlines():
            if line.startswith("# HELP "):
                heads, samples = families.setdefault(line.split(" ", 3)[2], ([], []))
            if not line.startswith("#"):
                samples.append(_labelled(line, worker))
            elif line not in heads:
                heads.append(line)
    lines = (line for heads, samples in families.values() for line in (*heads, *samples))
    return "".join(f"{line}\n" for line in lines).encode()


def _labelled(sample: str, worker: int) -> str:
    brace, space = sample.find("{"), sample.find(" ")
    if 0 < brace < space:
        return f'{sample[:brace]}{{worker="{worker}",{sample[brace + 1 :]}'
    return f'{sample[:space]}{{worker="{worker}"}}{sample[space:]}'


EXPOSITION = web.AppKey("exposition", Exposition)


async def metrics(request: web.Request) -> web.Response:
    """GET /metrics: what the service counts, as Prometheus reads it."""
    return _answer(await request.config_dict[EXPOSITION].text())


async def worker_metrics(request: web.Request) -> web.Response:
    """Answer another worker with what this one counts."""
    if not is_from_worker(request):
        raise ApiError(404, "HTTP 404 Not Found")
    return _answer(request.config_dict[EXPOSITION].own())


def _answer(content: bytes) -> web.Response:
    return web.Response(body=content, headers={"Content-Type": CONTENT_TYPE_LATEST, "Cache-Control": "no-store"})


ROUTES = (
    Route(
        "GET",
        "/metrics",
        metrics,
        Call(answer=text("karapace_like_registry_ready 1.0"), answered_as=("text/plain",)),
        AUTHENTICATED,
    ),
)
