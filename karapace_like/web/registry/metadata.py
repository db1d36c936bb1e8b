"""/v1/metadata: which registry this is (Confluent API, "Server metadata")."""

from collections.abc import Callable
from typing import NamedTuple

from aiohttp import web

from karapace_like import __version__
from karapace_like.web.answers import registry_answer
from karapace_like.web.json_schemas import ref
from karapace_like.web.needs import AUTHENTICATED
from karapace_like.web.routing import Call, Route


class ClusterIds(NamedTuple):
    """The clusters that the registry belongs to."""

    registry: str
    """The group of its nodes."""
    kafka: Callable[[], str | None]
    """Kafka's own id; None before it is known."""


CLUSTER_IDS = web.AppKey("cluster_ids", ClusterIds)


async def get_id(request: web.Request) -> web.Response:
    """GET /v1/metadata/id: the clusters that it belongs to."""
    ids = request.app.get(CLUSTER_IDS)
    clusters = {} if ids is None else {"kafka-cluster": ids.kafka() or "", "schema-registry-cluster": ids.registry}
    return registry_answer(request, {"scope": {"path": [], "clusters": clusters}, "id": ""})


async def get_version(request: web.Request) -> web.Response:
    """GET /v1/metadata/version: of this service; a release has no commit id."""
    return registry_answer(request, {"version": __version__, "commitId": ""})


async def get_deployment(request: web.Request) -> web.Response:
    """GET /v1/metadata/deployment: what kind of registry it is."""
    return registry_answer(request, {"attributes": ["opensource"]})


ROUTES = (
    Route("GET", "/v1/metadata/id", get_id, Call(answer=ref("ServerClusterId")), needs=AUTHENTICATED),
    Route("GET", "/v1/metadata/version", get_version, Call(answer=ref("ServerVersion")), needs=AUTHENTICATED),
    Route("GET", "/v1/metadata/deployment", get_deployment, Call(answer=ref("ServerDeployment")), needs=AUTHENTICATED),
)
