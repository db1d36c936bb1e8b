"""Consumer groups: members, assignments, lags, and (this service's own) offsets to read and change."""

from typing import Any

from aiohttp import web

from karapace_like.access.policy import Kind, Operation
from karapace_like.administration import GroupDescription, GroupMember
from karapace_like.proxy.v3 import errors
from karapace_like.proxy.v3.groups import Lag
from karapace_like.records import MAX_PARTITION, TopicPartition
from karapace_like.web.access import may
from karapace_like.web.needs import AUTHENTICATED, on_group
from karapace_like.web.proxy.requests import check_fields
from karapace_like.web.proxy_v3.calls import ALTER_OFFSETS, NOTHING, one, several
from karapace_like.web.proxy_v3.links import Place, cluster_place, entity, listing, related, topic_place
from karapace_like.web.proxy_v3.requests import (
    answer,
    body,
    cluster,
    group,
    management,
    needed,
    needed_objects,
    partition,
)
from karapace_like.web.routing import Route

_MAX_OFFSET = 2**63 - 1


async def groups(request: web.Request) -> web.Response:
    """GET .../consumer-groups."""
    everything = await management(request).groups.all(cluster(request))
    found = [each for each in everything if may(request, Operation.DESCRIBE, Kind.GROUP, each.id)]
    url = cluster_place(request).beside("consumer-groups")
    return answer(request, listing(request, "KafkaConsumerGroupList", url, [_group(request, each) for each in found]))


async def one_group(request: web.Request) -> web.Response:
    """GET .../consumer-groups/{group}."""
    found = await management(request).groups.find(cluster(request), group(request))
    if found is None:
        raise errors.not_found()
    return answer(request, _group(request, found))


async def consumers(request: web.Request) -> web.Response:
    """GET .../consumers."""
    found = await management(request).groups.members(cluster(request), group(request))
    url = _group_place(request).beside("consumers")
    return answer(request, listing(request, "KafkaConsumerList", url, [_consumer(request, each) for each in found]))


async def one_consumer(request: web.Request) -> web.Response:
    """GET .../consumers/{consumer}."""
    return answer(request, _consumer(request, await _member(request)))


async def assignments(request: web.Request) -> web.Response:
    """GET .../consumers/{consumer}/assignments."""
    found = await _member(request)
    url = _consumer_place(request, found.id).beside("assignments")
    listed = [_assignment(request, found.id, at) for at in found.assigned]
    return answer(request, listing(request, "KafkaConsumerAssignmentList", url, listed))


async def one_assignment(request: web.Request) -> web.Response:
    """GET .../assignments/{topic}/partitions/{partition}."""
    found, at = await _member(request), partition(request)
    if at not in found.assigned:
        raise errors.not_found()
    return answer(request, _assignment(request, found.id, at))


async def lag_summary(request: web.Request) -> web.Response:
    """GET .../lag-summary: the sum, and the partition that is furthest behind."""
    lags = await management(request).groups.lags(cluster(request), group(request))
    worst = max(lags, key=lambda each: each.records, default=None)
    member = worst.member if worst else GroupMember("", None, "", ())
    at = worst.at if worst else TopicPartition("", 0)
    place = _group_place(request)
    fields = {
        "cluster_id": cluster(request),
        "consumer_group_id": group(request),
        "max_lag_consumer_id": member.id,
        "max_lag_consumer": related(_consumer_place(request, member.id).url),
        "max_lag_client_id": member.client_id,
        "max_lag_instance_id": member.instance_id,
        "max_lag_topic_name": at.topic,
        "max_lag_partition_id": at.partition,
        "max_lag_partition": related(_partition_url(request, at)),
        "max_lag": worst.records if worst else 0,
        "total_lag": sum(each.records for each in lags),
    }
    summary = Place(place.beside("lag-summary"), f"{place.name}/lag-summary")
    return answer(request, entity("KafkaConsumerGroupLagSummary", summary, fields))


async def lags(request: web.Request) -> web.Response:
    """GET .../lags, and .../lags/{topic} for one topic."""
    wanted = request.match_info.get("topic")
    found = await management(request).groups.lags(cluster(request), group(request), wanted)
    url = _group_place(request).beside("lags" if wanted is None else f"lags/{wanted}")
    return answer(request, listing(request, "KafkaConsumerLagList", url, [_lag(request, each) for each in found]))


async def one_lag(request: web.Request) -> web.Response:
    """GET .../lags/{topic}/partitions/{partition}."""
    return answer(
        request,
        _lag(request, await management(request).groups.lag(cluster(request), group(request), partition(request))),
    )


async def offsets(request: web.Request) -> web.Response:
    """GET .../offsets: where the group goes on, in each partition."""
    found = await management(request).groups.offsets(cluster(request), group(request))
    url = _group_place(request).beside("offsets")
    listed = [_offset(request, at, found[at]) for at in sorted(found)]
    return answer(request, listing(request, "KafkaConsumerGroupOffsetList", url, listed))


async def alter_offsets(request: web.Request) -> web.Response:
    """POST .../offsets:alter: let the group go on elsewhere, while nobody is in it."""
    found = await body(request, "AlterOffsetsRequest", ("data",))
    wanted = {}
    for each in needed_objects(found, "data", "AlterOffsetsRequest$Entry"):
        check_fields(each, ("topic_name", "partition_id", "offset"))
        number = each.integer("partition_id", low=0, high=MAX_PARTITION)
        position = each.integer("offset", low=0, high=_MAX_OFFSET)
        if number is None or position is None:
            raise errors.malformed("Cannot construct instance of `AlterOffsetsRequest$Entry`, problem: Null offset")
        wanted[TopicPartition(needed(each, "topic_name"), number)] = position
    await management(request).groups.commit(cluster(request), group(request), wanted)
    return web.Response(status=204)


async def delete_offsets(request: web.Request) -> web.Response:
    """DELETE .../offsets: forget the group, while nobody is in it."""
    await management(request).groups.delete(cluster(request), group(request))
    return web.Response(status=204)


async def _member(request: web.Request) -> GroupMember:
    return await management(request).groups.member(cluster(request), group(request), request.match_info["consumer"])


def _group_place(request: web.Request, name: str | None = None) -> Place:
    return cluster_place(request).into("consumer-groups", group(request) if name is None else name, "consumer-group")


def _consumer_place(request: web.Request, member: str) -> Place:
    return _group_place(request).into("consumers", member, "consumer")


def _partition_url(request: web.Request, at: TopicPartition) -> str:
    return topic_place(request, at.topic).beside(f"partitions/{at.partition}")


def _group(request: web.Request, found: GroupDescription) -> dict[str, Any]:
    place = _group_place(request, found.id)
    coordinator = None if found.coordinator is None else cluster_place(request).beside(f"brokers/{found.coordinator}")
    return entity(
        "KafkaConsumerGroup",
        place,
        {
            "cluster_id": cluster(request),
            "consumer_group_id": found.id,
            "is_simple": found.is_simple,
            "partition_assignor": found.assignor,
            "state": found.state,
            "coordinator": None if coordinator is None else related(coordinator),
            "consumers": related(place.beside("consumers")),
            "lag_summary": related(place.beside("lag-summary")),
        },
    )


def _consumer(request: web.Request, found: GroupMember) -> dict[str, Any]:
    place = _consumer_place(request, found.id)
    return entity(
        "KafkaConsumer",
        place,
        {
            "cluster_id": cluster(request),
            "consumer_group_id": group(request),
            "consumer_id": found.id,
            "instance_id": found.instance_id,
            "client_id": found.client_id,
            "assignments": related(place.beside("assignments")),
        },
    )


def _assignment(request: web.Request, member: str, at: TopicPartition) -> dict[str, Any]:
    place = _consumer_place(request, member)
    at_path = f"{at.topic}/partitions/{at.partition}"
    return entity(
        "KafkaConsumerAssignment",
        Place(place.beside(f"assignments/{at_path}"), f"{place.name}/assignment={at.topic}/partition={at.partition}"),
        {
            "cluster_id": cluster(request),
            "consumer_group_id": group(request),
            "consumer_id": member,
            "topic_name": at.topic,
            "partition_id": at.partition,
            "partition": related(_partition_url(request, at)),
            "lag": related(_group_place(request).beside(f"lags/{at_path}")),
        },
    )


def _lag(request: web.Request, found: Lag) -> dict[str, Any]:
    place, at = _group_place(request), found.at
    return entity(
        "KafkaConsumerLag",
        Place(
            place.beside(f"lags/{at.topic}/partitions/{at.partition}"),
            f"{place.name}/lag={at.topic}/partition={at.partition}",
        ),
        {
            "cluster_id": cluster(request),
            "consumer_group_id": group(request),
            "topic_name": at.topic,
            "partition_id": at.partition,
            "consumer_id": found.member.id,
            "instance_id": found.member.instance_id,
            "client_id": found.member.client_id,
            "current_offset": found.committed,
            "log_end_offset": found.end,
            "lag": found.records,
        },
    )


def _offset(request: web.Request, at: TopicPartition, position: int) -> dict[str, Any]:
    return {
        "kind": "KafkaConsumerGroupOffset",
        "cluster_id": cluster(request),
        "consumer_group_id": group(request),
        "topic_name": at.topic,
        "partition_id": at.partition,
        "offset": position,
        "partition": related(_partition_url(request, at)),
    }


_GROUPS = "/v3/clusters/{cluster}/consumer-groups"
_GROUP = f"{_GROUPS}/{{group}}"
_CONSUMER = f"{_GROUP}/consumers/{{consumer}}"
ROUTES = (
    Route("GET", _GROUPS, groups, several("KafkaConsumerGroup"), needs=AUTHENTICATED),
    Route("GET", _GROUP, one_group, one("KafkaConsumerGroup"), needs=on_group(Operation.DESCRIBE)),
    Route("GET", f"{_GROUP}/consumers", consumers, several("KafkaConsumer"), needs=on_group(Operation.DESCRIBE)),
    Route("GET", _CONSUMER, one_consumer, one("KafkaConsumer"), needs=on_group(Operation.DESCRIBE)),
    Route(
        "GET",
        f"{_CONSUMER}/assignments",
        assignments,
        several("KafkaConsumerAssignment"),
        needs=on_group(Operation.DESCRIBE),
    ),
    Route(
        "GET",
        f"{_CONSUMER}/assignments/{{topic}}/partitions/{{partition}}",
        one_assignment,
        one("KafkaConsumerAssignment"),
        needs=on_group(Operation.DESCRIBE),
    ),
    Route(
        "GET",
        f"{_GROUP}/lag-summary",
        lag_summary,
        one("KafkaConsumerGroupLagSummary"),
        needs=on_group(Operation.DESCRIBE),
    ),
    Route("GET", f"{_GROUP}/lags", lags, several("KafkaConsumerLag"), needs=on_group(Operation.DESCRIBE)),
    Route("GET", f"{_GROUP}/lags/{{topic}}", lags, several("KafkaConsumerLag"), needs=on_group(Operation.DESCRIBE)),
    Route(
        "GET",
        f"{_GROUP}/lags/{{topic}}/partitions/{{partition}}",
        one_lag,
        one("KafkaConsumerLag"),
        needs=on_group(Operation.DESCRIBE),
    ),
    Route("GET", f"{_GROUP}/offsets", offsets, several("KafkaConsumerGroupOffset"), needs=on_group(Operation.DESCRIBE)),
    Route("POST", f"{_GROUP}/offsets:alter", alter_offsets, ALTER_OFFSETS, needs=on_group(Operation.WRITE)),
    Route("DELETE", f"{_GROUP}/offsets", delete_offsets, NOTHING, needs=on_group(Operation.DELETE)),
)
