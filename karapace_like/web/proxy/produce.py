"""Produce records to a topic, to one partition, or to several topics."""

import logging
from collections.abc import Callable, Collection, Mapping, Sequence
from functools import partial
from http import HTTPStatus
from typing import Any, TypeVar

import msgspec
from aiohttp import web

from karapace_like.access.policy import Operation
from karapace_like.errors import NOT_JSON, ApiError
from karapace_like.proxy import errors
from karapace_like.proxy.encoding import ABSENT
from karapace_like.proxy.formats import EmbeddedFormat, RecordPart
from karapace_like.proxy.produce import (
    ProducedHeader,
    ProducedRecord,
    ProduceOptions,
    ProduceRequest,
    Producing,
    TopicRecord,
    TopicsRequest,
)
from karapace_like.proxy.produce_report import EncodedRequest, ProduceReport, SchemaIds
from karapace_like.proxy.rights import ALL_SUBJECTS, SubjectRights
from karapace_like.proxy.subjects import SubjectNameStrategy
from karapace_like.records import NO_OVERRIDES, Delivery, OutgoingRecord, ProducerOverrides
from karapace_like.schema.model import Reference
from karapace_like.web.callers.access import ANYONE, caller
from karapace_like.web.callers.permissions import RequiredPermission, on_topic
from karapace_like.web.callers.usage import PrincipalUsage, find_usage
from karapace_like.web.http import bodies, media_types, responses
from karapace_like.web.http.api_roles import ApiRole
from karapace_like.web.http.bodies import JsonObject
from karapace_like.web.http.errors import encode_error
from karapace_like.web.http.request_bodies import read_body
from karapace_like.web.http.responses import EncodedResponse
from karapace_like.web.proxy.deliveries import respond_async, wants_async
from karapace_like.web.proxy.idempotency import check_size, produce_once, read_key
from karapace_like.web.proxy.internal import use_topics
from karapace_like.web.proxy.message_pack import parse_message_pack, require_binary
from karapace_like.web.proxy.objects import (
    OVERRIDES,
    PRODUCE,
    PRODUCE_ROUTED,
    ProduceResponse,
    RecordResult,
    TopicRecordResult,
    TopicsResponse,
)
from karapace_like.web.proxy.rendering import PRODUCE_OFFER
from karapace_like.web.proxy.requests import (
    EMBEDDED,
    PROXY_OF_CALLER,
    check_fields,
    find_reading,
    optional_format,
    partition,
    proxy,
    schema_text,
)
from karapace_like.web.proxy.subject_rights import find_subject_rights
from karapace_like.web.registry.requests import listed_references
from karapace_like.web.routing import Route
from karapace_like.web.server.caching import CACHING

logger = logging.getLogger(__name__)

_TAKEN = (*EMBEDDED, media_types.MESSAGE_PACK)
_raw_fields = msgspec.json.Decoder(dict[str, msgspec.Raw])
_raw_records = msgspec.json.Decoder(list[dict[str, msgspec.Raw] | None])

Request = TypeVar("Request", ProduceRequest, TopicsRequest)


async def produce_to_topic(request: web.Request) -> web.Response:
    """POST /topics/{topic}: Produce records to a topic."""
    return await _produce(request, request.match_info["topic"], None)


async def produce_to_partition(request: web.Request) -> web.Response:
    """POST /topics/{topic}/partitions/{partition}: Produce records to a partition, unless they name another one."""
    at = partition(request)
    return await _produce(request, at.topic, at.partition)


async def produce_to_topics(request: web.Request) -> web.Response:
    """POST /records: Produce records to several topics; each record names its topic."""
    head = parse_head(request)
    wanted = head.parse_body(await read_body(request), TopicsRequest)
    use_topics(request, Operation.WRITE, (record.topic for record in wanted.records))
    rights = find_subject_rights(request)
    if head.key is not None:
        topics = [record.topic for record in wanted.records]
        return await _write_once(request, head, head.key, topics, wanted)
    if wants_async(request):
        return await respond_async(request, head.media_type, partial(write_to_topics, head, wanted, rights))
    return (await write_to_topics(head, wanted, rights)).to_response()


async def _produce(request: web.Request, topic: str, to: int | None) -> web.Response:
    head = parse_head(request, topic, to)
    if head.key is not None:
        wanted = head.parse_body(await read_body(request), ProduceRequest)
        return await _write_once(request, head, head.key, [topic] * len(wanted.records), wanted)
    if wants_async(request):
        wanted, rights = head.parse_body(await read_body(request), ProduceRequest), find_subject_rights(request)
        return await respond_async(request, head.media_type, partial(_write_to_topic, head, wanted, rights))
    wanted = head.parse_body(await read_body(request), ProduceRequest)
    answer = await _write_to_topic(head, wanted, find_subject_rights(request))
    # Not for authenticated callers: each write needs its line in the audit log, and a check of permissions.
    is_decided = None not in head.options.formats.values()  # else a 415 has a header that the cache would leave out
    if is_decided and caller(request) is ANYONE and PROXY_OF_CALLER not in request:
        request[CACHING] = partial(_answer_same_head, head)
    return answer.to_response()


class ProduceHead(msgspec.Struct, frozen=True):
    """Everything that a request says before its body; the same head is parsed once (`server/response_cache.py`)."""

    producing: Producing
    path: str
    topic: str
    """Empty where each record names its topic."""
    options: ProduceOptions
    media_type: str
    """Of the response."""
    usage: PrincipalUsage
    """Where the records are counted."""
    key: str | None
    """The `Idempotency-Key`; with one, the request is atomic."""

    def parse_body(self, body: bytes, wanted: type[Request]) -> Request:
        """Return the request that the body has: 4xx for what is no such request in the notation of the media type."""
        if self.options.is_message_pack:
            return parse_message_pack(body, wanted, self.producing.check_count)
        return parse_body(body, wanted)


def parse_head(request: web.Request, topic: str = "", to: int | None = None) -> ProduceHead:
    """Return what path, query and headers say; without `topic`, each record names its own."""
    # First, so that no record is written for a client that does not accept the response.
    media_type = responses.negotiate_media_type(request, PRODUCE_OFFER)
    is_message_pack = media_types.is_message_pack(request.headers.get("Content-Type"))
    key = read_key(request)
    options = ProduceOptions(
        require_binary(request.query) if is_message_pack else _formats(request, _embedded_format(request, _TAKEN)),
        to,
        _overrides(request),
        key is not None or request.query.get("atomic", "").lower() == "true",
        _is_strict(request),
        find_reading(request),
        is_message_pack,
    )
    return ProduceHead(
        proxy(request).producing,
        request.path,
        topic,
        options,
        media_type,
        find_usage(request),
        key,
    )


async def _answer_same_head(head: ProduceHead, body: bytes) -> EncodedResponse:
    """Respond to another request with the same head, where every caller may do everything, also with an error."""
    try:
        return await _write_to_topic(head, head.parse_body(body, ProduceRequest), ALL_SUBJECTS)
    except ApiError as error:
        return encode_error(head.path, error)
    except Exception:
        logger.exception("Unexpected failure of POST %s", head.path)
        return encode_error(head.path, ApiError(500, "Internal Server Error"))


async def _write_to_topic(head: ProduceHead, wanted: ProduceRequest, rights: SubjectRights) -> EncodedResponse:
    report = await head.producing.produce(head.topic, wanted, head.options, rights)
    head.usage.produced += report.written_count
    return _answer(head, report)


async def write_to_topics(head: ProduceHead, wanted: TopicsRequest, rights: SubjectRights) -> EncodedResponse:
    """Write each record to the topic that it names, and return the response."""
    report = await head.producing.produce_to_topics(wanted, head.options, rights)
    head.usage.produced += report.written_count
    return _answer(head, report)


async def _write_once(
    request: web.Request, head: ProduceHead, key: str, topics: Sequence[str], wanted: ProduceRequest
) -> web.Response:
    """Write the records unless a request with the key has done so."""
    check_size(topics)
    encoded: list[EncodedRequest] = []

    async def encode() -> Sequence[OutgoingRecord]:
        rights = find_subject_rights(request)
        encoded.append(await head.producing.encode_together(topics, wanted, head.options, rights))
        return encoded[-1].records

    def render(deliveries: Sequence[Delivery]) -> EncodedResponse:
        return _answer(head, encoded[-1].report(deliveries))

    with head.producing.admit(len(topics), head.options):
        return await produce_once(request, key, encode, render)


def _embedded_format(request: web.Request, types: Collection[str] = EMBEDDED) -> EmbeddedFormat | None:
    """Return the format of the Content-Type, binary if there is none; 415, which lists `types`, for another one.

    None for `application/json`, which names no format.
    """
    content_type = request.headers.get("Content-Type")
    if content_type is None:
        return EmbeddedFormat.BINARY
    media_type = media_types.essence(content_type)
    embedded = EMBEDDED.get(media_type)
    if embedded is None and media_type != media_types.JSON:
        raise errors.unsupported_media_type(content_type, types)
    return embedded


def _formats(request: web.Request, embedded: EmbeddedFormat | None) -> Mapping[RecordPart, EmbeddedFormat | None]:
    """Return the formats for a body that names none: those of the query, else that of the media type, if any."""
    return {role: _query_format(request, role) or embedded for role in RecordPart}


def find_formats(request: web.Request) -> Mapping[RecordPart, EmbeddedFormat | None]:
    """Return the formats for a body that names none, as the query and the media type say; 415 for another type."""
    return _formats(request, _embedded_format(request))


def parse_produce_request(text: bytes) -> ProduceRequest:
    """Return a request to produce records to one topic; raise ApiError as produce does."""
    return parse_body(text, ProduceRequest)


def _overrides(request: web.Request) -> ProducerOverrides:
    """Return the producer settings of the query; 422 for an invalid value."""
    chosen = {name: request.query[name] for name in ProducerOverrides._fields if name in request.query}
    if not chosen:
        return NO_OVERRIDES
    for name, value in chosen.items():
        if not OVERRIDES[name].fullmatch(value):
            raise errors.violation(name, f"must match {OVERRIDES[name].pattern}", value)
    timeout = chosen.pop("delivery_timeout_ms", None)
    return ProducerOverrides(**chosen, delivery_timeout_ms=None if timeout is None else int(timeout))


def _query_format(request: web.Request, role: RecordPart) -> EmbeddedFormat | None:
    field = f"{role}_format"
    return optional_format(field, request.query.get(field))


def parse_body(text: bytes, wanted: type[Request]) -> Request:
    """Parse the body; 400 for malformed JSON and wrong types, 422 for missing, unknown or invalid fields."""
    try:
        parsed = msgspec.json.decode(text, type=wanted)
    except NOT_JSON:
        parsed = _parse_leniently(bodies.recode_as_utf8(text), wanted)
    if not parsed.records:
        raise errors.records_missing(_EXAMPLES[wanted])
    return parsed


def _parse_leniently(text: bytes, wanted: type[Request]) -> Request:
    """Parse the body slowly: convert scalars as Confluent REST Proxy does, or raise the error that explains it."""
    value = bodies.decode(text)
    if value is None:
        raise errors.body_missing(("records",))
    json_object = JsonObject.of(value, "ProduceRequest")
    check_fields(json_object, wanted.__struct_fields__)
    listed = json_object.objects("records", "ProduceRecord") or []
    raws = _raw_records.decode(_raw_fields.decode(text)["records"]) if json_object.raw("records") else []
    if None in raws:
        raise errors.violation(f"records[{raws.index(None)}]", "must not be null", "null")
    read = _RECORDS[wanted]
    return wanted(
        records=tuple(
            read(record, raw, f"records[{at}]")
            for at, (record, raw) in enumerate(zip(listed, raws, strict=True))
            if raw is not None
        ),
        **_encoding_fields(json_object, RecordPart.KEY),
        **_encoding_fields(json_object, RecordPart.VALUE),
    )


def _encoding_fields(json_object: JsonObject, role: RecordPart) -> dict[str, Any]:
    """Return the fields that describe the encoding of the keys, or of the values."""
    return {
        f"{role}_format": optional_format(f"{role}_format", json_object.string(f"{role}_format")),
        f"{role}_schema": schema_text(json_object, f"{role}_schema"),
        f"{role}_schema_id": json_object.integer(f"{role}_schema_id"),
        f"{role}_references": _references(json_object, f"{role}_references"),
        f"{role}_subject": json_object.string(f"{role}_subject"),
        f"{role}_subject_name_strategy": _strategy(json_object, f"{role}_subject_name_strategy"),
    }


def _references(json_object: JsonObject, field: str) -> tuple[Reference, ...]:
    listed = listed_references(json_object, field)
    for place, reference in enumerate(listed):
        if isinstance(reference, str):
            raise errors.violation(f"{field}[{place}]", reference, bodies.show(json_object.raw(field)[place]))
    return tuple(reference for reference in listed if isinstance(reference, Reference))


def _strategy(json_object: JsonObject, field: str) -> SubjectNameStrategy | None:
    spelled = json_object.string(field)
    if spelled is None:
        return None
    try:
        return SubjectNameStrategy(spelled.upper())
    except ValueError as error:
        raise errors.violation(field, f"must be one of {', '.join(SubjectNameStrategy)}", spelled) from error


def _record(json_object: JsonObject, raw: dict[str, msgspec.Raw], place: str) -> ProducedRecord:
    check_fields(json_object, ProducedRecord.__struct_fields__)
    return ProducedRecord(**_record_fields(json_object, raw, place))


def _parse_routed_record(json_object: JsonObject, raw: dict[str, msgspec.Raw], place: str) -> TopicRecord:
    check_fields(json_object, TopicRecord.__struct_fields__)
    topic = json_object.string("topic")
    if topic is None:
        raise errors.violation(f"{place}.topic", "must not be null", "null")
    return TopicRecord(topic=topic, **_record_fields(json_object, raw, place))


_RECORDS: Mapping[type[ProduceRequest], Callable[[JsonObject, dict[str, msgspec.Raw], str], Any]] = {
    ProduceRequest: _record,
    TopicsRequest: _parse_routed_record,
}
"""How the records of each kind of request are parsed."""
_EXAMPLES: Mapping[type[ProduceRequest], str] = {
    ProduceRequest: '{"records": [{"value": 1}]}',
    TopicsRequest: '{"records": [{"topic": "orders", "value": 1}]}',
}


def _record_fields(json_object: JsonObject, raw: dict[str, msgspec.Raw], place: str) -> dict[str, Any]:
    to = json_object.integer("partition")
    if to is not None and to < 0:
        raise errors.violation(f"{place}.partition", "must be greater than or equal to 0", str(to))
    headers = json_object.objects("headers", "Header")
    return {
        "key": raw.get("key", ABSENT),
        "value": raw.get("value", ABSENT),
        "partition": to,
        "headers": None if headers is None else tuple(_header(header, place) for header in headers),
    }


def _header(json_object: JsonObject, place: str) -> ProducedHeader:
    check_fields(json_object, ProducedHeader.__struct_fields__)
    key = json_object.string("key")
    if key is None:
        raise errors.violation(f"{place}.headers.key", "must not be null", "null")
    try:
        return msgspec.convert({"key": key, "value": json_object.string("value")}, ProducedHeader)
    except msgspec.ValidationError as error:
        raise errors.invalid_header_value(key) from error


def _answer(head: ProduceHead, report: ProduceReport) -> EncodedResponse:
    """Respond with the report; 422 if a record failed and the request is strict."""
    status = HTTPStatus.UNPROCESSABLE_ENTITY if head.options.is_strict and report.is_partial else HTTPStatus.OK
    return EncodedResponse(status, head.media_type, responses.encode(_render_report(head, report)))


def _render_report(head: ProduceHead, report: ProduceReport) -> ProduceResponse | TopicsResponse:
    results = render_results(report, is_strict=head.options.is_strict)
    if head.topic:
        ids = report.schema_ids[head.topic]
        return ProduceResponse(results, ids.key, ids.value)
    return TopicsResponse(
        [
            _render_topic_result(topic, result, report.schema_ids[topic])
            for topic, result in zip(report.topics, results, strict=True)
        ]
    )


def _is_strict(request: web.Request) -> bool:
    return request.query.get("strict", request.headers.get("X-Strict", "")).lower() == "true"


def render_results(report: ProduceReport, *, is_strict: bool = False) -> list[RecordResult]:
    """Return the result of each record as responses have it."""
    if is_strict:
        results = list(map(_render_certain_result, report.deliveries))
    else:  # most were written, and a call for each would double the cost
        results = [
            RecordResult(delivery.partition, delivery.offset) if delivery.failure is None else _render_result(delivery)
            for delivery in report.deliveries
        ]
    for at, error in report.refusals.items():
        results[at] = RecordResult(error_code=error.code, error=error.message)
    return results


def _render_result(delivery: Delivery) -> RecordResult:
    failure = delivery.failure
    if failure is None:
        return RecordResult(delivery.partition, delivery.offset)
    return RecordResult(error_code=errors.record_code(failure), error=failure.message)


def _render_certain_result(delivery: Delivery) -> RecordResult:
    """Return the result of a strict request, whose code says where a record may be written all the same."""
    failure = delivery.failure
    if failure is None or not errors.may_be_written(failure):
        return _render_result(delivery)
    return RecordResult(error_code=errors.UNKNOWN_OUTCOME, error=failure.message)


def _render_topic_result(topic: str, result: RecordResult, ids: SchemaIds) -> TopicRecordResult:
    return TopicRecordResult(
        topic, result.partition, result.offset, result.error_code, result.error, ids.key, ids.value
    )


ROUTES = (
    Route("POST", "/topics/{topic}", produce_to_topic, ApiRole.DATA, PRODUCE, permission=on_topic(Operation.WRITE)),
    Route(
        "POST",
        "/topics/{topic}/partitions/{partition}",
        produce_to_partition,
        ApiRole.DATA,
        PRODUCE,
        permission=on_topic(Operation.WRITE),
    ),
    Route(
        "POST",
        "/records",
        produce_to_topics,
        ApiRole.DATA,
        PRODUCE_ROUTED,
        permission=RequiredPermission((Operation.WRITE,)),
    ),
)
