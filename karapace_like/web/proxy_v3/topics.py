"""Topics: list, create, describe, extend and delete them."""

from typing import Any

from aiohttp import web

from karapace_like.access.policy import Operation, ResourceKind
from karapace_like.administration import NewTopic
from karapace_like.errors import ApiError
from karapace_like.proxy import bounds
from karapace_like.proxy.errors import ProxyError
from karapace_like.proxy.v3 import errors
from karapace_like.records import MAX_PARTITION, TopicDescription
from karapace_like.web.callers.access import may_describe
from karapace_like.web.callers.permissions import AUTHENTICATED, RequiredPermission, on_topic
from karapace_like.web.http import bodies
from karapace_like.web.http.api_roles import ApiRole
from karapace_like.web.http.bodies import JsonObject
from karapace_like.web.proxy.internal import use_topics
from karapace_like.web.proxy.requests import check_fields, proxy
from karapace_like.web.proxy_v3.calls import (
    CHANGE_TOPIC,
    CREATE_TOPIC,
    NOTHING,
    TOPIC_SEEN,
    describe_list,
)
from karapace_like.web.proxy_v3.links import (
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
    flag,
    management,
    require_text,
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


async def list_topics(request: web.Request) -> web.Response:
    """GET .../topics: List the topics."""
    topics = await management(request).topics.all(cluster(request), may_describe(request, ResourceKind.TOPIC))
    url = link_to_cluster(request).child_url("topics")
    return answer(
        request,
        render_list(request, "KafkaTopicList", url, [_render_topic(request, described) for described in topics]),
    )


async def create_topic(request: web.Request) -> web.Response:
    """POST .../topics: Create a topic; 200 instead of 201 with `validate_only`."""
    json_object = await body(request, "CreateTopicRequest", _FIELDS)
    wanted = _new_topic(json_object)
    _check_new_name(request, wanted.name)
    use_topics(request, Operation.CONFIG, [wanted.name])
    validate_only = json_object.boolean("validate_only") or False
    described = await management(request).topics.create(cluster(request), wanted, validate_only=validate_only)
    if described is None:
        return answer(request, _render_planned_topic(request, wanted))
    made = answer(request, _render_topic(request, described), 201)
    made.headers["Location"] = link_to_topic(request, wanted.name).url
    return made


async def get_topic(request: web.Request) -> web.Response:
    """GET .../topics/{topic}: Describe a topic."""
    with_operations = flag(request, "include_authorized_operations")
    described = await management(request).topics.one(cluster(request), topic(request), with_operations=with_operations)
    return answer(request, _render_topic(request, described))


async def add_partitions(request: web.Request) -> web.Response:
    """PATCH .../topics/{topic}: Increase the number of partitions of a topic."""
    json_object = await body(request, "UpdatePartitionCountRequest", ("partitions_count",))
    count = json_object.integer("partitions_count")
    if count is None:
        raise errors.missing_field("partitions_count", "the body")
    described = await management(request).topics.add_partitions(cluster(request), topic(request), count)
    return answer(request, _render_topic(request, described))


async def delete_topic(request: web.Request) -> web.Response:
    """DELETE .../topics/{topic}: Delete a topic."""
    await management(request).topics.delete(cluster(request), topic(request))
    return web.Response(status=204)


def _new_topic(json_object: JsonObject) -> NewTopic:
    configs: dict[str, str | None] = {}
    for entry in json_object.objects("configs", "configs") or ():
        check_fields(entry, ("name", "value"))
        configs[require_text(entry, "name")] = entry.string("value")
    return NewTopic(
        require_text(json_object, "topic_name"),
        json_object.integer("partitions_count"),
        json_object.integer("replication_factor", low=-(2**15), high=2**15 - 1),
        _parse_assignments(json_object),
        configs,
    )


def _check_new_name(request: web.Request, name: str) -> None:
    """Raise ApiError 42206 for a name that no topic can have; an internal one is refused as that."""
    if proxy(request).internal.is_internal_topic(name):
        return
    try:
        bounds.check_topic(name)
    except ProxyError as error:
        raise errors.invalid_payload(f"Invalid topic name. {error.message}") from error


def _parse_assignments(json_object: JsonObject) -> tuple[tuple[int, ...], ...]:
    """Return the brokers of each partition, the preferred leader first, from `{"0": [1, 2], "1": [2, 1]}`."""
    value = json_object.raw("replicas_assignments")
    if value is None:
        return ()
    if not isinstance(value, dict):
        raise _bad_assignments(value)
    if sorted(value) != sorted(str(number) for number in range(len(value))):
        raise errors.bad_value("replicas_assignments must name every partition from 0 on, without a gap.")
    assignments = []
    for number in range(len(value)):
        brokers = value[str(number)]
        if not isinstance(brokers, list) or not all(map(_is_broker, brokers)):
            raise _bad_assignments(value)
        assignments.append(tuple(brokers))
    return tuple(assignments)


def _is_broker(value: object) -> bool:
    return type(value) is int and 0 <= value <= MAX_PARTITION


def _bad_assignments(value: object) -> ApiError:
    return errors.malformed_request(
        'replicas_assignments must map each partition to a list of broker ids, such as {"0": [1, 2]} '
        f"(was {bodies.show(value)})"
    )


def _render_topic(request: web.Request, described: TopicDescription) -> dict[str, Any]:
    replication = max(
        (len(described_partition.replicas) for described_partition in described.partitions.values()), default=0
    )
    return _render_topic_fields(
        request,
        described.name,
        is_internal=described.is_internal,
        replication_factor=replication,
        partitions_count=len(described.partitions),
        operations=described.operations,
    )


def _render_planned_topic(request: web.Request, wanted: NewTopic) -> dict[str, Any]:
    """Render a topic that `validate_only` found possible; 0 stands for a number that the cluster would choose."""
    replication = len(wanted.assignments[0]) if wanted.assignments else wanted.replication_factor
    return _render_topic_fields(
        request,
        wanted.name,
        is_internal=False,
        replication_factor=replication or 0,
        partitions_count=len(wanted.assignments) or wanted.partitions or 0,
        operations=(),
    )


def _render_topic_fields(
    request: web.Request,
    name: str,
    *,
    is_internal: bool,
    replication_factor: int,
    partitions_count: int,
    operations: tuple[str, ...],
) -> dict[str, Any]:
    link = link_to_topic(request, name)
    return render_entity(
        "KafkaTopic",
        link,
        {
            "cluster_id": cluster(request),
            "topic_name": name,
            "is_internal": is_internal,
            "replication_factor": replication_factor,
            "partitions_count": partitions_count,
            "partitions": render_link(link.child_url("partitions")),
            "configs": render_link(link.child_url("configs")),
            "partition_reassignments": render_link(link.child_url("partitions/-/reassignment")),
            "authorized_operations": operations,
        },
    )


_TOPICS = "/v3/clusters/{cluster}/topics"
ROUTES = (
    Route("GET", _TOPICS, list_topics, ApiRole.MANAGEMENT, describe_list("KafkaTopic"), permission=AUTHENTICATED),
    Route(
        "POST",
        _TOPICS,
        create_topic,
        ApiRole.MANAGEMENT,
        CREATE_TOPIC,
        permission=RequiredPermission((Operation.CONFIG,)),
    ),
    Route(
        "GET",
        f"{_TOPICS}/{{topic}}",
        get_topic,
        ApiRole.MANAGEMENT,
        TOPIC_SEEN,
        permission=on_topic(Operation.DESCRIBE),
    ),
    Route(
        "PATCH",
        f"{_TOPICS}/{{topic}}",
        add_partitions,
        ApiRole.MANAGEMENT,
        CHANGE_TOPIC,
        permission=on_topic(Operation.CONFIG),
    ),
    Route(
        "DELETE",
        f"{_TOPICS}/{{topic}}",
        delete_topic,
        ApiRole.MANAGEMENT,
        NOTHING,
        permission=on_topic(Operation.DELETE),
    ),
)
