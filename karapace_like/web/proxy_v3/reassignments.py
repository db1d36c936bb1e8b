"""Reassignments: partitions whose replicas move to other brokers."""

from typing import Any

from aiohttp import web

from karapace_like.access.policy import Operation, ResourceKind
from karapace_like.administration import Reassignment
from karapace_like.proxy.errors import not_found_error
from karapace_like.web.callers.access import is_allowed
from karapace_like.web.callers.permissions import AUTHENTICATED, on_topic
from karapace_like.web.http.api_roles import ApiRole
from karapace_like.web.proxy_v3.calls import (
    describe_list,
    describe_one,
)
from karapace_like.web.proxy_v3.links import (
    ResourceLink,
    link_to_cluster,
    link_to_partition,
    link_to_topic,
    render_entity,
    render_link,
    render_list,
)
from karapace_like.web.proxy_v3.requests import (
    answer,
    cluster,
    management,
    partition,
    topic,
)
from karapace_like.web.routing import Route


async def list_all_reassignments(request: web.Request) -> web.Response:
    """GET .../topics/-/partitions/-/reassignment: List the reassignments of all topics."""
    everything = await management(request).topics.reassignments(cluster(request))
    readable = [
        reassignment
        for reassignment in everything
        if is_allowed(request, Operation.DESCRIBE, ResourceKind.TOPIC, reassignment.at.topic)
    ]
    url = link_to_cluster(request).child_url("topics/-/partitions/-/reassignment")
    return answer(
        request,
        render_list(
            request,
            "KafkaReassignmentList",
            url,
            [_render_reassignment(request, reassignment) for reassignment in readable],
        ),
    )


async def list_reassignments(request: web.Request) -> web.Response:
    """GET .../topics/{topic}/partitions/-/reassignment: List the reassignments of a topic."""
    moving = await management(request).topics.reassignments(cluster(request), topic(request))
    url = link_to_topic(request).child_url("partitions/-/reassignments")  # Confluent REST Proxy has the plural here
    return answer(
        request,
        render_list(
            request,
            "KafkaReassignmentList",
            url,
            [_render_reassignment(request, reassignment) for reassignment in moving],
        ),
    )


async def get_reassignment(request: web.Request) -> web.Response:
    """GET .../partitions/{partition}/reassignment: Describe the reassignment of a partition."""
    at = partition(request)
    for reassignment in await management(request).topics.reassignments(cluster(request), at.topic):
        if reassignment.at == at:
            return answer(request, _render_reassignment(request, reassignment))
    raise not_found_error(f"no replica of partition {at} is being reassigned")


def _render_reassignment(request: web.Request, reassignment: Reassignment) -> dict[str, Any]:
    link = link_to_partition(request, reassignment.at.partition, reassignment.at.topic)
    return render_entity(
        "KafkaReassignment",
        ResourceLink(link.child_url("reassignment"), f"{link.name}/reassignment"),
        {
            "cluster_id": cluster(request),
            "topic_name": reassignment.at.topic,
            "partition_id": reassignment.at.partition,
            "adding_replicas": reassignment.adding,
            "removing_replicas": reassignment.removing,
            "replicas": render_link(link.child_url("replicas")),
        },
    )


_TOPICS = "/v3/clusters/{cluster}/topics"
_PARTITIONS = f"{_TOPICS}/{{topic}}/partitions"
ROUTES = (
    Route(
        "GET",
        f"{_TOPICS}/-/partitions/-/reassignment",
        list_all_reassignments,
        ApiRole.MANAGEMENT,
        describe_list("KafkaReassignment"),
        permission=AUTHENTICATED,
    ),
    Route(
        "GET",
        f"{_PARTITIONS}/-/reassignment",
        list_reassignments,
        ApiRole.MANAGEMENT,
        describe_list("KafkaReassignment"),
        permission=on_topic(Operation.DESCRIBE),
    ),
    Route(
        "GET",
        f"{_PARTITIONS}/{{partition}}/reassignment",
        get_reassignment,
        ApiRole.MANAGEMENT,
        describe_one("KafkaReassignment"),
        permission=on_topic(Operation.DESCRIBE),
    ),
)
