"""/v1/metadata: which registry this is (Confluent API, "Server metadata")."""

from collections.abc import Callable
from typing import NamedTuple

from aiohttp import web

from karapace_like import __version__
from karapace_like.web.callers.permissions import AUTHENTICATED
from karapace_like.web.http.api_roles import ApiRole
from karapace_like.web.http.json_schemas import ref
from karapace_like.web.http.responses import respond_as_registry
from karapace_like.web.routing import Call, Route


class ClusterIds(NamedTuple):
    """The clusters that the registry belongs to."""

    registry: str
    """The group of its nodes."""
    kafka: Callable[[], str | None]
    """Kafka's own id; None before it is known."""


CLUSTER_IDS = web.AppKey("cluster_ids", ClusterIds)


async def get_id(request: web.Request) -> web.Response:
    """GET /v1/metadata/id: Return the ids of the Kafka cluster and the registry cluster."""
    ids = request.app.get(CLUSTER_IDS)
    clusters = {} if ids is None else {"kafka-cluster": ids.kafka() or "", "schema-registry-cluster": ids.registry}
    return respond_as_registry(request, {"scope": {"path": [], "clusters": clusters}, "id": ""})


async def get_version(request: web.Request) -> web.Response:
    """GET /v1/metadata/version: Return the version of the service; a release has no commit id."""
    return respond_as_registry(request, {"version": __version__, "commitId": ""})


async def get_deployment(request: web.Request) -> web.Response:
    """GET /v1/metadata/deployment: Return the attributes of the deployment."""
    return respond_as_registry(request, {"attributes": ["opensource"]})


ROUTES = (
    Route(
        "GET",
        "/v1/metadata/id",
        get_id,
        ApiRole.REGISTRY,
        Call(response=ref("ServerClusterId")),
        permission=AUTHENTICATED,
    ),
    Route(
        "GET",
        "/v1/metadata/version",
        get_version,
        ApiRole.REGISTRY,
        Call(response=ref("ServerVersion")),
        permission=AUTHENTICATED,
    ),
    Route(
        "GET",
        "/v1/metadata/deployment",
        get_deployment,
        ApiRole.REGISTRY,
        Call(response=ref("ServerDeployment")),
        permission=AUTHENTICATED,
    ),
)
