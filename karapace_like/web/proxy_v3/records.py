"""Producing: one record after the other in a stream, or a few in a batch.

The stream is read, written to Kafka and answered piece by piece: what has come in is sent, its results go out, and
only then more is read. So memory stays bounded, and whoever stops reading results is not read from any more.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec
from aiohttp import web

from karapace_like.access.policy import Operation
from karapace_like.errors import ApiError
from karapace_like.proxy import errors as proxy_errors
from karapace_like.proxy.v3 import errors
from karapace_like.proxy.v3.json_stream import JsonSplitter, StreamError
from karapace_like.proxy.v3.producing import Result
from karapace_like.proxy.v3.records import RecordRequest, WrittenData, WrittenRecord
from karapace_like.web import answers, bodies, media_types
from karapace_like.web.bodies import JsonObject
from karapace_like.web.needs import on_topic
from karapace_like.web.proxy.requests import check_fields, proxy
from karapace_like.web.proxy_v3.calls import PRODUCE, PRODUCE_BATCH
from karapace_like.web.proxy_v3.record_requests import MalformedJsonError, parsed, request_of
from karapace_like.web.proxy_v3.requests import answer, cluster, management, topic
from karapace_like.web.routing import Route

_MAX_ID = 80
_WRITTEN = 200
_encoder = msgspec.json.Encoder()
_raw_entries = msgspec.json.Decoder(dict[str, msgspec.Raw | list[dict[str, msgspec.Raw] | None]])


# The order of the fields is the wire's, and the reference's.


class _Part(msgspec.Struct, omit_defaults=True, kw_only=True):
    """A key or value in a result."""

    type: str
    subject: str | None = None
    schema_id: int | None = None
    schema_version: int | None = None
    size: int


class _Success(msgspec.Struct, omit_defaults=True, kw_only=True):
    """The result of a record that is in the topic."""

    id: str | None = None
    error_code: int | None = None
    cluster_id: str
    topic_name: str
    partition_id: int
    offset: int
    timestamp: str
    key: _Part | None = None
    value: _Part | None = None


class _Failure(msgspec.Struct, omit_defaults=True, kw_only=True):
    """The result of a record that is not."""

    id: str | None = None
    error_code: int
    message: str


async def stream(request: web.Request) -> web.StreamResponse:
    """POST .../records: concatenated JSON objects in, one result out for each, in order."""
    _check_media_types(request)
    response = web.StreamResponse(headers={"Content-Type": media_types.JSON})
    await response.prepare(request)
    incoming = _Incoming(request.client_max_size, proxy(request).settings.max_nesting)
    while not incoming.is_over:
        chunk = await request.content.readany()
        requests = incoming.take(chunk) if chunk else incoming.end()
        results = await management(request).producing.produce(topic(request), requests)
        if results:
            await response.write(b"".join(_encoder.encode(_rendered(request, each)) + b"\n" for each in results))
    await response.write_eof()
    return response


async def batch(request: web.Request) -> web.Response:
    """POST .../records:batch: a few records, each with an id; 207 with what became of them."""
    if media_types.essence(request.headers.get("Content-Type", "")) != media_types.JSON:
        raise proxy_errors.unsupported_media_type()
    entries = _entries(await request.read(), proxy(request).settings.max_batch_entries)
    results = await management(request).producing.produce(topic(request), [wanted for _, wanted in entries])
    told: dict[str, list[Any]] = {"successes": [], "failures": []}
    for (name, _), result in zip(entries, results, strict=True):
        rendered = _rendered(request, result)
        rendered.id = name
        if isinstance(rendered, _Success):
            rendered.error_code = None
            told["successes"].append(rendered)
        else:
            told["failures"].append(rendered)
    return answer(request, told, 207)


class _Incoming:
    """A stream's bytes on their way to being records."""

    def __init__(self, max_bytes: int, max_depth: int) -> None:
        self._splitter = JsonSplitter(max_bytes=max_bytes, max_depth=max_depth)
        self.is_over = False
        """Whether nothing more is to be read: the stream has ended, or cannot be told apart into records any more."""

    def take(self, chunk: bytes) -> list[RecordRequest | ApiError]:
        """The records that are complete with this chunk."""
        found: list[RecordRequest | ApiError] = []
        try:
            for text in self._splitter.feed(chunk):
                self._add(text, found)
                if self.is_over:
                    break
        except StreamError as error:
            self.is_over = True
            found.append(errors.broken_stream(str(error)))
        return found

    def end(self) -> list[RecordRequest | ApiError]:
        """What is left when the last chunk was taken."""
        self.is_over = True
        found: list[RecordRequest | ApiError] = []
        text = self._splitter.end()
        if text is not None:
            self._add(text, found)
        return found

    def _add(self, text: bytes, found: list[RecordRequest | ApiError]) -> None:
        try:
            found.append(parsed(text))
        except MalformedJsonError as error:
            self.is_over = True
            found += [error, error.ending] if error.is_told_twice else [error.ending]


def _check_media_types(request: web.Request) -> None:
    answers.media_type(request, (media_types.JSON,))
    content_type = request.headers.get("Content-Type")
    if content_type is None:
        raise errors.malformed(
            "Cannot construct instance of `JsonStream` (no Creators, like default constructor, exist): "
            "cannot deserialize from Object value (no delegate- or property-based Creator)"
        )
    if media_types.essence(content_type) != media_types.JSON:
        raise proxy_errors.unsupported_media_type()


def _entries(text: bytes, at_most: int) -> Sequence[tuple[str, RecordRequest | ApiError]]:
    """The batch's records with their ids; raises ApiError for what is wrong with the whole batch."""
    value = bodies.decoded(text)
    if value is None:
        raise errors.no_body()
    found = JsonObject.of(value, "ProduceBatchRequest")
    check_fields(found, ("entries",))
    listed = found.objects("entries", "ProduceBatchRequestEntry")
    if not listed:
        raise errors.invalid_payload("Batch must not be empty.")
    if len(listed) > at_most:
        raise errors.invalid_payload(f"Too many entries in batch: {len(listed)}, maximum is {at_most}.")
    raws = [raw for raw in _raw_entries.decode(text)["entries"] if isinstance(raw, dict)]
    names = [_name(each) for each in listed]
    if len(set(names)) < len(names):
        raise errors.invalid_payload("Entry identifiers must be distinct.")
    return [(name, _entry(each, raw)) for name, each, raw in zip(names, listed, raws, strict=True)]


def _name(found: JsonObject) -> str:
    name = found.string("id")
    if not name or len(name) > _MAX_ID or not all(each.isalnum() or each in "-_" for each in name):
        raise errors.invalid_payload(
            f"Entry identifiers must have 1 to {_MAX_ID} letters, digits, hyphens and underscores."
        )
    return name


def _entry(found: JsonObject, raw: dict[str, msgspec.Raw]) -> RecordRequest | ApiError:
    try:
        return request_of({name: found.raw(name) for name in found if name != "id"}, raw)
    except ApiError as error:
        return error


def _rendered(request: web.Request, result: Result) -> _Success | _Failure:
    if not isinstance(result, WrittenRecord):
        return _Failure(error_code=result.code, message=result.message)
    delivery = result.delivery
    return _Success(
        cluster_id=cluster(request),
        topic_name=topic(request),
        partition_id=delivery.partition,
        offset=delivery.offset,
        timestamp=spelled_time(delivery.timestamp),
        error_code=_WRITTEN,
        key=_part(result.key),
        value=_part(result.value),
    )


def spelled_time(milliseconds: int) -> str:
    """A point in time in ISO 8601, UTC."""
    instant = datetime.fromtimestamp(milliseconds // 1000, UTC).replace(microsecond=milliseconds % 1000 * 1000)
    return instant.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _part(written: WrittenData | None) -> _Part | None:
    if written is None:
        return None
    return _Part(
        type=written.type,
        subject=written.subject,
        schema_id=written.schema_id,
        schema_version=written.schema_version,
        size=written.size,
    )


_TOPIC = "/v3/clusters/{cluster}/topics/{topic}"
ROUTES = (
    Route("POST", f"{_TOPIC}/records", stream, PRODUCE, needs=on_topic(Operation.WRITE)),
    Route("POST", f"{_TOPIC}/records:batch", batch, PRODUCE_BATCH, needs=on_topic(Operation.WRITE)),
)
