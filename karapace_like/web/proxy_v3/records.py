"""Produce records: a stream of them, or a batch of a few.

A stream is processed chunk by chunk: the records of a chunk are written, their results are sent, and only then the next
chunk is read. So memory stays bounded, and a client that stops reading results is not read from.
"""

import re
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, TypeAlias

import msgspec
from aiohttp import web

from karapace_like.access.policy import Operation
from karapace_like.errors import ApiError
from karapace_like.proxy import errors as proxy_errors
from karapace_like.proxy.v3 import errors
from karapace_like.proxy.v3.json_stream import JsonSplitter, StreamError
from karapace_like.proxy.v3.producing import EncodedBatch, Result
from karapace_like.proxy.v3.records import RecordRequest, WrittenData, WrittenRecord
from karapace_like.records import Delivery, OutgoingRecord
from karapace_like.web.callers.permissions import on_topic
from karapace_like.web.callers.usage import find_usage
from karapace_like.web.http import bodies, media_types, responses
from karapace_like.web.http.api_roles import ApiRole
from karapace_like.web.http.bodies import JsonObject
from karapace_like.web.http.request_bodies import BodyPieces, is_chunked, read_body
from karapace_like.web.http.responses import EncodedResponse
from karapace_like.web.proxy.admission import Admission
from karapace_like.web.proxy.idempotency import produce_once, read_key, refuse_key
from karapace_like.web.proxy.requests import check_fields, find_reading, proxy
from karapace_like.web.proxy.subject_rights import find_subject_rights
from karapace_like.web.proxy_v3.calls import PRODUCE, PRODUCE_BATCH
from karapace_like.web.proxy_v3.objects import ProducedPart, ProduceFailure, ProduceSuccess
from karapace_like.web.proxy_v3.record_requests import MalformedJsonError, parse, record_from_object
from karapace_like.web.proxy_v3.requests import answer, cluster, flag, management, topic
from karapace_like.web.routing import Route

_ID = re.compile(r"[\w-]{1,80}")
_CITED = 100
_EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001 - UTC, to be added to
_CYCLE_YEARS = 400
"""After so many years the Gregorian calendar repeats itself."""
_CYCLE_MS = 146_097 * 86_400_000
_LAST_YEAR = 9999
_WRITTEN = 200
_MANY = 207
_Entries: TypeAlias = Sequence[tuple[str, RecordRequest | ApiError]]
"""The records of a batch with their ids, or why one cannot be written."""
_encoder = msgspec.json.Encoder()
_raw_entries = msgspec.json.Decoder(dict[str, msgspec.Raw | list[dict[str, msgspec.Raw] | None]])


async def produce_stream(request: web.Request) -> web.StreamResponse:
    """POST .../records: Produce a stream of records; each has one result, in order."""
    refuse_key(request, "a stream has no end at which all its records are written. Use records:batch.")
    _check_media_types(request)
    pieces = BodyPieces(request)
    response = web.StreamResponse(headers={"Content-Type": media_types.JSON})
    if is_chunked(request):
        response.force_close()
    await response.prepare(request)
    admission = Admission(request)
    incoming = _Incoming(request.client_max_size, proxy(request).settings.max_nesting)
    while not incoming.is_over:
        requests = await incoming.read(pieces)
        try:
            await admission.renew()
        except ApiError as error:
            incoming.is_over, requests = True, [error]
        rights = find_subject_rights(request)
        results = await management(request).producing.produce(topic(request), requests, rights, find_reading(request))
        _count(request, results)
        if results:
            await response.write(b"".join(_encoder.encode(_render(request, result)) + b"\n" for result in results))
    await response.write_eof()
    return response


async def produce_batch(request: web.Request) -> web.Response:
    """POST .../records:batch: Produce a few records, each with an id; 207 with their results."""
    content_type = request.headers.get("Content-Type")
    if content_type is None or media_types.essence(content_type) != media_types.JSON:
        raise proxy_errors.unsupported_media_type(content_type, (media_types.JSON,))
    key = read_key(request)
    entries = _parse_entries(await read_body(request), proxy(request).settings.max_batch_entries)
    if key is not None:
        return await _produce_batch_once(request, key, entries)
    rights, producing = find_subject_rights(request), management(request).producing
    if flag(request, "atomic"):
        results = await producing.produce_together(topic(request), entries, rights, find_reading(request))
    else:
        wanted = [record for _, record in entries]
        results = await producing.produce(topic(request), wanted, rights, find_reading(request))
    _count(request, results)
    return answer(request, _render_batch(request, entries, results), _MANY)


async def _produce_batch_once(request: web.Request, key: str, entries: _Entries) -> web.Response:
    """Write the records of the batch together, unless a request with the key has done so."""
    media_type = responses.negotiate_media_type(request, (media_types.JSON,))
    encoded: list[EncodedBatch] = []

    async def encode() -> Sequence[OutgoingRecord]:
        producing, rights = management(request).producing, find_subject_rights(request)
        encoded.append(await producing.encode_together(topic(request), entries, rights, find_reading(request)))
        return encoded[-1].records

    def render(deliveries: Sequence[Delivery]) -> EncodedResponse:
        results = _render_batch(request, entries, encoded[-1].report(deliveries))
        return EncodedResponse(_MANY, media_type, _encoder.encode(results))

    return await produce_once(request, key, encode, render)


def _render_batch(request: web.Request, entries: _Entries, results: Sequence[Result]) -> dict[str, list[Any]]:
    results_by_outcome: dict[str, list[Any]] = {"successes": [], "failures": []}
    for (name, _), result in zip(entries, results, strict=True):
        rendered = _render(request, result)
        rendered.id = name
        if isinstance(rendered, ProduceSuccess):
            rendered.error_code = None
            results_by_outcome["successes"].append(rendered)
        else:
            results_by_outcome["failures"].append(rendered)
    return results_by_outcome


def _count(request: web.Request, results: Sequence[Result]) -> None:
    """Count the records that were written for the caller."""
    find_usage(request).produced += sum([isinstance(result, WrittenRecord) for result in results])


class _Incoming:
    """Turns the bytes of a stream into records."""

    def __init__(self, max_bytes: int, max_depth: int) -> None:
        self._recoder = bodies.Recoder()
        self._splitter = JsonSplitter(max_bytes=max_bytes, max_depth=max_depth)
        self.is_over = False
        """Whether reading stops: the stream has ended, or its rest cannot be split into records."""

    async def read(self, pieces: BodyPieces) -> list[RecordRequest | ApiError]:
        """Return the records that are complete with the next piece of the body, or the error that ends the stream."""
        try:
            chunk = await pieces.read()
        except ApiError as error:
            self.is_over = True
            return [errors.broken_stream(error.message)]
        return self.feed(chunk) if chunk else self.end()

    def feed(self, chunk: bytes) -> list[RecordRequest | ApiError]:
        """Return the records that are complete with this chunk."""
        requests: list[RecordRequest | ApiError] = []
        try:
            for text in self._splitter.feed(self._recoder.recode(chunk)):
                self._add(text, requests)
                if self.is_over:
                    break
        except (StreamError, UnicodeDecodeError) as error:
            self.is_over = True
            requests.append(errors.broken_stream(str(error)))
        return requests

    def end(self) -> list[RecordRequest | ApiError]:
        """Return what is left after the last chunk."""
        self.is_over = True
        requests: list[RecordRequest | ApiError] = []
        text = self._splitter.end()
        if text is not None:
            self._add(text, requests)
        return requests

    def _add(self, text: bytes, requests: list[RecordRequest | ApiError]) -> None:
        try:
            requests.append(parse(text))
        except MalformedJsonError as error:
            self.is_over = True
            requests += [error, error.ending] if error.has_two_faults else [error.ending]


def _check_media_types(request: web.Request) -> None:
    responses.negotiate_media_type(request, (media_types.JSON,))
    content_type = request.headers.get("Content-Type")
    if content_type is None:
        raise errors.malformed_request("The request has no Content-Type; expected application/json")
    if media_types.essence(content_type) != media_types.JSON:
        raise proxy_errors.unsupported_media_type(content_type, (media_types.JSON,))


def _parse_entries(text: bytes, at_most: int) -> _Entries:
    """Return the records of the batch with their ids; raise ApiError if the whole batch is invalid."""
    text = bodies.recode_as_utf8(text)
    value = bodies.decode(text)
    if value is None:
        raise errors.no_body()
    json_object = JsonObject.of(value, "ProduceBatchRequest")
    check_fields(json_object, ("entries",))
    listed = json_object.objects("entries", "ProduceBatchRequestEntry")
    if not listed:
        raise errors.invalid_batch("Empty batch: expected entries, a list of records, each with an id.")
    if len(listed) > at_most:
        raise errors.invalid_batch(f"Too many entries in batch: {len(listed)}, maximum is {at_most}.")
    raws = [raw for raw in _raw_entries.decode(text)["entries"] if isinstance(raw, dict)]
    names = [_name(entry) for entry in listed]
    if len(set(names)) < len(names):
        raise errors.invalid_batch("Batch entry IDs are not distinct.")
    return [(name, _entry(entry, raw)) for name, entry, raw in zip(names, listed, raws, strict=True)]


def _name(json_object: JsonObject) -> str:
    name = json_object.raw("id")
    if name is None:
        raise errors.missing_field("id", "each of the entries")
    if not isinstance(name, str) or not _ID.fullmatch(name):
        raise errors.invalid_batch(
            f"Batch entry identifier {str(name)[:_CITED]!r} is not a valid string: expected 1 to 80 letters, digits,"
            " hyphens and underscores."
        )
    return name


def _entry(json_object: JsonObject, raw: dict[str, msgspec.Raw]) -> RecordRequest | ApiError:
    try:
        return record_from_object({name: json_object.raw(name) for name in json_object if name != "id"}, raw)
    except ApiError as error:
        return error


def _render(request: web.Request, result: Result) -> ProduceSuccess | ProduceFailure:
    if not isinstance(result, WrittenRecord):
        return ProduceFailure(error_code=result.code, message=result.message)
    delivery = result.delivery
    return ProduceSuccess(
        cluster_id=cluster(request),
        topic_name=topic(request),
        partition_id=delivery.partition,
        offset=delivery.offset,
        timestamp=format_time(delivery.timestamp),
        error_code=_WRITTEN,
        key=render_part(result.key),
        value=render_part(result.value),
    )


def format_time(milliseconds: int) -> str:
    """Render a point in time as ISO 8601 in UTC; years beyond 9999, which records may have, with a sign."""
    cycles, rest = divmod(milliseconds, _CYCLE_MS)
    instant = _EPOCH + timedelta(milliseconds=rest)
    year = instant.year + _CYCLE_YEARS * cycles
    spelled = f"{year:04}" if 0 <= year <= _LAST_YEAR else f"{year:+05}"
    return f"{spelled}{instant.isoformat(timespec='milliseconds')[4:]}Z"


def render_part(written: WrittenData | None) -> ProducedPart | None:
    """Return how a response describes a key or value; None for an absent one."""
    if written is None:
        return None
    return ProducedPart(
        type=written.type,
        subject=written.subject,
        schema_id=written.schema_id,
        schema_version=written.schema_version,
        size=written.size,
    )


_TOPIC = "/v3/clusters/{cluster}/topics/{topic}"
ROUTES = (
    Route("POST", f"{_TOPIC}/records", produce_stream, ApiRole.DATA, PRODUCE, permission=on_topic(Operation.WRITE)),
    Route(
        "POST",
        f"{_TOPIC}/records:batch",
        produce_batch,
        ApiRole.DATA,
        PRODUCE_BATCH,
        permission=on_topic(Operation.WRITE),
    ),
)
