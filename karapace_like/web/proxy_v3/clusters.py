"""Describe the cluster and its brokers."""

from typing import Any

from aiohttp import web

from karapace_like.access.policy import Operation, ResourceKind
from karapace_like.administration import Broker, ClusterDescription
from karapace_like.proxy.v3 import errors
from karapace_like.web.callers.access import may_describe
from karapace_like.web.callers.permissions import AUTHENTICATED, on_every
from karapace_like.web.http.api_roles import ApiRole
from karapace_like.web.proxy_v3 import partitions
from karapace_like.web.proxy_v3.calls import describe_list, describe_one
from karapace_like.web.proxy_v3.links import (
    api_url,
    link_to_broker,
    link_to_cluster,
    render_entity,
    render_link,
    render_list,
)
from karapace_like.web.proxy_v3.requests import answer, broker, cluster, management
from karapace_like.web.routing import Route


async def list_clusters(request: web.Request) -> web.Response:
    """GET /v3/clusters: List the clusters; there is one."""
    described = await management(request).clusters.describe()
    url = f"{api_url(request)}/clusters"
    return answer(request, render_list(request, "KafkaClusterList", url, [_render_cluster(request, described)]))


async def get_cluster(request: web.Request) -> web.Response:
    """GET /v3/clusters/{cluster}: Describe the cluster."""
    described = await management(request).clusters.describe()
    if described.id != cluster(request):
        raise errors.cluster_not_found_error(cluster(request))
    return answer(request, _render_cluster(request, described))


async def list_brokers(request: web.Request) -> web.Response:
    """GET .../brokers: List the brokers that are up."""
    brokers = await management(request).clusters.brokers(cluster(request))
    url = link_to_cluster(request).child_url("brokers")
    return answer(
        request,
        render_list(request, "KafkaBrokerList", url, [_render_broker(request, described) for described in brokers]),
    )


async def get_broker(request: web.Request) -> web.Response:
    """GET .../brokers/{broker}: Describe a broker."""
    described = await management(request).clusters.broker(cluster(request), broker(request))
    if described is None:
        raise errors.broker_not_found_error(broker(request))
    return answer(request, _render_broker(request, described))


async def list_broker_replicas(request: web.Request) -> web.Response:
    """GET .../brokers/{broker}/partition-replicas: List the replicas on a broker, also if the broker is down."""
    wanted = broker(request)
    listed = [
        partitions.render_replica(request, described.name, partition.partition, replica)
        for described in await management(request).topics.all(
            cluster(request), may_describe(request, ResourceKind.TOPIC)
        )
        for partition in described.partitions.values()
        for replica in partition.replicas
        if replica.broker == wanted
    ]
    if not listed and await management(request).clusters.broker(cluster(request), wanted) is None:
        raise errors.broker_not_found_error(wanted)
    url = link_to_broker(request, wanted).child_url("partition-replicas")
    return answer(request, render_list(request, "KafkaReplicaList", url, listed))


def _render_cluster(request: web.Request, described: ClusterDescription) -> dict[str, Any]:
    link = link_to_cluster(request, described.id)
    controller = (
        None if described.controller is None else render_link(link.child_url(f"brokers/{described.controller}"))
    )
    return render_entity(
        "KafkaCluster",
        link,
        {
            "cluster_id": described.id,
            "controller": controller,
            "acls": render_link(link.child_url("acls")),
            "brokers": render_link(link.child_url("brokers")),
            "broker_configs": render_link(link.child_url("broker-configs")),
            "consumer_groups": render_link(link.child_url("consumer-groups")),
            "topics": render_link(link.child_url("topics")),
            "partition_reassignments": render_link(link.child_url("topics/-/partitions/-/reassignment")),
        },
    )


def _render_broker(request: web.Request, described: Broker) -> dict[str, Any]:
    link = link_to_broker(request, described.id)
    return render_entity(
        "KafkaBroker",
        link,
        {
            "cluster_id": cluster(request),
            "broker_id": described.id,
            "host": described.host,
            "port": described.port,
            "rack": described.rack,
            "configs": render_link(link.child_url("configs")),
            "partition_replicas": render_link(link.child_url("partition-replicas")),
        },
    )


_CLUSTER = "/v3/clusters/{cluster}"
ROUTES = (
    Route(
        "GET",
        "/v3/clusters",
        list_clusters,
        ApiRole.MANAGEMENT,
        describe_list("KafkaCluster"),
        permission=AUTHENTICATED,
    ),
    Route("GET", _CLUSTER, get_cluster, ApiRole.MANAGEMENT, describe_one("KafkaCluster"), permission=AUTHENTICATED),
    Route(
        "GET",
        f"{_CLUSTER}/brokers",
        list_brokers,
        ApiRole.MANAGEMENT,
        describe_list("KafkaBroker"),
        permission=on_every(ResourceKind.CLUSTER, Operation.DESCRIBE),
    ),
    Route(
        "GET",
        f"{_CLUSTER}/brokers/{{broker}}",
        get_broker,
        ApiRole.MANAGEMENT,
        describe_one("KafkaBroker"),
        permission=on_every(ResourceKind.CLUSTER, Operation.DESCRIBE),
    ),
    Route(
        "GET",
        f"{_CLUSTER}/brokers/{{broker}}/partition-replicas",
        list_broker_replicas,
        ApiRole.MANAGEMENT,
        describe_list("KafkaReplica"),
        permission=on_every(ResourceKind.CLUSTER, Operation.DESCRIBE),
    ),
)
