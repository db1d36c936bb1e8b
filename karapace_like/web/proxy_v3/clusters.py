"""The cluster and its brokers."""

from typing import Any

from aiohttp import web

from karapace_like.access.policy import Kind, Operation
from karapace_like.administration import Broker, ClusterDescription
from karapace_like.proxy.v3 import errors
from karapace_like.web.access import may
from karapace_like.web.needs import AUTHENTICATED, on_every
from karapace_like.web.proxy_v3 import topics
from karapace_like.web.proxy_v3.calls import one, several
from karapace_like.web.proxy_v3.links import broker_place, cluster_place, entity, listing, related, root
from karapace_like.web.proxy_v3.requests import answer, broker, cluster, management
from karapace_like.web.routing import Route


async def clusters(request: web.Request) -> web.Response:
    """GET /v3/clusters: the one that is served."""
    described = await management(request).clusters.describe()
    url = f"{root(request)}/clusters"
    return answer(request, listing(request, "KafkaClusterList", url, [_cluster(request, described)]))


async def one_cluster(request: web.Request) -> web.Response:
    """GET /v3/clusters/{cluster}."""
    described = await management(request).clusters.describe()
    if described.id != cluster(request):
        raise errors.not_found()
    return answer(request, _cluster(request, described))


async def brokers(request: web.Request) -> web.Response:
    """GET .../brokers: those that are up."""
    found = await management(request).clusters.brokers(cluster(request))
    url = cluster_place(request).beside("brokers")
    return answer(request, listing(request, "KafkaBrokerList", url, [_broker(request, each) for each in found]))


async def one_broker(request: web.Request) -> web.Response:
    """GET .../brokers/{broker}."""
    found = await management(request).clusters.broker(cluster(request), broker(request))
    if found is None:
        raise errors.not_found()
    return answer(request, _broker(request, found))


async def replicas(request: web.Request) -> web.Response:
    """GET .../brokers/{broker}/partition-replicas: every partition's copy on the broker, up or not."""
    wanted = broker(request)
    listed = [
        topics.replica(request, described.name, partition.partition, each)
        for described in await management(request).topics.all(cluster(request))
        for partition in described.partitions.values()
        for each in partition.replicas
        if each.broker == wanted and may(request, Operation.DESCRIBE, Kind.TOPIC, described.name)
    ]
    if not listed and await management(request).clusters.broker(cluster(request), wanted) is None:
        raise errors.broker_not_found(wanted)
    url = broker_place(request, wanted).beside("partition-replicas")
    return answer(request, listing(request, "KafkaReplicaList", url, listed))


def _cluster(request: web.Request, described: ClusterDescription) -> dict[str, Any]:
    place = cluster_place(request, described.id)
    controller = None if described.controller is None else related(place.beside(f"brokers/{described.controller}"))
    return entity(
        "KafkaCluster",
        place,
        {
            "cluster_id": described.id,
            "controller": controller,
            "acls": related(place.beside("acls")),
            "brokers": related(place.beside("brokers")),
            "broker_configs": related(place.beside("broker-configs")),
            "consumer_groups": related(place.beside("consumer-groups")),
            "topics": related(place.beside("topics")),
            "partition_reassignments": related(place.beside("topics/-/partitions/-/reassignment")),
        },
    )


def _broker(request: web.Request, found: Broker) -> dict[str, Any]:
    place = broker_place(request, found.id)
    return entity(
        "KafkaBroker",
        place,
        {
            "cluster_id": cluster(request),
            "broker_id": found.id,
            "host": found.host,
            "port": found.port,
            "rack": found.rack,
            "configs": related(place.beside("configs")),
            "partition_replicas": related(place.beside("partition-replicas")),
        },
    )


_CLUSTER = "/v3/clusters/{cluster}"
ROUTES = (
    Route("GET", "/v3/clusters", clusters, several("KafkaCluster"), needs=AUTHENTICATED),
    Route("GET", _CLUSTER, one_cluster, one("KafkaCluster"), needs=AUTHENTICATED),
    Route(
        "GET", f"{_CLUSTER}/brokers", brokers, several("KafkaBroker"), needs=on_every(Kind.CLUSTER, Operation.DESCRIBE)
    ),
    Route(
        "GET",
        f"{_CLUSTER}/brokers/{{broker}}",
        one_broker,
        one("KafkaBroker"),
        needs=on_every(Kind.CLUSTER, Operation.DESCRIBE),
    ),
    Route(
        "GET",
        f"{_CLUSTER}/brokers/{{broker}}/partition-replicas",
        replicas,
        several("KafkaReplica"),
        needs=on_every(Kind.CLUSTER, Operation.DESCRIBE),
    ),
)
