"""Consumer instances: all calls but the poll, which is in `records.py`."""

from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

from aiohttp import web
from yarl import URL

from karapace_like.access.policy import EVERY, Kind, Operation
from karapace_like.errors import ApiError
from karapace_like.proxy import errors
from karapace_like.proxy.consumers import BEGINNING, END, ConsumerInstance, InstanceRequest
from karapace_like.proxy.formats import EmbeddedFormat
from karapace_like.proxy.settings import OffsetReset
from karapace_like.records import Committed, TopicPartition
from karapace_like.web import answers, paths
from karapace_like.web.access import require
from karapace_like.web.bodies import MALFORMED, JsonObject
from karapace_like.web.needs import on_group
from karapace_like.web.proxy.objects import (
    ASSIGN,
    ASSIGNMENTS,
    COMMIT,
    COMMITTED,
    CREATE_CONSUMER,
    NOTHING,
    SEEK,
    SEEK_ALL,
    SUBSCRIBE,
    SUBSCRIPTION,
)
from karapace_like.web.proxy.owners import OWNERS, at_owner
from karapace_like.web.proxy.rendering import CONSUMER_OFFER, answer, no_content
from karapace_like.web.proxy.requests import (
    body,
    check_fields,
    embedded_format,
    needed_body,
    offset,
    proxy,
    topic_partition,
    topic_partitions,
    undecodable_named,
    user,
)
from karapace_like.web.routing import Route

_INSTANCE_FIELDS = (
    "id",
    "name",
    "format",
    "key.format",
    "value.format",
    "auto.offset.reset",
    "auto.commit.enable",
    "fetch.min.bytes",
    "responseMinBytes",
    "consumer.request.timeout.ms",
    "requestWaitMs",
    "undecodable",
)
_POSITION_FIELDS = ("topic", "partition", "offset", "metadata")


def instance(request: web.Request) -> ConsumerInstance:
    """The instance of the path; 40403 if there is none."""
    return proxy(request).consumers.find(request.match_info["group"], request.match_info["instance"], user(request))


def require_reading(request: web.Request, polled: ConsumerInstance) -> None:
    """Raise ForbiddenError unless the caller may read what the instance reads: somebody else may have set it up."""
    require(request, Operation.READ, Kind.TOPIC, {*polled.topics, *(each.topic for each in polled.assigned)})


async def create(request: web.Request) -> web.Response:
    """POST /consumers/{group}."""
    answers.media_type(request, CONSUMER_OFFER)
    found = await body(request, "CreateConsumerInstanceRequest", _INSTANCE_FIELDS)
    wanted = InstanceRequest() if found is None else _instance_request(found)
    group = request.match_info["group"]
    if wanted.name is not None and (owners := request.config_dict.get(OWNERS)) is not None:
        await owners.check_free(request, group, wanted.name)
    base = URL(proxy(request).settings.base_uri or paths.origin(request))
    name = proxy(request).consumers.create(group, wanted, user(request))
    address = base.joinpath("consumers", quote(group, safe=""), "instances", quote(name, safe=""), encoded=True)
    return answer(request, {"instance_id": name, "base_uri": str(address)}, CONSUMER_OFFER)


async def delete(request: web.Request) -> web.Response:
    """DELETE /consumers/{group}/instances/{instance}."""
    await proxy(request).consumers.delete(request.match_info["group"], request.match_info["instance"], user(request))
    return no_content()


async def subscribe(request: web.Request) -> web.Response:
    """POST .../subscription: to topics, or to those whose name matches a pattern."""
    found = await needed_body(
        request, "ConsumerSubscriptionRecord", ("topics", "topic_pattern"), "subscribe.subscription"
    )
    topics, pattern = found.strings("topics"), found.string("topic_pattern")
    for at, topic in enumerate(topics or ()):
        if not topic:
            raise errors.violation(f"subscribe.subscription.topics[{at}]", "must not be empty", topic)
    subscribed = instance(request)
    # A pattern may lead to any topic, also to one that is made later.
    require(request, Operation.READ, Kind.TOPIC, topics if topics is not None else [EVERY] if pattern else [])
    if topics is not None:
        await subscribed.subscribe(topics)
    elif pattern is not None:
        await subscribed.subscribe_to_pattern(pattern)
    return no_content()


async def subscription(request: web.Request) -> web.Response:
    """GET .../subscription: the topics' names."""
    return answer(request, {"topics": instance(request).topics}, CONSUMER_OFFER)


async def unsubscribe(request: web.Request) -> web.Response:
    """DELETE .../subscription."""
    await instance(request).unsubscribe()
    return no_content()


async def assign(request: web.Request) -> web.Response:
    """POST .../assignments."""
    found = await needed_body(request, "ConsumerAssignmentRequest", ("partitions",), "assign.assignmentRequest")
    partitions = topic_partitions(found, "assign.assignmentRequest")
    require(request, Operation.READ, Kind.TOPIC, {each.topic for each in partitions})
    await instance(request).assign(partitions)
    return no_content()


async def assignments(request: web.Request) -> web.Response:
    """GET .../assignments: the partitions that are read."""
    partitions = [_rendered(each) for each in instance(request).assigned]
    return answer(request, {"partitions": partitions}, CONSUMER_OFFER)


async def commit(request: web.Request) -> web.Response:
    """POST .../offsets: of the last records that were worked on, or, without a body, of all that were polled."""
    found = await body(request, "ConsumerOffsetCommitRequest", ("offsets",))
    listed = None if found is None else found.objects("offsets", "TopicPartitionOffsetMetadata")
    committing = instance(request)
    if listed is None:
        await committing.commit()
    else:
        offsets = [_committed(each, f"commitOffsets.offsetCommitRequest.offsets[{i}]") for i, each in enumerate(listed)]
        require(request, Operation.READ, Kind.TOPIC, {each.at.topic for each in offsets})
        await committing.commit_offsets(offsets)
    return answer(request, [], CONSUMER_OFFER)


async def committed(request: web.Request) -> web.Response:
    """GET .../offsets: the group's committed positions in the partitions that the body lists."""
    found = await body(request, "ConsumerCommittedRequest", ("partitions",))
    if found is None:
        raise errors.partition_not_found()
    partitions = topic_partitions(found, "committedOffsets.request")
    require(request, Operation.DESCRIBE, Kind.TOPIC, {each.topic for each in partitions})
    offsets = await instance(request).committed(partitions)
    rendered = [{**_rendered(each.at), "offset": each.offset, "metadata": each.metadata or ""} for each in offsets]
    return answer(request, {"offsets": rendered}, CONSUMER_OFFER)


async def seek(request: web.Request) -> web.Response:
    """POST .../positions: to offsets, or to the first records at or after points in time."""
    place = "seekToOffset.request"
    found = await needed_body(request, "ConsumerSeekRequest", ("offsets", "timestamps"), place)
    offsets = {}
    for at, each in enumerate(found.objects("offsets", "PartitionOffset") or ()):
        check_fields(each, _POSITION_FIELDS)
        here = f"{place}.offsets[{at}]"
        offsets[topic_partition(each, here)] = offset(each, here)
    times = {}
    for at, each in enumerate(found.objects("timestamps", "PartitionTimestamp") or ()):
        check_fields(each, ("topic", "partition", "timestamp", "metadata"))
        here = f"{place}.timestamps[{at}]"
        times[topic_partition(each, here)] = _milliseconds(each, here)
    sought = instance(request)
    if offsets:
        await sought.seek(offsets)
    if times:
        await sought.seek_to_times(times)
    return no_content()


async def seek_to_beginning(request: web.Request) -> web.Response:
    """POST .../positions/beginning."""
    return await _seek_all(request, "seekToBeginning.seekToRequest", BEGINNING)


async def seek_to_end(request: web.Request) -> web.Response:
    """POST .../positions/end."""
    return await _seek_all(request, "seekToEnd.seekToRequest", END)


async def _seek_all(request: web.Request, place: str, position: int) -> web.Response:
    found = await needed_body(request, "ConsumerSeekToRequest", ("partitions",), place)
    await instance(request).seek(dict.fromkeys(topic_partitions(found, place), position))
    return no_content()


def _instance_request(found: JsonObject) -> InstanceRequest:
    min_bytes = found.integer("fetch.min.bytes" if "fetch.min.bytes" in found else "responseMinBytes")
    timeout = found.integer(
        "consumer.request.timeout.ms" if "consumer.request.timeout.ms" in found else "requestWaitMs"
    )
    both = _format(found, "format")
    value = _format(found, "value.format") or both or EmbeddedFormat.BINARY
    if min_bytes is not None and min_bytes < -1:
        raise errors.below_minimum("fetch.min.bytes", min_bytes, -1)
    return InstanceRequest(
        name=found.string("id") or found.string("name"),
        embedded=both or value,
        key=_format(found, "key.format") or both or EmbeddedFormat.BINARY,
        value=value,
        offset_reset=_offset_reset(found.string("auto.offset.reset")),
        auto_commit=_auto_commit(found.string("auto.commit.enable")),
        min_bytes=min_bytes,
        timeout_ms=timeout if timeout and timeout > 0 else None,
        undecodable=None if (spelled := found.string("undecodable")) is None else undecodable_named(spelled),
    )


def _format(found: JsonObject, name: str) -> EmbeddedFormat | None:
    spelled = found.string(name)
    return None if spelled is None else embedded_format(spelled)


def _offset_reset(spelled: str | None) -> OffsetReset | None:
    if spelled is None:
        return None
    try:
        return OffsetReset(spelled.lower())
    except ValueError as error:
        raise errors.invalid_consumer_config(
            "auto.offset.reset",
            spelled,
            f"Invalid value `{spelled}` for configuration auto.offset.reset. The value must be either 'earliest', "
            "'latest', 'none' or of the format 'by_duration:<PnDTnHnMn.nS.>'.",
        ) from error


def _auto_commit(spelled: str | None) -> bool | None:
    if spelled is None:
        return None
    if spelled.strip().lower() not in {"true", "false"}:
        raise errors.invalid_consumer_config("enable.auto.commit", spelled, "Expected value to be either true or false")
    return spelled.strip().lower() == "true"


def _committed(found: JsonObject, place: str) -> Committed:
    """The position after a record that was worked on: the request names the record itself."""
    check_fields(found, _POSITION_FIELDS)
    return Committed(topic_partition(found, place), offset(found, place) + 1, found.string("metadata"))


def _milliseconds(found: JsonObject, place: str) -> int:
    """A point in time: ISO 8601 text, or milliseconds since the epoch."""
    spelled = found.raw("timestamp")
    if spelled is None:
        raise errors.violation(f"{place}.timestamp", "must not be null", "null")
    if isinstance(spelled, int):
        return spelled
    text = found.string("timestamp") or ""
    try:
        instant = datetime.fromisoformat(text)
    except ValueError as error:
        raise ApiError(
            MALFORMED,
            f'Cannot deserialize value of type `Instant` from String "{text}": Failed to deserialize '
            "java.time.Instant: (java.time.format.DateTimeParseException) "
            f"Text '{text}' could not be parsed at index 0",
        ) from error
    return int((instant if instant.tzinfo else instant.replace(tzinfo=UTC)).timestamp() * 1000)


def _rendered(at: TopicPartition) -> dict[str, Any]:
    return {"topic": at.topic, "partition": at.partition}


_INSTANCE = "/consumers/{group}/instances/{instance}"
_OF_INSTANCES = (
    Route("DELETE", _INSTANCE, delete, NOTHING),
    Route("POST", f"{_INSTANCE}/subscription", subscribe, SUBSCRIBE),
    Route("GET", f"{_INSTANCE}/subscription", subscription, SUBSCRIPTION),
    Route("DELETE", f"{_INSTANCE}/subscription", unsubscribe, NOTHING),
    Route("POST", f"{_INSTANCE}/assignments", assign, ASSIGN),
    Route("GET", f"{_INSTANCE}/assignments", assignments, ASSIGNMENTS),
    Route("POST", f"{_INSTANCE}/offsets", commit, COMMIT),
    Route("GET", f"{_INSTANCE}/offsets", committed, COMMITTED),
    Route("POST", f"{_INSTANCE}/positions", seek, SEEK),
    Route("POST", f"{_INSTANCE}/positions/beginning", seek_to_beginning, SEEK_ALL),
    Route("POST", f"{_INSTANCE}/positions/end", seek_to_end, SEEK_ALL),
)
ROUTES = (
    Route("POST", "/consumers/{group}", create, CREATE_CONSUMER, on_group(Operation.READ, is_write=True)),
    *(
        each._replace(handler=at_owner(each.handler), needs=on_group(Operation.READ, is_write=each.method != "GET"))
        for each in _OF_INSTANCES
    ),
)
