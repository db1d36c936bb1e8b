"""Consumer instances: all calls except the poll, which is in `records.py`."""

from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

from aiohttp import web
from yarl import URL

from karapace_like.access.policy import EVERY, Operation, ResourceKind
from karapace_like.errors import ApiError
from karapace_like.proxy import bounds, errors
from karapace_like.proxy.consumer_instance import BEGINNING, END, ConsumerInstance, InstanceRequest
from karapace_like.proxy.formats import EmbeddedFormat, ReadFormat, RecognisedFormat
from karapace_like.proxy.settings import OffsetReset
from karapace_like.records import Committed, TopicPartition
from karapace_like.serde.codec import RecordForm
from karapace_like.web.callers.access import is_allowed, require
from karapace_like.web.callers.permissions import on_group
from karapace_like.web.http import paths, responses
from karapace_like.web.http.api_roles import ApiRole
from karapace_like.web.http.bodies import MALFORMED, JsonObject
from karapace_like.web.proxy.instance_owners import OWNERS, at_owner
from karapace_like.web.proxy.internal import use_topics
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
from karapace_like.web.proxy.rendering import CONSUMER_OFFER, answer, no_content
from karapace_like.web.proxy.requests import (
    MAX_LONG,
    MAX_METADATA,
    MAX_NAME,
    body,
    check_fields,
    check_length,
    check_name,
    find_reader,
    instance_user,
    offset,
    optional_read_format,
    parse_isolation,
    parse_undecodable,
    proxy,
    require_body,
    topic_partition,
    topic_partitions,
)
from karapace_like.web.routing import Route

INSTANCE_FIELDS = (
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
    "record.form",
    "isolation.level",
    "reader.version",
    "reader.metadata",
)
_POSITION_FIELDS = ("topic", "partition", "offset", "metadata")


def find_instance(request: web.Request) -> ConsumerInstance:
    """Return the consumer instance of the path; 40403 if there is none."""
    return proxy(request).consumers.find(
        request.match_info["group"], request.match_info["instance"], instance_user(request)
    )


def require_reading(request: web.Request, instance: ConsumerInstance) -> None:
    """Raise ForbiddenError unless the caller may read the topics of the instance, which another client may have set."""
    require(request, Operation.READ, ResourceKind.TOPIC, {*instance.topics, *(at.topic for at in instance.assignment)})


async def create_instance(request: web.Request) -> web.Response:
    """POST /consumers/{group}: Create a consumer instance."""
    responses.negotiate_media_type(request, CONSUMER_OFFER)
    return await create(request, await body(request, "CreateConsumerInstanceRequest", INSTANCE_FIELDS))


async def create(request: web.Request, json_object: JsonObject | None) -> web.Response:
    """Create the consumer instance that the body asks for, and respond with its name and address."""
    wanted = InstanceRequest() if json_object is None else _instance_request(json_object)
    group = request.match_info["group"]
    check_name("group", group, MAX_NAME)
    if wanted.name is not None:
        check_name("name", wanted.name, MAX_NAME)
    if wanted.name is not None and (owners := request.config_dict.get(OWNERS)) is not None:
        await owners.check_free(request, group, wanted.name)
    base = URL(proxy(request).settings.base_uri or paths.origin(request))
    name = proxy(request).consumers.create(group, wanted, instance_user(request))
    address = base.joinpath("consumers", quote(group, safe=""), "instances", quote(name, safe=""), encoded=True)
    return answer(request, {"instance_id": name, "base_uri": str(address)}, CONSUMER_OFFER)


async def delete_instance(request: web.Request) -> web.Response:
    """DELETE /consumers/{group}/instances/{instance}: Delete the consumer instance."""
    await proxy(request).consumers.delete(
        request.match_info["group"], request.match_info["instance"], instance_user(request)
    )
    return no_content()


async def subscribe(request: web.Request) -> web.Response:
    """POST .../subscription: Subscribe to topics, or to all topics whose name matches a pattern."""
    json_object = await require_body(request, "ConsumerSubscriptionRecord", ("topics", "topic_pattern"))
    topics, pattern = json_object.strings("topics"), json_object.string("topic_pattern")
    for at, topic in enumerate(topics or ()):
        if not topic:
            raise errors.violation(f"topics[{at}]", "must not be empty", topic)
        check_length(f"topics[{at}]", topic, bounds.MAX_TOPIC)
    instance = find_instance(request)
    if topics is not None:
        use_topics(request, Operation.READ, topics)
        await instance.subscribe(topics)
    elif pattern is not None:
        # The pattern may match any topic, also a future one, except internal ones.
        require(request, Operation.READ, ResourceKind.TOPIC, [EVERY])
        await instance.subscribe_to_pattern(pattern)
    return no_content()


async def get_subscription(request: web.Request) -> web.Response:
    """GET .../subscription: List the topics that the instance is subscribed to."""
    return answer(request, {"topics": find_instance(request).topics}, CONSUMER_OFFER)


async def unsubscribe(request: web.Request) -> web.Response:
    """DELETE .../subscription: Unsubscribe from all topics."""
    await find_instance(request).unsubscribe()
    return no_content()


async def assign(request: web.Request) -> web.Response:
    """POST .../assignments: Assign partitions to the instance."""
    json_object = await require_body(request, "ConsumerAssignmentRequest", ("partitions",))
    partitions = topic_partitions(json_object)
    use_topics(request, Operation.READ, (partition.topic for partition in partitions))
    await find_instance(request).assign(partitions)
    return no_content()


async def get_assignments(request: web.Request) -> web.Response:
    """GET .../assignments: List the partitions that the instance reads."""
    # The leader of the group, which may be any client, may have assigned what the caller may not describe.
    partitions = [
        _render(at)
        for at in find_instance(request).assignment
        if is_allowed(request, Operation.DESCRIBE, ResourceKind.TOPIC, at.topic)
    ]
    return answer(request, {"partitions": partitions}, CONSUMER_OFFER)


async def commit(request: web.Request) -> web.Response:
    """POST .../offsets: Commit the offsets of the listed records, or without a body those of all polled records."""
    json_object = await body(request, "ConsumerOffsetCommitRequest", ("offsets",))
    listed = None if json_object is None else json_object.objects("offsets", "TopicPartitionOffsetMetadata")
    instance = find_instance(request)
    if listed is None:
        await instance.commit()
    else:
        offsets = [_parse_committed_offset(entry, f"offsets[{i}]") for i, entry in enumerate(listed)]
        use_topics(request, Operation.READ, (committed.at.topic for committed in offsets))
        await instance.commit_offsets(offsets)
    return answer(request, [], CONSUMER_OFFER)


async def get_committed_offsets(request: web.Request) -> web.Response:
    """GET .../offsets: Return the committed offsets of the group in the partitions that the body lists."""
    json_object = await body(request, "ConsumerCommittedRequest", ("partitions",))
    if json_object is None:
        raise errors.no_partitions_listed_error()
    partitions = topic_partitions(json_object)
    use_topics(request, Operation.DESCRIBE, (partition.topic for partition in partitions))
    offsets = await find_instance(request).fetch_committed_offsets(partitions)
    rendered = [
        {**_render(committed.at), "offset": committed.offset, "metadata": committed.metadata or ""}
        for committed in offsets
    ]
    return answer(request, {"offsets": rendered}, CONSUMER_OFFER)


async def seek(request: web.Request) -> web.Response:
    """POST .../positions: Seek to offsets, or to the first records at or after points in time."""
    json_object = await require_body(request, "ConsumerSeekRequest", ("offsets", "timestamps"))
    offsets = {}
    for at, entry in enumerate(json_object.objects("offsets", "PartitionOffset") or ()):
        check_fields(entry, _POSITION_FIELDS)
        here = f"offsets[{at}]"
        offsets[topic_partition(entry, here)] = offset(entry, here)
    times = {}
    for at, entry in enumerate(json_object.objects("timestamps", "PartitionTimestamp") or ()):
        check_fields(entry, ("topic", "partition", "timestamp", "metadata"))
        here = f"timestamps[{at}]"
        times[topic_partition(entry, here)] = _parse_milliseconds(entry, here)
    use_topics(request, Operation.READ, (at.topic for at in (*offsets, *times)))
    instance = find_instance(request)
    if offsets:
        await instance.seek(offsets)
    if times:
        await instance.seek_to_times(times)
    return no_content()


async def seek_to_beginning(request: web.Request) -> web.Response:
    """POST .../positions/beginning: Seek to the first records of partitions."""
    return await _seek_all(request, BEGINNING)


async def seek_to_end(request: web.Request) -> web.Response:
    """POST .../positions/end: Seek to the end of partitions."""
    return await _seek_all(request, END)


async def _seek_all(request: web.Request, position: int) -> web.Response:
    json_object = await require_body(request, "ConsumerSeekToRequest", ("partitions",))
    partitions = topic_partitions(json_object)
    use_topics(request, Operation.READ, (partition.topic for partition in partitions))
    await find_instance(request).seek(dict.fromkeys(partitions, position))
    return no_content()


def _instance_request(json_object: JsonObject) -> InstanceRequest:
    min_bytes = json_object.integer("fetch.min.bytes" if "fetch.min.bytes" in json_object else "responseMinBytes")
    timeout = json_object.integer(
        "consumer.request.timeout.ms" if "consumer.request.timeout.ms" in json_object else "requestWaitMs"
    )
    both = _parse_format(json_object, "format")
    value = _parse_format(json_object, "value.format") or both or EmbeddedFormat.BINARY
    if min_bytes is not None and min_bytes < -1:
        raise errors.below_minimum("fetch.min.bytes", min_bytes, -1)
    return InstanceRequest(
        name=json_object.string("id") or json_object.string("name"),
        embedded=EmbeddedFormat.JSON if isinstance(asked := both or value, RecognisedFormat) else asked,
        key=_parse_format(json_object, "key.format") or both or EmbeddedFormat.BINARY,
        value=value,
        offset_reset=_offset_reset(json_object.string("auto.offset.reset")),
        auto_commit=_auto_commit(json_object.string("auto.commit.enable")),
        min_bytes=min_bytes,
        timeout_ms=timeout if timeout and timeout > 0 else None,
        undecodable=None if (spelled := json_object.string("undecodable")) is None else parse_undecodable(spelled),
        form=_parse_form(json_object.string("record.form")),
        isolation=parse_isolation("isolation.level", json_object.string("isolation.level")),
        reader=find_reader(_read_strings(json_object, "reader.version", "reader.metadata"), value, "."),
    )


def _read_strings(json_object: JsonObject, *fields: str) -> dict[str, str]:
    """Return the strings in those of the fields that are there."""
    read = {name: json_object.string(name) for name in fields}
    return {name: value for name, value in read.items() if value is not None}


def _parse_form(spelled: str | None) -> RecordForm:
    if spelled is None:
        return RecordForm.STANDARD
    try:
        return RecordForm(spelled)
    except ValueError as error:
        raise errors.violation("record.form", f"must be {' or '.join(RecordForm)}", spelled) from error


def _parse_format(json_object: JsonObject, name: str) -> ReadFormat | None:
    return optional_read_format(name, json_object.string(name))


def _offset_reset(spelled: str | None) -> OffsetReset | None:
    if spelled is None:
        return None
    try:
        return OffsetReset(spelled.lower())
    except ValueError as error:
        raise errors.invalid_consumer_config(
            "auto.offset.reset",
            spelled,
            "expected earliest, latest or none",
        ) from error


def _auto_commit(spelled: str | None) -> bool | None:
    if spelled is None:
        return None
    if spelled.strip().lower() not in {"true", "false"}:
        raise errors.invalid_consumer_config("enable.auto.commit", spelled, "Expected value to be either true or false")
    return spelled.strip().lower() == "true"


def _parse_committed_offset(json_object: JsonObject, place: str) -> Committed:
    """Return the offset to commit, after the record that the request names; -1 is before the first one."""
    check_fields(json_object, _POSITION_FIELDS)
    metadata = json_object.string("metadata")
    check_name(f"{place}.metadata", metadata or "", MAX_METADATA)
    position = offset(json_object, place, low=-1)
    if position == MAX_LONG:
        raise errors.violation(f"{place}.offset", f"must be less than {MAX_LONG}", str(position))
    return Committed(topic_partition(json_object, place), position + 1, metadata)


def _parse_milliseconds(json_object: JsonObject, place: str) -> int:
    """Return milliseconds since the epoch, from a number of them or ISO 8601 text."""
    spelled = json_object.raw("timestamp")
    if spelled is None:
        raise errors.violation(f"{place}.timestamp", "must not be null", "null")
    if isinstance(spelled, int):
        milliseconds = json_object.integer("timestamp", low=0, high=MAX_LONG)  # refuses true and false too
        assert milliseconds is not None
        return milliseconds
    text = json_object.string("timestamp") or ""
    try:
        instant = datetime.fromisoformat(text)
    except ValueError as error:
        raise ApiError(
            MALFORMED,
            f"{place}.timestamp {text!r} is not a point in time; expected ISO 8601, such as 2026-01-01T00:00:00Z, or "
            "milliseconds since the epoch",
        ) from error
    milliseconds = int((instant if instant.tzinfo else instant.replace(tzinfo=UTC)).timestamp() * 1000)
    if milliseconds < 0:
        raise errors.violation(f"{place}.timestamp", "must not be before 1970", text)
    return milliseconds


def _render(at: TopicPartition) -> dict[str, Any]:
    return {"topic": at.topic, "partition": at.partition}


_INSTANCE = "/consumers/{group}/instances/{instance}"
_OF_INSTANCES = (
    Route("DELETE", _INSTANCE, delete_instance, ApiRole.DATA, NOTHING),
    Route("POST", f"{_INSTANCE}/subscription", subscribe, ApiRole.DATA, SUBSCRIBE),
    Route("GET", f"{_INSTANCE}/subscription", get_subscription, ApiRole.DATA, SUBSCRIPTION),
    Route("DELETE", f"{_INSTANCE}/subscription", unsubscribe, ApiRole.DATA, NOTHING),
    Route("POST", f"{_INSTANCE}/assignments", assign, ApiRole.DATA, ASSIGN),
    Route("GET", f"{_INSTANCE}/assignments", get_assignments, ApiRole.DATA, ASSIGNMENTS),
    Route("POST", f"{_INSTANCE}/offsets", commit, ApiRole.DATA, COMMIT),
    Route("GET", f"{_INSTANCE}/offsets", get_committed_offsets, ApiRole.DATA, COMMITTED),
    Route("POST", f"{_INSTANCE}/positions", seek, ApiRole.DATA, SEEK),
    Route(
        "POST",
        f"{_INSTANCE}/positions/beginning",
        seek_to_beginning,
        ApiRole.DATA,
        SEEK_ALL,
        spellings=(f"{_INSTANCE}/positions//beginning",),
    ),
    Route(
        "POST",
        f"{_INSTANCE}/positions/end",
        seek_to_end,
        ApiRole.DATA,
        SEEK_ALL,
        spellings=(f"{_INSTANCE}/positions//end",),
    ),
)
ROUTES = (
    Route(
        "POST",
        "/consumers/{group}",
        create_instance,
        ApiRole.DATA,
        CREATE_CONSUMER,
        on_group(Operation.READ, is_write=True),
    ),
    *(
        instance._replace(
            handler=at_owner(instance.handler), permission=on_group(Operation.READ, is_write=instance.method != "GET")
        )
        for instance in _OF_INSTANCES
    ),
)
