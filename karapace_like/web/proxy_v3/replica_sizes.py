"""How many bytes each replica of a topic has; this resource is this service's own."""

from typing import Any

from aiohttp import web

from karapace_like.access.policy import Operation
from karapace_like.administration import ReplicaSize
from karapace_like.web.callers.permissions import on_topic
from karapace_like.web.http.api_roles import ApiRole
from karapace_like.web.proxy_v3.calls import describe_list
from karapace_like.web.proxy_v3.links import link_to_partition, link_to_topic, render_entity, render_list
from karapace_like.web.proxy_v3.requests import answer, cluster, management, topic
from karapace_like.web.routing import Route


async def list_replica_sizes(request: web.Request) -> web.Response:
    """GET .../topics/{topic}/replica-sizes: List the bytes of each replica, as the brokers have it on disk.

    Empty where the service's own account in Kafka may not describe the cluster.
    """
    sizes = await management(request).topics.replica_sizes(cluster(request), topic(request))
    url = link_to_topic(request).child_url("replica-sizes")
    listed = [_render_size(request, size) for size in sizes]
    return answer(request, render_list(request, "KafkaReplicaSizeList", url, listed))


def _render_size(request: web.Request, size: ReplicaSize) -> dict[str, Any]:
    link = link_to_partition(request, size.at.partition).child("replicas", size.broker, "replica")
    return render_entity(
        "KafkaReplicaSize",
        link,
        {
            "cluster_id": cluster(request),
            "topic_name": size.at.topic,
            "partition_id": size.at.partition,
            "broker_id": size.broker,
            "size_bytes": size.bytes,
        },
    )


ROUTES = (
    Route(
        "GET",
        "/v3/clusters/{cluster}/topics/{topic}/replica-sizes",
        list_replica_sizes,
        ApiRole.MANAGEMENT,
        describe_list("KafkaReplicaSize"),
        permission=on_topic(Operation.DESCRIBE),
    ),
)
