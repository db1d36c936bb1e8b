"""Brokers, topics and partitions."""

from aiohttp import web

from karapace_like.access.policy import Kind, Operation
from karapace_like.web.access import may
from karapace_like.web.needs import AUTHENTICATED, on_every, on_topic
from karapace_like.web.proxy.objects import BOUNDS, BROKERS, ONE_PARTITION, ONE_TOPIC, PARTITIONS, TOPICS
from karapace_like.web.proxy.rendering import answer
from karapace_like.web.proxy.rendering import partition as rendered
from karapace_like.web.proxy.requests import partition, proxy
from karapace_like.web.routing import Route


async def brokers(request: web.Request) -> web.Response:
    """GET /brokers."""
    return answer(request, {"brokers": await proxy(request).topics.brokers()})


async def topics(request: web.Request) -> web.Response:
    """GET /topics: their names."""
    names = await proxy(request).topics.names()
    return answer(request, [each for each in names if may(request, Operation.DESCRIBE, Kind.TOPIC, each)])


async def topic(request: web.Request) -> web.Response:
    """GET /topics/{topic}: with configs and partitions."""
    name = request.match_info["topic"]
    described = await proxy(request).topics.topic(name)
    configs = await proxy(request).topics.configs(name)
    partitions = [rendered(each) for each in described.partitions.values()]
    return answer(request, {"name": name, "configs": configs, "partitions": partitions})


async def partitions(request: web.Request) -> web.Response:
    """GET /topics/{topic}/partitions."""
    described = await proxy(request).topics.topic(request.match_info["topic"])
    return answer(request, [rendered(each) for each in described.partitions.values()])


async def one_partition(request: web.Request) -> web.Response:
    """GET /topics/{topic}/partitions/{partition}."""
    return answer(request, rendered(await proxy(request).topics.partition(partition(request))))


async def offsets(request: web.Request) -> web.Response:
    """GET /topics/{topic}/partitions/{partition}/offsets: where the partition begins and ends."""
    beginning, end = await proxy(request).topics.bounds(partition(request))
    return answer(request, {"beginning_offset": beginning, "end_offset": end})


ROUTES = (
    Route("GET", "/brokers", brokers, BROKERS, needs=on_every(Kind.CLUSTER, Operation.DESCRIBE)),
    Route("GET", "/topics", topics, TOPICS, needs=AUTHENTICATED),
    Route("GET", "/topics/{topic}", topic, ONE_TOPIC, needs=on_topic(Operation.DESCRIBE)),
    Route("GET", "/topics/{topic}/partitions", partitions, PARTITIONS, needs=on_topic(Operation.DESCRIBE)),
    Route(
        "GET",
        "/topics/{topic}/partitions/{partition}",
        one_partition,
        ONE_PARTITION,
        needs=on_topic(Operation.DESCRIBE),
    ),
    Route("GET", "/topics/{topic}/partitions/{partition}/offsets", offsets, BOUNDS, needs=on_topic(Operation.DESCRIBE)),
)
