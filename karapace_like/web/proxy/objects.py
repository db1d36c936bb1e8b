"""The bodies and parameters of REST v2 as JSON Schema, for `/openapi.json`.

Source: Confluent REST Proxy API v2. The type of keys and values depends on the media type of the body.
"""

import re
from typing import Annotated, Any

import msgspec

from karapace_like.proxy.decode import Recognised
from karapace_like.proxy.formats import AUTO, EmbeddedFormat, RecordPart
from karapace_like.proxy.produce import ProducedRecord, ProduceRequest, TopicRecord, TopicsRequest
from karapace_like.proxy.settings import OffsetReset, Undecodable
from karapace_like.records import Isolation
from karapace_like.serde.codec import RecordForm
from karapace_like.web.http import media_types
from karapace_like.web.http.json_schemas import (
    ANYTHING,
    BOOLEAN,
    MILLISECONDS,
    NUMBER,
    OFFSET,
    Int32,
    Int64,
    JsonSchema,
    array,
    derive,
    derive_request,
    fields,
    mapping,
    nullable,
    one_of,
    ref,
    require_fields,
    text,
    whole,
    with_example,
)
from karapace_like.web.proxy.requests import EMBEDDED
from karapace_like.web.routing import Call, Parameter

_TYPES = (*EMBEDDED, media_types.JSON)
"""Of bodies with records. MessagePack is left out: generators of clients, openapi-python-client for one, give a call up
that has a body of a type which they do not know."""

# The order of the fields is the wire's: that of Confluent REST Proxy.


class RecordResult(msgspec.Struct, frozen=True, gc=False):
    """The result of one record."""

    partition: Int32 | None = None
    offset: Int64 | None = None
    error_code: Int32 | None = None
    error: str | None = None


class ProduceResponse(msgspec.Struct, frozen=True):
    """The results of the records of a request."""

    offsets: list[RecordResult]
    key_schema_id: Int32 | None
    value_schema_id: Int32 | None


class TopicRecordResult(msgspec.Struct, frozen=True, gc=False):
    """The result of one record of a request to several topics."""

    topic: str
    partition: Int32 | None
    offset: Int64 | None
    error_code: Int32 | None
    error: str | None
    key_schema_id: Int32 | None
    value_schema_id: Int32 | None


class TopicsResponse(msgspec.Struct, frozen=True):
    """The results of the records of a request to several topics."""

    offsets: list[TopicRecordResult]


class PolledHeader(msgspec.Struct, gc=False):
    """One header of a record; bytes are base64 in JSON."""

    key: str
    value: bytes | None


class PolledRecord(msgspec.Struct, omit_defaults=True, gc=False):
    """One record of a response; from `timestamp` on, absent values are left out."""

    topic: str
    key: Any
    """`Decoded`, or None. (msgspec describes no union of strings, bytes and raw JSON.)"""
    value: Any
    """As `key`."""
    partition: Int32
    offset: Int64
    timestamp: Annotated[int, msgspec.Meta(extra_json_schema=MILLISECONDS)] | None = None
    headers: tuple[PolledHeader, ...] = ()
    error_code: Int32 | None = None
    message: str | None = None
    key_format: Recognised | None = None
    value_format: Recognised | None = None


_READ_FORMAT = one_of([*EmbeddedFormat, AUTO])
_READER_VERSION = text("latest")
_READER_METADATA = text("major=2")
ISOLATION = Parameter("isolation", one_of(Isolation), "Records of transactions: committed ones only, unless all.")
READERS = (
    Parameter("reader_version", _READER_VERSION, "Read values as this version of the topic's subject, or `latest`."),
    Parameter("reader_metadata", _READER_METADATA, "Read values as the latest version that has these properties."),
)
_SHOW_FORMAT = Parameter("show_format", BOOLEAN, "Name what keys and values were recognised as, with `format=auto`.")
_TOPIC = text("lifts")
_PARTITION_NUMBER = with_example(NUMBER, 0)
_AT = {"topic": _TOPIC, "partition": _PARTITION_NUMBER}
_PARTITIONS = whole(partitions=array(whole(**_AT)))
_FORMAT = one_of(EmbeddedFormat)
_UNDECODABLE = one_of(Undecodable)

OVERRIDES = {
    "acks": re.compile("all|-1|0|1"),
    "compression": re.compile("none|gzip|snappy|lz4|zstd"),
    "partitioner": re.compile("random|consistent|consistent_random|murmur2|murmur2_random|fnv1a|fnv1a_random"),
    "delivery_timeout_ms": re.compile("[1-9][0-9]{0,5}"),
}
"""Name -> values of the producer settings that a request may set, if the operator allows it."""
_OVERRIDE_EXAMPLES = {"acks": "all", "compression": "lz4", "partitioner": "murmur2", "delivery_timeout_ms": "5000"}
LENIENT_JSON = Parameter("lenient_json", BOOLEAN, "In JSON for Avro, fields that have a default may be absent.")
IDEMPOTENCY_KEY = Parameter(
    "Idempotency-Key",
    {**text("0197a9b2-6c1e-7c3a-9f0e-2d5b8c7a1e4f"), "pattern": "^[!-~][ -~]{0,254}$"},
    "Write the records once, all or none, however often the request is repeated with this key.",
)
ATOMIC = Parameter("atomic", BOOLEAN, "Write all records in one transaction of Kafka, or none.")
_PRODUCE_QUERY = (
    *(
        Parameter(
            name,
            {**text(_OVERRIDE_EXAMPLES[name]), "pattern": f"^({values.pattern})$"},
            "Setting of the producer; only if `producer_overrides_allowed` lists it.",
        )
        for name, values in OVERRIDES.items()
    ),
    Parameter("key_format", _FORMAT, "Format of the keys, if the body has no `key_format`."),
    Parameter("value_format", _FORMAT, "Format of the values, if the body has no `value_format`."),
    LENIENT_JSON,
    ATOMIC,
    Parameter("strict", BOOLEAN, "Respond 422 if a record failed; also the header `X-Strict`."),
)
REQUEST_ANNOTATIONS = {
    **{
        f"{role}_{name}": annotation
        for role in RecordPart
        for name, annotation in {
            "schema": text('{"type":"record","name":"Lift","fields":[{"name":"floor","type":"int"}]}'),
            "schema_id": NUMBER,
            "references.name": text("house.Floor"),
            "references.subject": text("floors"),
            "references.version": NUMBER,
            "subject": text("lifts-value"),
        }.items()
    },
    "records": {"items": ref("ProducedRecord")},
}
_RECORD_ANNOTATIONS = {
    "topic": _TOPIC,
    "headers.key": text("trace"),
    "headers.value": {"type": ["string", "null"]},
}
_FORMATS = {"key_format": "string", "value_format": "json"}
"""Formats that make the examples valid for every media type."""
_SENT = {"key": "north", "value": {"floor": 3}}
_DELIVERED = {"partition": 0, "offset": 42, "error_code": None, "error": None}
_SCHEMA_IDS = {"key_schema_id": None, "value_schema_id": 1}
OBJECTS: dict[str, JsonSchema] = {
    "ProducedRecord": derive_request(ProducedRecord, _RECORD_ANNOTATIONS),
    "ProduceRequest": with_example(
        derive_request(ProduceRequest, REQUEST_ANNOTATIONS), {**_FORMATS, "records": [_SENT]}
    ),
    "ProduceResponse": with_example(derive(ProduceResponse), {"offsets": [_DELIVERED], **_SCHEMA_IDS}),
    "ProducedTopicRecord": derive_request(TopicRecord, _RECORD_ANNOTATIONS),
    "ProduceTopicsRequest": with_example(
        derive_request(TopicsRequest, {**REQUEST_ANNOTATIONS, "records": {"items": ref("ProducedTopicRecord")}}),
        {**_FORMATS, "records": [{"topic": "lifts", **_SENT}]},
    ),
    "ProduceTopicsResponse": with_example(
        derive(TopicsResponse), {"offsets": [{"topic": "lifts", **_DELIVERED, **_SCHEMA_IDS}]}
    ),
    "AcceptedDelivery": whole(delivery=nullable(text("/deliveries/1f2e3d4c.0-0a1b2c3d4e5f60718293a4b5"))),
    "PolledRecord": with_example(derive(PolledRecord), {"topic": "lifts", **_SENT, "partition": 0, "offset": 42}),
}
"""The objects that several media types or calls share: a generated client has one type for each."""
PREFER = Parameter(
    "Prefer",
    text("respond-async"),
    "`respond-async`: respond 202, and carry the request out afterwards; with `return=minimal`, nothing can be asked.",
)
DELIVERY = Call(
    response={
        "anyOf": [
            ref("ProduceResponse"),
            ref("ProduceTopicsResponse"),
        ]
    },
    response_types=(media_types.KAFKA_V2, media_types.JSON),
    accepted=ref("AcceptedDelivery"),
)
PRODUCE = Call(
    query=_PRODUCE_QUERY,
    body=ref("ProduceRequest"),
    response=ref("ProduceResponse"),
    request_types=_TYPES,
    response_types=(media_types.KAFKA_V2, media_types.JSON),
    headers=(IDEMPOTENCY_KEY, PREFER),
    accepted=ref("AcceptedDelivery"),
)
PRODUCE_ROUTED = Call(
    query=_PRODUCE_QUERY,
    body=ref("ProduceTopicsRequest"),
    response=ref("ProduceTopicsResponse"),
    request_types=_TYPES,
    response_types=(media_types.KAFKA_V2, media_types.JSON),
    headers=(IDEMPOTENCY_KEY, PREFER),
    accepted=ref("AcceptedDelivery"),
)

_BROKER = with_example(NUMBER, 1)
_PARTITION = whole(
    partition=_PARTITION_NUMBER,
    leader=_BROKER,
    replicas=array(whole(broker=_BROKER, leader=BOOLEAN, in_sync=BOOLEAN)),
)
BROKERS = Call(response=whole(brokers=array(_BROKER)))
TOPICS = Call(response=array(_TOPIC))
ONE_TOPIC = Call(
    response=whole(
        name=_TOPIC,
        configs=with_example(mapping(nullable(text(""))), {"retention.ms": "604800000"}),
        partitions=array(_PARTITION),
    )
)
PARTITIONS = Call(response=array(_PARTITION))
ONE_PARTITION = Call(response=_PARTITION)
BOUNDS = Call(response=whole(beginning_offset=with_example(OFFSET, 0), end_offset=OFFSET))

NOTHING = Call(status=204)
CREATE_CONSUMER = Call(
    body=with_example(
        fields(
            name=text("reader-1"),
            format=_READ_FORMAT,
            key__format=_READ_FORMAT,
            value__format=_READ_FORMAT,
            auto__offset__reset=one_of(OffsetReset),
            auto__commit__enable=one_of(["true", "false"]),
            fetch__min__bytes=NUMBER,
            consumer__request__timeout__ms=NUMBER,
            undecodable=_UNDECODABLE,
            record__form=one_of(RecordForm),
            isolation__level=one_of(Isolation),
            reader__version=_READER_VERSION,
            reader__metadata=_READER_METADATA,
        ),
        {"name": "reader-1", "format": "json", "auto.offset.reset": "earliest"},
    ),
    response=whole(
        instance_id=text("reader-1"),
        base_uri=text("http://127.0.0.1:8082/consumers/lift-readers/instances/reader-1"),
    ),
)
SUBSCRIBE = Call(
    body=with_example(fields(topics=array(_TOPIC), topic_pattern=text("lift.*")), {"topics": ["lifts"]}), status=204
)
SUBSCRIPTION = Call(response=whole(topics=array(_TOPIC)))
ASSIGN = Call(body=_PARTITIONS, status=204)
ASSIGNMENTS = Call(response=_PARTITIONS)
SEEK_ALL = Call(body=_PARTITIONS, status=204)
_OFFSETS = array(require_fields(fields(**_AT, offset=OFFSET, metadata=text("")), "topic", "partition", "offset"))
COMMIT = Call(body=fields(offsets=_OFFSETS), response=with_example(array(ANYTHING), []))
COMMITTED = Call(body=_PARTITIONS, response=whole(offsets=_OFFSETS))
SEEK = Call(
    body=with_example(
        fields(offsets=_OFFSETS, timestamps=array(whole(**_AT, timestamp=text("2026-01-01T00:00:00Z")))),
        {"offsets": [{"topic": "lifts", "partition": 0, "offset": 42}]},
    ),
    status=204,
)
_RECORDS = array(ref("PolledRecord"))
_LIMITS = (
    Parameter(
        "timestamps", BOOLEAN, "Each record with the time of its writing, whatever `consumer_record_timestamps`."
    ),
    Parameter("timeout", with_example(NUMBER, 1000), "Milliseconds to wait for records."),
    Parameter("max_bytes", with_example(NUMBER, 1_000_000), "The most bytes of keys and values in the response."),
    Parameter(
        "undecodable",
        _UNDECODABLE,
        "How to treat records that cannot be decoded: `refuse` them with 40801, or `report` the error in the record.",
    ),
)
POLL = Call((*_LIMITS, _SHOW_FORMAT), response=_RECORDS, response_types=_TYPES)
READ = Call(
    (
        Parameter("offset", OFFSET, "Offset to start at; the first record if unset."),
        Parameter("timestamp", MILLISECONDS, "Start at the first record that is not older, instead of an offset."),
        Parameter("count", with_example(NUMBER, 100), "The most records in the response."),
        *_LIMITS,
        Parameter("format", _READ_FORMAT, "Format of keys and values, if it is not that of the media type."),
        Parameter("key_format", _READ_FORMAT, "Format of the keys, if it is not `format`."),
        Parameter("value_format", _READ_FORMAT, "Format of the values, if it is not `format`."),
        _SHOW_FORMAT,
        ISOLATION,
        *READERS,
    ),
    response=_RECORDS,
    response_types=_TYPES,
)
KEY_LOOKUP = Call(
    (
        Parameter(
            "key_format",
            one_of(EmbeddedFormat),
            "Format of the key in the path: `string` if unset, `binary` in base64, or JSON for the others.",
        ),
        Parameter("key_schema_id", with_example(NUMBER, 7), "Schema of the key, instead of the latest of the topic."),
        Parameter("value_format", _READ_FORMAT, "Format of the value; `auto`, which recognises it, if unset."),
        Parameter("partition", NUMBER, "Partition to look in, instead of the one that produce chooses for the key."),
        Parameter("scan", with_example(NUMBER, 100_000), "Offsets to go back at most."),
        _SHOW_FORMAT,
    ),
    response=ref("PolledRecord"),
    response_types=(media_types.KAFKA_V2, media_types.JSON),
)
STREAM = Call(
    (
        Parameter("from", one_of(["earliest", "latest"]), "Where to start; `latest` if unset."),
        Parameter("timestamp", MILLISECONDS, "Start at the first records that are not older."),
        Parameter("format", _READ_FORMAT, "Format of keys and values; binary if unset."),
        Parameter("key_format", _READ_FORMAT, "Format of the keys, if it is not `format`."),
        Parameter("value_format", _READ_FORMAT, "Format of the values, if it is not `format`."),
        _SHOW_FORMAT,
        ISOLATION,
        *READERS,
    ),
    response=text(
        'event: message\nid: 0:43\ndata: {"topic":"lifts","key":null,"value":"AAE=","partition":0,"offset":42}\n\n'
    ),
    response_types=("text/event-stream",),
)
