"""Producing to a topic or to one partition."""

import logging
from collections.abc import Callable, Mapping
from functools import partial
from http import HTTPStatus
from typing import Any, TypeVar

import msgspec
from aiohttp import web

from karapace_like.access.policy import Kind, Operation
from karapace_like.errors import NOT_JSON, ApiError
from karapace_like.proxy import errors
from karapace_like.proxy.encoding import ABSENT
from karapace_like.proxy.formats import EmbeddedFormat, Role
from karapace_like.proxy.produce import (
    ProducedHeader,
    ProducedRecord,
    ProduceReport,
    ProduceRequest,
    Producing,
    RoutedRecord,
    RoutedRequest,
    SchemaIds,
)
from karapace_like.proxy.subjects import SubjectNameStrategy
from karapace_like.records import NO_OVERRIDES, Delivery, ProducerOverrides
from karapace_like.schema.model import Reference
from karapace_like.web import answers, bodies, media_types
from karapace_like.web.access import caller, require
from karapace_like.web.answers import Answer
from karapace_like.web.bodies import JsonObject
from karapace_like.web.errors import error_answer
from karapace_like.web.needs import Need, on_topic
from karapace_like.web.proxy.objects import OVERRIDES, PRODUCE, PRODUCE_ROUTED
from karapace_like.web.proxy.rendering import V2_OFFER
from karapace_like.web.proxy.requests import EMBEDDED, PROXY_OF_CALLER, check_fields, partition, proxy
from karapace_like.web.registry.requests import reference
from karapace_like.web.routing import Route
from karapace_like.web.shortcuts import SHORTCUT

logger = logging.getLogger(__name__)

_raw_fields = msgspec.json.Decoder(dict[str, msgspec.Raw])
_raw_records = msgspec.json.Decoder(list[dict[str, msgspec.Raw] | None])

Request = TypeVar("Request", ProduceRequest, RoutedRequest)

_METHODS = {
    EmbeddedFormat.BINARY: "produceBinary",
    EmbeddedFormat.JSON: "produceJson",
    EmbeddedFormat.AVRO: "produceAvro",
    EmbeddedFormat.JSONSCHEMA: "produceJsonSchema",
    EmbeddedFormat.PROTOBUF: "produceProtobuf",
    EmbeddedFormat.STRING: "produceString",
}
"""What the reference calls the request of each format in its errors; it has none for text."""


async def to_topic(request: web.Request) -> web.Response:
    """POST /topics/{topic}."""
    return await _produce(request, request.match_info["topic"], None)


async def to_partition(request: web.Request) -> web.Response:
    """POST /topics/{topic}/partitions/{partition}: where the records go that name no partition themselves."""
    at = partition(request)
    return await _produce(request, at.topic, at.partition)


async def to_topics(request: web.Request) -> web.Response:
    """POST /records: each record names its topic."""
    asked = _asked(request, None, None)
    wanted = _parsed(await request.read(), f"{_METHODS[asked.embedded]}.request", RoutedRequest)
    require(request, Operation.WRITE, Kind.TOPIC, {each.topic for each in wanted.records})
    return (await _written_to_topics(asked, wanted)).response()


async def _produce(request: web.Request, topic: str, to: int | None) -> web.Response:
    asked = _asked(request, topic, to)
    answer = await _written(asked, await request.read())
    # Else each write has a line in the audit log, or what the caller may do is looked up anew.
    if caller(request) is None and PROXY_OF_CALLER not in request:
        request[SHORTCUT] = partial(_answered, asked)
    return answer.response()


class _Asked(msgspec.Struct, frozen=True):
    """All that a request says before its body."""

    producing: Producing
    path: str
    topic: str
    to: int | None
    embedded: EmbeddedFormat
    formats: Mapping[Role, EmbeddedFormat]
    overrides: ProducerOverrides
    is_strict: bool
    media_type: str


def _asked(request: web.Request, topic: str | None, to: int | None) -> _Asked:
    media_type = answers.media_type(request, V2_OFFER)  # nothing is written for a client that could not read the answer
    embedded = _embedded(request)
    return _Asked(
        proxy(request).producing, request.path, topic or "", to, embedded, _formats(request, embedded),
        _overrides(request), _is_strict(request), media_type,
    )  # fmt: skip


async def _answered(asked: _Asked, body: bytes) -> Answer:
    """The answer to another request with the same head; failures are answers, too."""
    try:
        return await _written(asked, body)
    except ApiError as error:
        return error_answer(asked.path, error)
    except Exception:
        logger.exception("Unexpected failure of POST %s", asked.path)
        return error_answer(asked.path, ApiError(500, "Internal Server Error"))


async def _written(asked: _Asked, body: bytes) -> Answer:
    wanted = _parsed(body, f"{_METHODS[asked.embedded]}.request", ProduceRequest)
    report = await asked.producing.produce(asked.topic, asked.to, asked.formats, wanted, asked.overrides)
    ids = report.schema_ids[asked.topic]
    return _answer(asked, report, _Produced(list(map(_offset, report.deliveries)), ids.key, ids.value))


async def _written_to_topics(asked: _Asked, wanted: RoutedRequest) -> Answer:
    report = await asked.producing.produce_routed(asked.formats, wanted, asked.overrides)
    offsets = [
        _routed_delivery(topic, delivery, report.schema_ids[topic])
        for topic, delivery in zip(report.topics, report.deliveries, strict=True)
    ]
    return _answer(asked, report, {"offsets": offsets})


def _embedded(request: web.Request) -> EmbeddedFormat:
    """The format that the Content-Type names; binary if there is none, 415 for any other."""
    content_type = request.headers.get("Content-Type")
    if content_type is None:
        return EmbeddedFormat.BINARY
    embedded = EMBEDDED.get(media_types.essence(content_type))
    if embedded is None:
        raise errors.unsupported_media_type()
    return embedded


def _formats(request: web.Request, embedded: EmbeddedFormat) -> Mapping[Role, EmbeddedFormat]:
    """What keys and values are written in if the body does not say: the query's formats, else the media type's."""
    return {role: _format(request.query.get(f"{role}_format")) or embedded for role in Role}


def _overrides(request: web.Request) -> ProducerOverrides:
    """What the query says of the producer; 422 for a value that no producer takes."""
    given = {name: request.query[name] for name in ProducerOverrides._fields if name in request.query}
    if not given:
        return NO_OVERRIDES
    for name, value in given.items():
        if not OVERRIDES[name].fullmatch(value):
            raise errors.violation(name, f"must match {OVERRIDES[name].pattern}", value)
    timeout = given.pop("delivery_timeout_ms", None)
    return ProducerOverrides(**given, delivery_timeout_ms=None if timeout is None else int(timeout))


def _format(spelled: str | None) -> EmbeddedFormat | None:
    if spelled is None:
        return None
    try:
        return EmbeddedFormat(spelled.lower())
    except ValueError as error:
        raise errors.invalid_format() from error


def _parsed(text: bytes, place: str, wanted: type[Request]) -> Request:
    """The request; 400 for malformed JSON and wrong types, 422 for what is missing or must not be."""
    try:
        parsed = msgspec.json.decode(text, type=wanted)
    except NOT_JSON:
        parsed = _leniently(text, place, wanted)
    if not parsed.records:
        raise errors.violation(f"{place}.records", "must not be empty", "[]")
    return parsed


def _leniently(text: bytes, place: str, wanted: type[Request]) -> Request:
    """The request, its scalars converted as the reference does it; a slower way that knows why it fails."""
    value = bodies.decoded(text)
    if value is None:
        raise errors.violation(place, "must not be null", "null")
    found = JsonObject.of(value, "ProduceRequest")
    check_fields(found, wanted.__struct_fields__)
    listed = found.objects("records", "ProduceRecord") or []
    raws = _raw_records.decode(_raw_fields.decode(text)["records"]) if found.raw("records") else []
    if None in raws:
        raise errors.violation(f"{place}.records[{raws.index(None)}]", "must not be null", "null")
    read = _RECORDS[wanted]
    return wanted(
        records=tuple(
            read(each, raw, f"{place}.records[{at}]")
            for at, (each, raw) in enumerate(zip(listed, raws, strict=True))
            if raw is not None
        ),
        **_writing(found, Role.KEY),
        **_writing(found, Role.VALUE),
    )


def _writing(found: JsonObject, role: Role) -> dict[str, Any]:
    """The fields that say how the keys, or the values, are written."""
    return {
        f"{role}_format": _format(found.string(f"{role}_format")),
        f"{role}_schema": found.string(f"{role}_schema"),
        f"{role}_schema_id": found.integer(f"{role}_schema_id"),
        f"{role}_references": _references(found, f"{role}_references"),
        f"{role}_subject": found.string(f"{role}_subject"),
        f"{role}_subject_name_strategy": _strategy(found, f"{role}_subject_name_strategy"),
    }


def _references(found: JsonObject, field: str) -> tuple[Reference, ...]:
    return tuple(map(reference, found.objects(field, "SchemaReference") or ()))


def _strategy(found: JsonObject, field: str) -> SubjectNameStrategy | None:
    spelled = found.string(field)
    if spelled is None:
        return None
    try:
        return SubjectNameStrategy(spelled.upper())
    except ValueError as error:
        raise errors.violation(field, f"must be one of {', '.join(SubjectNameStrategy)}", spelled) from error


def _record(found: JsonObject, raw: dict[str, msgspec.Raw], place: str) -> ProducedRecord:
    check_fields(found, ProducedRecord.__struct_fields__)
    return ProducedRecord(**_record_fields(found, raw, place))


def _routed_record(found: JsonObject, raw: dict[str, msgspec.Raw], place: str) -> RoutedRecord:
    check_fields(found, RoutedRecord.__struct_fields__)
    topic = found.string("topic")
    if topic is None:
        raise errors.violation(f"{place}.topic", "must not be null", "null")
    return RoutedRecord(topic=topic, **_record_fields(found, raw, place))


_RECORDS: Mapping[type[ProduceRequest], Callable[[JsonObject, dict[str, msgspec.Raw], str], Any]] = {
    ProduceRequest: _record,
    RoutedRequest: _routed_record,
}
"""How each kind of request has its records read."""


def _record_fields(found: JsonObject, raw: dict[str, msgspec.Raw], place: str) -> dict[str, Any]:
    to = found.integer("partition")
    if to is not None and to < 0:
        raise errors.violation(f"{place}.partition", "must be greater than or equal to 0", str(to))
    headers = found.objects("headers", "Header")
    return {
        "key": raw.get("key", ABSENT),
        "value": raw.get("value", ABSENT),
        "partition": to,
        "headers": None if headers is None else tuple(_header(each, place) for each in headers),
    }


def _header(found: JsonObject, place: str) -> ProducedHeader:
    check_fields(found, ProducedHeader.__struct_fields__)
    key = found.string("key")
    if key is None:
        raise errors.violation(f"{place}.headers.key", "must not be null", "null")
    try:
        return msgspec.convert({"key": key, "value": found.string("value")}, ProducedHeader)
    except msgspec.ValidationError as error:
        raise errors.invalid_header_value() from error


def _answer(asked: _Asked, report: ProduceReport, value: object) -> Answer:
    """The report; 422 where a record failed and the client wants to hear of it by the status."""
    status = HTTPStatus.UNPROCESSABLE_ENTITY if asked.is_strict and report.is_partial else HTTPStatus.OK
    return Answer(status, asked.media_type, answers.encoded(value))


def _is_strict(request: web.Request) -> bool:
    return request.query.get("strict", request.headers.get("X-Strict", "")).lower() == "true"


class _Offset(msgspec.Struct, frozen=True, gc=False):
    """What became of one record."""

    partition: int | None = None
    offset: int | None = None
    error_code: int | None = None
    error: str | None = None


class _Produced(msgspec.Struct, frozen=True):
    """What became of a request's records."""

    offsets: list[_Offset]
    key_schema_id: int | None
    value_schema_id: int | None


def _offset(delivery: Delivery) -> _Offset:
    failure = delivery.failure
    if failure is None:
        return _Offset(delivery.partition, delivery.offset)
    return _Offset(error_code=errors.record_code(failure), error=failure.message)


def _routed_delivery(topic: str, delivery: Delivery, ids: SchemaIds) -> dict[str, Any]:
    return {
        "topic": topic,
        **msgspec.structs.asdict(_offset(delivery)),
        "key_schema_id": ids.key,
        "value_schema_id": ids.value,
    }


ROUTES = (
    Route("POST", "/topics/{topic}", to_topic, PRODUCE, needs=on_topic(Operation.WRITE)),
    Route("POST", "/topics/{topic}/partitions/{partition}", to_partition, PRODUCE, needs=on_topic(Operation.WRITE)),
    Route("POST", "/records", to_topics, PRODUCE_ROUTED, needs=Need((Operation.WRITE,))),
)
