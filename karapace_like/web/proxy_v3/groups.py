"""Consumer groups: members, assignments and lag; this service's own calls read and change committed offsets."""

from typing import Any

from aiohttp import web

from karapace_like.access.policy import Operation, ResourceKind
from karapace_like.administration import GroupDescription, GroupMember
from karapace_like.proxy.errors import not_found_error
from karapace_like.proxy.v3 import errors
from karapace_like.proxy.v3.groups import Lag
from karapace_like.records import MAX_PARTITION, TopicPartition
from karapace_like.web.callers.access import is_allowed, may_describe
from karapace_like.web.callers.permissions import AUTHENTICATED, on_group, on_group_and_topic
from karapace_like.web.http.api_roles import ApiRole
from karapace_like.web.proxy.internal import use_topics
from karapace_like.web.proxy.requests import check_fields
from karapace_like.web.proxy_v3.calls import ALTER_OFFSETS, NOTHING, describe_list, describe_one
from karapace_like.web.proxy_v3.links import (
    ResourceLink,
    link_to_cluster,
    link_to_topic,
    render_entity,
    render_link,
    render_list,
)
from karapace_like.web.proxy_v3.requests import (
    answer,
    body,
    cluster,
    group,
    management,
    partition,
    require_objects,
    require_text,
)
from karapace_like.web.routing import Route

_MAX_OFFSET = 2**63 - 1


async def list_groups(request: web.Request) -> web.Response:
    """GET .../consumer-groups: List the consumer groups."""
    groups = await management(request).groups.all(cluster(request), may_describe(request, ResourceKind.GROUP))
    url = link_to_cluster(request).child_url("consumer-groups")
    return answer(
        request,
        render_list(
            request, "KafkaConsumerGroupList", url, [_render_group(request, described) for described in groups]
        ),
    )


async def get_group(request: web.Request) -> web.Response:
    """GET .../consumer-groups/{group}: Describe a consumer group."""
    described = await management(request).groups.find(cluster(request), group(request))
    if described is None:
        raise errors.group_not_found_error(group(request))
    return answer(request, _render_group(request, described))


async def list_consumers(request: web.Request) -> web.Response:
    """GET .../consumers: List the members of a group."""
    members = await management(request).groups.members(cluster(request), group(request))
    url = _link_to_group(request).child_url("consumers")
    return answer(
        request,
        render_list(request, "KafkaConsumerList", url, [_render_consumer(request, member) for member in members]),
    )


async def get_consumer(request: web.Request) -> web.Response:
    """GET .../consumers/{consumer}: Describe a member of a group."""
    return answer(request, _render_consumer(request, await _find_member(request)))


async def list_assignments(request: web.Request) -> web.Response:
    """GET .../consumers/{consumer}/assignments: List the partitions that are assigned to a member."""
    member = await _find_member(request)
    url = _link_to_consumer(request, member.id).child_url("assignments")
    listed = [_render_assignment(request, member.id, at) for at in member.assigned if _is_shown(request, at)]
    return answer(request, render_list(request, "KafkaConsumerAssignmentList", url, listed))


async def get_assignment(request: web.Request) -> web.Response:
    """GET .../assignments/{topic}/partitions/{partition}: Describe the assignment of a partition."""
    member, at = await _find_member(request), partition(request)
    if at not in member.assigned:
        raise not_found_error(f"partition {at} is not assigned to consumer {member.id}")
    return answer(request, _render_assignment(request, member.id, at))


async def get_lag_summary(request: web.Request) -> web.Response:
    """GET .../lag-summary: Return the total lag of a group, and the partition with the most lag."""
    lags = await _list_lags(request)
    worst = max(lags, key=lambda lag: lag.records, default=None)
    member = worst.member if worst else GroupMember("", None, "", ())
    at = worst.at if worst else TopicPartition("", 0)
    link = _link_to_group(request)
    fields = {
        "cluster_id": cluster(request),
        "consumer_group_id": group(request),
        "max_lag_consumer_id": member.id,
        "max_lag_consumer": render_link(
            _link_to_consumer(request, member.id).url if member.id else link.child_url("consumers")
        ),
        "max_lag_client_id": member.client_id,
        "max_lag_instance_id": member.instance_id,
        "max_lag_topic_name": at.topic,
        "max_lag_partition_id": at.partition,
        "max_lag_partition": render_link(_partition_url(request, at)),
        "max_lag": worst.records if worst else 0,
        "total_lag": sum(lag.records for lag in lags),
    }
    summary = ResourceLink(link.child_url("lag-summary"), f"{link.name}/lag-summary")
    return answer(request, render_entity("KafkaConsumerGroupLagSummary", summary, fields))


async def list_lags(request: web.Request) -> web.Response:
    """GET .../lags, and .../lags/{topic} for one topic: List the lag of a group in each partition."""
    wanted = request.match_info.get("topic")
    lags = await _list_lags(request, wanted)
    url = _link_to_group(request).child_url("lags" if wanted is None else f"lags/{wanted}")
    return answer(
        request, render_list(request, "KafkaConsumerLagList", url, [_render_lag(request, lag) for lag in lags])
    )


async def get_lag(request: web.Request) -> web.Response:
    """GET .../lags/{topic}/partitions/{partition}: Return the lag of a group in a partition."""
    return answer(
        request,
        _render_lag(
            request, await management(request).groups.lag(cluster(request), group(request), partition(request))
        ),
    )


async def list_offsets(request: web.Request) -> web.Response:
    """GET .../offsets: List the committed offsets of a group."""
    committed = await management(request).groups.offsets(cluster(request), group(request))
    url = _link_to_group(request).child_url("offsets")
    listed = [_render_offset(request, at, committed[at]) for at in sorted(committed) if _is_shown(request, at)]
    return answer(request, render_list(request, "KafkaConsumerGroupOffsetList", url, listed))


async def alter_offsets(request: web.Request) -> web.Response:
    """POST .../offsets:alter: Commit offsets for a group without members."""
    json_object = await body(request, "AlterOffsetsRequest", ("data",))
    wanted = {}
    for entry in require_objects(json_object, "data", "data"):
        check_fields(entry, ("topic_name", "partition_id", "offset"))
        number = entry.integer("partition_id", low=0, high=MAX_PARTITION)
        position = entry.integer("offset", low=0, high=_MAX_OFFSET)
        if number is None or position is None:
            raise errors.missing_field("partition_id" if number is None else "offset", "each entry of data")
        wanted[TopicPartition(require_text(entry, "topic_name"), number)] = position
    use_topics(request, Operation.READ, (at.topic for at in wanted))
    await management(request).groups.commit(cluster(request), group(request), wanted)
    return web.Response(status=204)


async def delete_offsets(request: web.Request) -> web.Response:
    """DELETE .../offsets: Delete a group without members, with its offsets."""
    await management(request).groups.delete(cluster(request), group(request))
    return web.Response(status=204)


async def _list_lags(request: web.Request, topic: str | None = None) -> list[Lag]:
    """Return the lags of the group in the topics that the caller may describe."""
    lags = await management(request).groups.lags(cluster(request), group(request), topic)
    return [lag for lag in lags if _is_shown(request, lag.at)]


def _is_shown(request: web.Request, at: TopicPartition) -> bool:
    return is_allowed(request, Operation.DESCRIBE, ResourceKind.TOPIC, at.topic)


async def _find_member(request: web.Request) -> GroupMember:
    return await management(request).groups.member(cluster(request), group(request), request.match_info["consumer"])


def _link_to_group(request: web.Request, name: str | None = None) -> ResourceLink:
    return link_to_cluster(request).child("consumer-groups", group(request) if name is None else name, "consumer-group")


def _link_to_consumer(request: web.Request, member: str) -> ResourceLink:
    return _link_to_group(request).child("consumers", member, "consumer")


def _partition_url(request: web.Request, at: TopicPartition) -> str:
    return link_to_topic(request, at.topic).child_url(f"partitions/{at.partition}")


def _render_group(request: web.Request, described: GroupDescription) -> dict[str, Any]:
    link = _link_to_group(request, described.id)
    coordinator = (
        None
        if described.coordinator is None
        else link_to_cluster(request).child_url(f"brokers/{described.coordinator}")
    )
    return render_entity(
        "KafkaConsumerGroup",
        link,
        {
            "cluster_id": cluster(request),
            "consumer_group_id": described.id,
            "is_simple": described.is_simple,
            "partition_assignor": described.assignor,
            "state": described.state,
            "type": described.type,
            "is_mixed_consumer_group": described.is_mixed,
            "coordinator": None if coordinator is None else render_link(coordinator),
            "consumers": render_link(link.child_url("consumers")),
            "lag_summary": render_link(link.child_url("lag-summary")),
        },
    )


def _render_consumer(request: web.Request, member: GroupMember) -> dict[str, Any]:
    link = _link_to_consumer(request, member.id)
    return render_entity(
        "KafkaConsumer",
        link,
        {
            "cluster_id": cluster(request),
            "consumer_group_id": group(request),
            "consumer_id": member.id,
            "instance_id": member.instance_id,
            "client_id": member.client_id,
            "assignments": render_link(link.child_url("assignments")),
        },
    )


def _render_assignment(request: web.Request, member: str, at: TopicPartition) -> dict[str, Any]:
    link = _link_to_consumer(request, member)
    at_path = f"{at.topic}/partitions/{at.partition}"
    return render_entity(
        "KafkaConsumerAssignment",
        ResourceLink(
            link.child_url(f"assignments/{at_path}"), f"{link.name}/assignment={at.topic}/partition={at.partition}"
        ),
        {
            "cluster_id": cluster(request),
            "consumer_group_id": group(request),
            "consumer_id": member,
            "topic_name": at.topic,
            "partition_id": at.partition,
            "partition": render_link(_partition_url(request, at)),
            "lag": render_link(_link_to_group(request).child_url(f"lags/{at_path}")),
        },
    )


def _render_lag(request: web.Request, lag: Lag) -> dict[str, Any]:
    link, at = _link_to_group(request), lag.at
    return render_entity(
        "KafkaConsumerLag",
        ResourceLink(
            link.child_url(f"lags/{at.topic}/partitions/{at.partition}"),
            f"{link.name}/lag={at.topic}/partition={at.partition}",
        ),
        {
            "cluster_id": cluster(request),
            "consumer_group_id": group(request),
            "topic_name": at.topic,
            "partition_id": at.partition,
            "consumer_id": lag.member.id,
            "instance_id": lag.member.instance_id,
            "client_id": lag.member.client_id,
            "current_offset": lag.committed,
            "log_end_offset": lag.end,
            "lag": lag.records,
        },
    )


def _render_offset(request: web.Request, at: TopicPartition, position: int) -> dict[str, Any]:
    return {
        "kind": "KafkaConsumerGroupOffset",
        "cluster_id": cluster(request),
        "consumer_group_id": group(request),
        "topic_name": at.topic,
        "partition_id": at.partition,
        "offset": position,
        "partition": render_link(_partition_url(request, at)),
    }


_GROUPS = "/v3/clusters/{cluster}/consumer-groups"
_GROUP = f"{_GROUPS}/{{group}}"
_CONSUMER = f"{_GROUP}/consumers/{{consumer}}"
_telling_offsets = on_group(Operation.DESCRIBE, reveals_offsets=True)
_telling_offsets_of_topic = on_group_and_topic(Operation.DESCRIBE, reveals_offsets=True)
ROUTES = (
    Route(
        "GET", _GROUPS, list_groups, ApiRole.MANAGEMENT, describe_list("KafkaConsumerGroup"), permission=AUTHENTICATED
    ),
    Route(
        "GET",
        _GROUP,
        get_group,
        ApiRole.MANAGEMENT,
        describe_one("KafkaConsumerGroup"),
        permission=on_group(Operation.DESCRIBE),
    ),
    Route(
        "GET",
        f"{_GROUP}/consumers",
        list_consumers,
        ApiRole.MANAGEMENT,
        describe_list("KafkaConsumer"),
        permission=on_group(Operation.DESCRIBE),
    ),
    Route(
        "GET",
        _CONSUMER,
        get_consumer,
        ApiRole.MANAGEMENT,
        describe_one("KafkaConsumer"),
        permission=on_group(Operation.DESCRIBE),
    ),
    Route(
        "GET",
        f"{_CONSUMER}/assignments",
        list_assignments,
        ApiRole.MANAGEMENT,
        describe_list("KafkaConsumerAssignment"),
        permission=on_group(Operation.DESCRIBE),
    ),
    Route(
        "GET",
        f"{_CONSUMER}/assignments/{{topic}}/partitions/{{partition}}",
        get_assignment,
        ApiRole.MANAGEMENT,
        describe_one("KafkaConsumerAssignment"),
        permission=on_group_and_topic(Operation.DESCRIBE),
    ),
    Route(
        "GET",
        f"{_GROUP}/lag-summary",
        get_lag_summary,
        ApiRole.MANAGEMENT,
        describe_one("KafkaConsumerGroupLagSummary"),
        permission=_telling_offsets,
    ),
    Route(
        "GET",
        f"{_GROUP}/lags",
        list_lags,
        ApiRole.MANAGEMENT,
        describe_list("KafkaConsumerLag"),
        permission=_telling_offsets,
    ),
    Route(
        "GET",
        f"{_GROUP}/lags/{{topic}}",
        list_lags,
        ApiRole.MANAGEMENT,
        describe_list("KafkaConsumerLag"),
        permission=_telling_offsets_of_topic,
    ),
    Route(
        "GET",
        f"{_GROUP}/lags/{{topic}}/partitions/{{partition}}",
        get_lag,
        ApiRole.MANAGEMENT,
        describe_one("KafkaConsumerLag"),
        permission=_telling_offsets_of_topic,
    ),
    Route(
        "GET",
        f"{_GROUP}/offsets",
        list_offsets,
        ApiRole.MANAGEMENT,
        describe_list("KafkaConsumerGroupOffset"),
        permission=_telling_offsets,
    ),
    Route(
        "POST",
        f"{_GROUP}/offsets:alter",
        alter_offsets,
        ApiRole.MANAGEMENT,
        ALTER_OFFSETS,
        permission=on_group(Operation.WRITE),
    ),
    Route(
        "DELETE",
        f"{_GROUP}/offsets",
        delete_offsets,
        ApiRole.MANAGEMENT,
        NOTHING,
        permission=on_group(Operation.DELETE),
    ),
)
