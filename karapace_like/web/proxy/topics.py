"""Describe brokers, topics and partitions."""

from aiohttp import web

from karapace_like.access.policy import Operation, ResourceKind
from karapace_like.web.callers.access import is_allowed
from karapace_like.web.callers.permissions import AUTHENTICATED, on_every, on_topic
from karapace_like.web.http.api_roles import ApiRole
from karapace_like.web.proxy.objects import BOUNDS, BROKERS, ONE_PARTITION, ONE_TOPIC, PARTITIONS, TOPICS
from karapace_like.web.proxy.rendering import answer
from karapace_like.web.proxy.rendering import partition as rendered
from karapace_like.web.proxy.requests import partition, proxy
from karapace_like.web.routing import Route


async def list_brokers(request: web.Request) -> web.Response:
    """GET /brokers: List the ids of the brokers."""
    return answer(request, {"brokers": await proxy(request).topics.brokers()})


async def list_topics(request: web.Request) -> web.Response:
    """GET /topics: List the names of the topics."""
    names = await proxy(request).topics.names()
    return answer(
        request, [name for name in names if is_allowed(request, Operation.DESCRIBE, ResourceKind.TOPIC, name)]
    )


async def get_topic(request: web.Request) -> web.Response:
    """GET /topics/{topic}: Describe a topic with its configs and partitions."""
    name = request.match_info["topic"]
    described = await proxy(request).topics.topic(name)
    configs = await proxy(request).topics.configs(name)
    partitions = [rendered(described_partition) for described_partition in described.partitions.values()]
    return answer(request, {"name": name, "configs": configs, "partitions": partitions})


async def list_partitions(request: web.Request) -> web.Response:
    """GET /topics/{topic}/partitions: List the partitions of a topic."""
    described = await proxy(request).topics.topic(request.match_info["topic"])
    return answer(request, [rendered(described_partition) for described_partition in described.partitions.values()])


async def get_partition(request: web.Request) -> web.Response:
    """GET /topics/{topic}/partitions/{partition}: Describe a partition."""
    return answer(request, rendered(await proxy(request).topics.partition(partition(request))))


async def get_offsets(request: web.Request) -> web.Response:
    """GET /topics/{topic}/partitions/{partition}/offsets: Return the beginning and end offsets of a partition."""
    beginning, end = await proxy(request).topics.bounds(partition(request))
    return answer(request, {"beginning_offset": beginning, "end_offset": end})


ROUTES = (
    Route(
        "GET",
        "/brokers",
        list_brokers,
        ApiRole.MANAGEMENT,
        BROKERS,
        permission=on_every(ResourceKind.CLUSTER, Operation.DESCRIBE),
    ),
    Route("GET", "/topics", list_topics, ApiRole.MANAGEMENT, TOPICS, permission=AUTHENTICATED),
    Route("GET", "/topics/{topic}", get_topic, ApiRole.MANAGEMENT, ONE_TOPIC, permission=on_topic(Operation.DESCRIBE)),
    Route(
        "GET",
        "/topics/{topic}/partitions",
        list_partitions,
        ApiRole.MANAGEMENT,
        PARTITIONS,
        permission=on_topic(Operation.DESCRIBE),
    ),
    Route(
        "GET",
        "/topics/{topic}/partitions/{partition}",
        get_partition,
        ApiRole.MANAGEMENT,
        ONE_PARTITION,
        permission=on_topic(Operation.DESCRIBE),
    ),
    Route(
        "GET",
        "/topics/{topic}/partitions/{partition}/offsets",
        get_offsets,
        ApiRole.MANAGEMENT,
        BOUNDS,
        permission=on_topic(Operation.DESCRIBE, reveals_offsets=True),
    ),
)
