"""Topics, partitions and replicas."""

from typing import Any

from aiohttp import web

from karapace_like.access.policy import Kind, Operation
from karapace_like.administration import NewTopic, Reassignment
from karapace_like.errors import ApiError
from karapace_like.proxy.v3 import errors
from karapace_like.records import PartitionDescription, Replica, TopicDescription
from karapace_like.web.access import may, require
from karapace_like.web.bodies import MALFORMED, JsonObject
from karapace_like.web.needs import AUTHENTICATED, Need, on_topic
from karapace_like.web.proxy.requests import check_fields
from karapace_like.web.proxy_v3.calls import (
    CHANGE_TOPIC,
    CREATE_TOPIC,
    NOTHING,
    PARTITION_OFFSET,
    TOPIC_SEEN,
    one,
    several,
)
from karapace_like.web.proxy_v3.links import Place, broker_place, cluster_place, entity, listing, related, topic_place
from karapace_like.web.proxy_v3.requests import (
    answer,
    body,
    broker,
    cluster,
    flag,
    management,
    needed,
    partition,
    topic,
)
from karapace_like.web.routing import Route

_FIELDS = (
    "topic_name",
    "partitions_count",
    "replication_factor",
    "replicas_assignments",
    "configs",
    "validate_only",
)
_OFFSET_TYPES = ("earliest", "latest")


async def topics(request: web.Request) -> web.Response:
    """GET .../topics."""
    everything = await management(request).topics.all(cluster(request))
    found = [each for each in everything if may(request, Operation.DESCRIBE, Kind.TOPIC, each.name)]
    url = cluster_place(request).beside("topics")
    return answer(request, listing(request, "KafkaTopicList", url, [_topic(request, each) for each in found]))


async def create(request: web.Request) -> web.Response:
    """POST .../topics: 201 with the topic, or 200 if it was only to be validated."""
    found = await body(request, "CreateTopicRequest", _FIELDS)
    wanted = _new_topic(found)
    require(request, Operation.CONFIG, Kind.TOPIC, [wanted.name])
    validate_only = found.boolean("validate_only") or False
    described = await management(request).topics.create(cluster(request), wanted, validate_only=validate_only)
    if described is None:
        return answer(request, _planned(request, wanted))
    made = answer(request, _topic(request, described), 201)
    made.headers["Location"] = topic_place(request, wanted.name).url
    return made


async def one_topic(request: web.Request) -> web.Response:
    """GET .../topics/{topic}."""
    with_operations = flag(request, "include_authorized_operations")
    described = await management(request).topics.one(cluster(request), topic(request), with_operations=with_operations)
    return answer(request, _topic(request, described))


async def change(request: web.Request) -> web.Response:
    """PATCH .../topics/{topic}: more partitions."""
    found = await body(request, "UpdatePartitionCountRequest", ("partitions_count",))
    count = found.integer("partitions_count")
    if count is None:
        raise errors.malformed(f"Cannot construct instance of `{found.name}`, problem: Null partitionsCount")
    described = await management(request).topics.add_partitions(cluster(request), topic(request), count)
    return answer(request, _topic(request, described))


async def delete(request: web.Request) -> web.Response:
    """DELETE .../topics/{topic}."""
    await management(request).topics.delete(cluster(request), topic(request))
    return web.Response(status=204)


async def partitions(request: web.Request) -> web.Response:
    """GET .../topics/{topic}/partitions."""
    described = await management(request).topics.one(cluster(request), topic(request))
    listed = [_partition(request, each) for each in described.partitions.values()]
    return answer(request, listing(request, "KafkaPartitionList", topic_place(request).beside("partitions"), listed))


async def one_partition(request: web.Request) -> web.Response:
    """GET .../partitions/{partition}."""
    found = await management(request).topics.partition(cluster(request), partition(request))
    if found is None:
        raise errors.not_found()
    return answer(request, _partition(request, found))


async def offset(request: web.Request) -> web.Response:
    """GET .../partitions/{partition}/offset: where it begins or ends, or was at a time (`timestamp`, milliseconds)."""
    at = partition(request)
    wanted = request.query.get("offset_type", "latest").lower()
    if wanted not in _OFFSET_TYPES:
        raise errors.malformed(f"offset_type {wanted!r} is not one of the values accepted: [earliest, latest]")
    earliest, latest = await management(request).topics.bounds(cluster(request), at)
    place = _partition_place(request, at.partition)
    fields = {
        "cluster_id": cluster(request),
        "topic_name": at.topic,
        "partition_id": at.partition,
        "offset_type": wanted,
        "offset": earliest if wanted == "earliest" else latest,
        "partition": related(place.url),
    }
    return answer(
        request, entity("KafkaPartitionOffset", Place(place.beside("offset"), f"{place.name}/offset"), fields)
    )


async def replicas(request: web.Request) -> web.Response:
    """GET .../partitions/{partition}/replicas."""
    at = partition(request)
    found = await management(request).topics.known_partition(cluster(request), at)
    listed = [replica(request, at.topic, at.partition, each) for each in found.replicas]
    url = _partition_place(request, at.partition).beside("replicas")
    return answer(request, listing(request, "KafkaReplicaList", url, listed))


async def one_replica(request: web.Request) -> web.Response:
    """GET .../replicas/{broker}."""
    at, wanted = partition(request), broker(request)
    for each in (await management(request).topics.known_partition(cluster(request), at)).replicas:
        if each.broker == wanted:
            return answer(request, replica(request, at.topic, at.partition, each))
    raise errors.not_found()


async def all_reassignments(request: web.Request) -> web.Response:
    """GET .../topics/-/partitions/-/reassignment."""
    everything = await management(request).topics.reassignments(cluster(request))
    found = [each for each in everything if may(request, Operation.DESCRIBE, Kind.TOPIC, each.at.topic)]
    url = cluster_place(request).beside("topics/-/partitions/-/reassignment")
    return answer(
        request, listing(request, "KafkaReassignmentList", url, [_reassignment(request, each) for each in found])
    )


async def reassignments(request: web.Request) -> web.Response:
    """GET .../topics/{topic}/partitions/-/reassignment."""
    found = await management(request).topics.reassignments(cluster(request), topic(request))
    url = topic_place(request).beside("partitions/-/reassignments")  # the plural is the reference's
    return answer(
        request, listing(request, "KafkaReassignmentList", url, [_reassignment(request, each) for each in found])
    )


async def one_reassignment(request: web.Request) -> web.Response:
    """GET .../partitions/{partition}/reassignment."""
    at = partition(request)
    for each in await management(request).topics.reassignments(cluster(request), at.topic):
        if each.at == at:
            return answer(request, _reassignment(request, each))
    raise errors.not_found()


def replica(request: web.Request, topic_name: str, number: int, found: Replica) -> dict[str, Any]:
    """A replica, for every list that shows some."""
    place = _partition_place(request, number, topic_name).into("replicas", found.broker, "replica")
    return entity(
        "KafkaReplica",
        place,
        {
            "cluster_id": cluster(request),
            "topic_name": topic_name,
            "partition_id": number,
            "broker_id": found.broker,
            "is_leader": found.is_leader,
            "is_in_sync": found.is_in_sync,
            "broker": related(broker_place(request, found.broker).url),
        },
    )


def _new_topic(found: JsonObject) -> NewTopic:
    configs: dict[str, str | None] = {}
    for each in found.objects("configs", "CreateTopicRequest$ConfigEntry") or ():
        check_fields(each, ("name", "value"))
        configs[needed(each, "name")] = each.string("value")
    return NewTopic(
        needed(found, "topic_name"),
        found.integer("partitions_count"),
        found.integer("replication_factor", low=-(2**15), high=2**15 - 1),
        _assignments(found),
        configs,
    )


def _assignments(found: JsonObject) -> tuple[tuple[int, ...], ...]:
    """`{"0": [1, 2], "1": [2, 1]}`: a partition's number and its brokers, the preferred leader first."""
    given = found.raw("replicas_assignments")
    if given is None:
        return ()
    if not isinstance(given, dict):
        token = "Array value (token `JsonToken.START_ARRAY`)" if isinstance(given, list) else "a scalar"
        raise ApiError(MALFORMED, f"Cannot deserialize value of type `Integer>>` from {token}")
    if sorted(given) != sorted(str(number) for number in range(len(given))):
        raise errors.bad_value("replicas_assignments must name every partition from 0 on, without a gap.")
    assignments = []
    for number in range(len(given)):
        brokers = given[str(number)]
        if not isinstance(brokers, list) or not all(isinstance(each, int) for each in brokers):
            raise ApiError(MALFORMED, "Cannot deserialize value of type `Integer>` in replicas_assignments")
        assignments.append(tuple(brokers))
    return tuple(assignments)


def _topic(request: web.Request, described: TopicDescription) -> dict[str, Any]:
    replication = max((len(each.replicas) for each in described.partitions.values()), default=0)
    return _shown_topic(
        request,
        described.name,
        is_internal=described.is_internal,
        replication_factor=replication,
        partitions_count=len(described.partitions),
        operations=described.operations,
    )


def _planned(request: web.Request, wanted: NewTopic) -> dict[str, Any]:
    """A topic that could be made; 0 is a number that the cluster would choose."""
    replication = len(wanted.assignments[0]) if wanted.assignments else wanted.replication_factor
    return _shown_topic(
        request,
        wanted.name,
        is_internal=False,
        replication_factor=replication or 0,
        partitions_count=len(wanted.assignments) or wanted.partitions or 0,
        operations=(),
    )


def _shown_topic(
    request: web.Request,
    name: str,
    *,
    is_internal: bool,
    replication_factor: int,
    partitions_count: int,
    operations: tuple[str, ...],
) -> dict[str, Any]:
    place = topic_place(request, name)
    return entity(
        "KafkaTopic",
        place,
        {
            "cluster_id": cluster(request),
            "topic_name": name,
            "is_internal": is_internal,
            "replication_factor": replication_factor,
            "partitions_count": partitions_count,
            "partitions": related(place.beside("partitions")),
            "configs": related(place.beside("configs")),
            "partition_reassignments": related(place.beside("partitions/-/reassignment")),
            "authorized_operations": operations,
        },
    )


def _partition_place(request: web.Request, number: int, topic_name: str | None = None) -> Place:
    return topic_place(request, topic_name).into("partitions", number, "partition")


def _partition(request: web.Request, found: PartitionDescription) -> dict[str, Any]:
    place = _partition_place(request, found.partition)
    return entity(
        "KafkaPartition",
        place,
        {
            "cluster_id": cluster(request),
            "topic_name": topic(request),
            "partition_id": found.partition,
            "leader": None if found.leader < 0 else related(place.beside(f"replicas/{found.leader}")),
            "replicas": related(place.beside("replicas")),
            "reassignment": related(place.beside("reassignment")),
        },
    )


def _reassignment(request: web.Request, found: Reassignment) -> dict[str, Any]:
    place = _partition_place(request, found.at.partition, found.at.topic)
    return entity(
        "KafkaReassignment",
        Place(place.beside("reassignment"), f"{place.name}/reassignment"),
        {
            "cluster_id": cluster(request),
            "topic_name": found.at.topic,
            "partition_id": found.at.partition,
            "adding_replicas": found.adding,
            "removing_replicas": found.removing,
            "replicas": related(place.beside("replicas")),
        },
    )


_TOPICS = "/v3/clusters/{cluster}/topics"
_PARTITIONS = f"{_TOPICS}/{{topic}}/partitions"
ROUTES = (
    Route("GET", _TOPICS, topics, several("KafkaTopic"), needs=AUTHENTICATED),
    Route("POST", _TOPICS, create, CREATE_TOPIC, needs=Need((Operation.CONFIG,))),
    Route(
        "GET",
        f"{_TOPICS}/-/partitions/-/reassignment",
        all_reassignments,
        several("KafkaReassignment"),
        needs=AUTHENTICATED,
    ),
    Route("GET", f"{_TOPICS}/{{topic}}", one_topic, TOPIC_SEEN, needs=on_topic(Operation.DESCRIBE)),
    Route("PATCH", f"{_TOPICS}/{{topic}}", change, CHANGE_TOPIC, needs=on_topic(Operation.CONFIG)),
    Route("DELETE", f"{_TOPICS}/{{topic}}", delete, NOTHING, needs=on_topic(Operation.DELETE)),
    Route("GET", _PARTITIONS, partitions, several("KafkaPartition"), needs=on_topic(Operation.DESCRIBE)),
    Route(
        "GET",
        f"{_PARTITIONS}/-/reassignment",
        reassignments,
        several("KafkaReassignment"),
        needs=on_topic(Operation.DESCRIBE),
    ),
    Route(
        "GET", f"{_PARTITIONS}/{{partition}}", one_partition, one("KafkaPartition"), needs=on_topic(Operation.DESCRIBE)
    ),
    Route("GET", f"{_PARTITIONS}/{{partition}}/offset", offset, PARTITION_OFFSET, needs=on_topic(Operation.DESCRIBE)),
    Route(
        "GET",
        f"{_PARTITIONS}/{{partition}}/reassignment",
        one_reassignment,
        one("KafkaReassignment"),
        needs=on_topic(Operation.DESCRIBE),
    ),
    Route(
        "GET",
        f"{_PARTITIONS}/{{partition}}/replicas",
        replicas,
        several("KafkaReplica"),
        needs=on_topic(Operation.DESCRIBE),
    ),
    Route(
        "GET",
        f"{_PARTITIONS}/{{partition}}/replicas/{{broker}}",
        one_replica,
        one("KafkaReplica"),
        needs=on_topic(Operation.DESCRIBE),
    ),
)
