"""Partitions of topics, with their offsets and replicas."""

from typing import Any

from aiohttp import web

from karapace_like.access.policy import Operation
from karapace_like.proxy.errors import not_found_error, quote
from karapace_like.proxy.v3 import errors
from karapace_like.records import PartitionDescription, Replica
from karapace_like.web.callers.permissions import on_topic
from karapace_like.web.http.api_roles import ApiRole
from karapace_like.web.proxy_v3.calls import (
    PARTITION_OFFSETS,
    describe_list,
    describe_one,
)
from karapace_like.web.proxy_v3.links import (
    ResourceLink,
    link_to_broker,
    link_to_partition,
    link_to_topic,
    render_entity,
    render_link,
    render_list,
)
from karapace_like.web.proxy_v3.requests import (
    answer,
    broker,
    cluster,
    management,
    partition,
    topic,
)
from karapace_like.web.routing import Route

_OFFSET_TYPE = "earliest_and_latest"


async def list_partitions(request: web.Request) -> web.Response:
    """GET .../topics/{topic}/partitions: List the partitions of a topic."""
    described = await management(request).topics.one(cluster(request), topic(request))
    listed = [_render_partition(request, described_partition) for described_partition in described.partitions.values()]
    return answer(
        request, render_list(request, "KafkaPartitionList", link_to_topic(request).child_url("partitions"), listed)
    )


async def get_partition(request: web.Request) -> web.Response:
    """GET .../partitions/{partition}: Describe a partition."""
    described = await management(request).topics.partition(cluster(request), partition(request))
    if described is None:
        raise errors.partition_not_found_error(partition(request), cluster(request))
    return answer(request, _render_partition(request, described))


async def get_offsets(request: web.Request) -> web.Response:
    """GET .../partitions/{partition}/offset: Return the first offset of a partition and the one after its last."""
    wanted = request.query.get("offset_type", _OFFSET_TYPE)
    if wanted != _OFFSET_TYPE:
        raise errors.malformed_request(f"offset_type {quote(wanted)} is invalid: expected {_OFFSET_TYPE}, or none")
    at = partition(request)
    earliest, latest = await management(request).topics.bounds(cluster(request), at)
    link = link_to_partition(request, at.partition)
    fields = {
        "cluster_id": cluster(request),
        "topic_name": at.topic,
        "partition_id": at.partition,
        "earliest_offset": earliest,
        "latest_offset": latest,
    }
    entity = ResourceLink(link.child_url("offset"), f"{link.name}/offset_type={_OFFSET_TYPE}")
    return answer(request, render_entity("KafkaPartitionWithOffsets", entity, fields))


async def list_replicas(request: web.Request) -> web.Response:
    """GET .../partitions/{partition}/replicas: List the replicas of a partition."""
    at = partition(request)
    described = await management(request).topics.known_partition(cluster(request), at)
    listed = [render_replica(request, at.topic, at.partition, replica) for replica in described.replicas]
    url = link_to_partition(request, at.partition).child_url("replicas")
    return answer(request, render_list(request, "KafkaReplicaList", url, listed))


async def get_replica(request: web.Request) -> web.Response:
    """GET .../replicas/{broker}: Describe the replica on a broker."""
    at, wanted = partition(request), broker(request)
    for replica in (await management(request).topics.known_partition(cluster(request), at)).replicas:
        if replica.broker == wanted:
            return answer(request, render_replica(request, at.topic, at.partition, replica))
    raise not_found_error(f"partition {at} has no replica on broker {wanted}")


def render_replica(request: web.Request, topic_name: str, number: int, described: Replica) -> dict[str, Any]:
    """Render a replica."""
    link = link_to_partition(request, number, topic_name).child("replicas", described.broker, "replica")
    return render_entity(
        "KafkaReplica",
        link,
        {
            "cluster_id": cluster(request),
            "topic_name": topic_name,
            "partition_id": number,
            "broker_id": described.broker,
            "is_leader": described.is_leader,
            "is_in_sync": described.is_in_sync,
            "broker": render_link(link_to_broker(request, described.broker).url),
        },
    )


def _render_partition(request: web.Request, described: PartitionDescription) -> dict[str, Any]:
    link = link_to_partition(request, described.partition)
    return render_entity(
        "KafkaPartition",
        link,
        {
            "cluster_id": cluster(request),
            "topic_name": topic(request),
            "partition_id": described.partition,
            "leader": None if described.leader < 0 else render_link(link.child_url(f"replicas/{described.leader}")),
            "replicas": render_link(link.child_url("replicas")),
            "reassignment": render_link(link.child_url("reassignment")),
        },
    )


_PARTITIONS = "/v3/clusters/{cluster}/topics/{topic}/partitions"
ROUTES = (
    Route(
        "GET",
        _PARTITIONS,
        list_partitions,
        ApiRole.MANAGEMENT,
        describe_list("KafkaPartition"),
        permission=on_topic(Operation.DESCRIBE),
    ),
    Route(
        "GET",
        f"{_PARTITIONS}/{{partition}}",
        get_partition,
        ApiRole.MANAGEMENT,
        describe_one("KafkaPartition"),
        permission=on_topic(Operation.DESCRIBE),
    ),
    Route(
        "GET",
        f"{_PARTITIONS}/{{partition}}/offset",
        get_offsets,
        ApiRole.MANAGEMENT,
        PARTITION_OFFSETS,
        permission=on_topic(Operation.DESCRIBE, reveals_offsets=True),
    ),
    Route(
        "GET",
        f"{_PARTITIONS}/{{partition}}/replicas",
        list_replicas,
        ApiRole.MANAGEMENT,
        describe_list("KafkaReplica"),
        permission=on_topic(Operation.DESCRIBE),
    ),
    Route(
        "GET",
        f"{_PARTITIONS}/{{partition}}/replicas/{{broker}}",
        get_replica,
        ApiRole.MANAGEMENT,
        describe_one("KafkaReplica"),
        permission=on_topic(Operation.DESCRIBE),
    ),
)
