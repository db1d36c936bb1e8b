"""The latest value of a key: its last record in the partition that produce would choose."""

import msgspec
from aiohttp import web
from pybase64 import b64decode, b64encode

from karapace_like.access.policy import Operation
from karapace_like.proxy import errors, key_lookup
from karapace_like.proxy.formats import AUTO, EmbeddedFormat, RecordPart
from karapace_like.proxy.partitioning import choose_partition
from karapace_like.proxy.produce import ProducedRecord, ProduceOptions, ProduceRequest
from karapace_like.proxy.reading import RecordFormats
from karapace_like.records import TopicPartition
from karapace_like.web.callers.permissions import on_topic
from karapace_like.web.callers.usage import find_usage
from karapace_like.web.http import responses
from karapace_like.web.http.api_roles import ApiRole
from karapace_like.web.http.streaming import is_connected
from karapace_like.web.proxy.objects import KEY_LOOKUP
from karapace_like.web.proxy.records import render, shows_format
from karapace_like.web.proxy.rendering import PRODUCE_OFFER
from karapace_like.web.proxy.requests import (
    find_reading,
    not_negative,
    optional_format,
    optional_read_format,
    positive,
    proxy,
)
from karapace_like.web.proxy.subject_rights import find_subject_rights
from karapace_like.web.routing import Route


async def get_latest_of_key(request: web.Request) -> web.Response:
    """GET /topics/{topic}/keys/{key}: Return the last record of a key, as a compacted topic keeps it."""
    media_type = responses.negotiate_media_type(request, PRODUCE_OFFER)
    topic, query = request.match_info["topic"], request.query
    key_format = optional_format("key_format", query.get("key_format")) or EmbeddedFormat.STRING
    value_format = optional_read_format("value_format", query.get("value_format")) or AUTO
    scan = min(positive(request, "scan") or key_lookup.DEFAULT_SCAN, key_lookup.MAX_SCAN)
    wanted, schema_id = not_negative(request, "partition"), not_negative(request, "key_schema_id")
    text = _read_key(request.match_info["key"], key_format)
    rights = find_subject_rights(request)
    described = await proxy(request).topics.topic(topic)
    looked_up = ProduceRequest(records=(ProducedRecord(key=text),), key_format=key_format, key_schema_id=schema_id)
    options = ProduceOptions(dict.fromkeys(RecordPart, key_format), reading=find_reading(request))
    key = await proxy(request).producing.encode_key(topic, looked_up, options, rights)
    if key is None:
        raise key_lookup.null_key_error()
    at = TopicPartition(topic, choose_partition(key, len(described.partitions)) if wanted is None else wanted)
    if at.partition not in described.partitions:
        raise errors.partition_not_found_error(at.partition, topic)
    decoded = await proxy(request).reading.find_latest(
        at,
        key,
        RecordFormats(key=key_format, value=value_format),
        rights,
        scan=scan,
        is_wanted=lambda: is_connected(request),
    )
    if decoded is None:
        raise key_lookup.missing_key_error(topic, at.partition)
    if decoded.record.value is None:
        raise key_lookup.deleted_key_error(topic, at.partition, decoded.record.offset)
    if decoded.refusal is not None:
        raise decoded.refusal
    find_usage(request).consumed += 1
    body = responses.encode(render(decoded, with_timestamp=True, with_format=shows_format(request)))
    return web.Response(body=body, content_type=media_type)


def _read_key(segment: str, key_format: EmbeddedFormat) -> msgspec.Raw:
    """Return the key of the path as the JSON that a produce request would have; 422 if it is none of the format."""
    if key_format is EmbeddedFormat.STRING:
        return msgspec.Raw(msgspec.json.encode(segment))
    if key_format is EmbeddedFormat.BINARY:
        try:
            # The alphabet of URLs, whose padding may be left out, or that of produce.
            padded = segment.replace("+", "-").replace("/", "_") + "=" * (-len(segment) % 4)
            return msgspec.Raw(b'"' + b64encode(b64decode(padded, b"-_", validate=True)) + b'"')
        except ValueError as error:
            raise errors.violation("key", "must be base64 with key_format=binary", segment) from error
    try:
        text = segment.encode()
        msgspec.json.decode(text, type=msgspec.Raw)
    except (msgspec.MsgspecError, UnicodeEncodeError, RecursionError) as error:
        raise errors.violation("key", f"must be JSON with key_format={key_format}", segment) from error
    return msgspec.Raw(text)


ROUTES = (
    Route(
        "GET",
        "/topics/{topic}/keys/{key}",
        get_latest_of_key,
        ApiRole.DATA,
        KEY_LOOKUP,
        permission=on_topic(Operation.READ),
    ),
)
