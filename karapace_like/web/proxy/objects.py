"""The bodies and parameters of the REST proxy's v2 as JSON Schema, for `/openapi.json`.

Source: Confluent REST Proxy API v2. What a record's key and value may be depends on the body's media type.
"""

import re

from karapace_like.proxy.formats import EmbeddedFormat, Role
from karapace_like.proxy.settings import OffsetReset, Undecodable
from karapace_like.proxy.subjects import SubjectNameStrategy
from karapace_like.web.json_schemas import (
    ANYTHING,
    BOOLEAN,
    MILLISECONDS,
    NUMBER,
    OFFSET,
    array,
    fields,
    mapping,
    needing,
    nullable,
    one_of,
    shown,
    text,
    whole,
)
from karapace_like.web.proxy.requests import EMBEDDED
from karapace_like.web.routing import Call, Parameter

_TOPIC = text("lifts")
_PARTITION_NUMBER = shown(NUMBER, 0)
_AT = {"topic": _TOPIC, "partition": _PARTITION_NUMBER}
_PARTITIONS = whole(partitions=array(whole(**_AT)))
_FORMAT = one_of(EmbeddedFormat)
_STRATEGY = one_of(SubjectNameStrategy)
_UNDECODABLE = one_of(Undecodable)

OVERRIDES = {
    "acks": re.compile("all|-1|0|1"),
    "compression": re.compile("none|gzip|snappy|lz4|zstd"),
    "partitioner": re.compile("random|consistent|consistent_random|murmur2|murmur2_random|fnv1a|fnv1a_random"),
    "delivery_timeout_ms": re.compile("[1-9][0-9]{0,5}"),
}
"""What requests may say of the producer that writes their records, where the operator allows it."""
_OVERRIDE_EXAMPLES = {"acks": "all", "compression": "lz4", "partitioner": "murmur2", "delivery_timeout_ms": "5000"}
_PRODUCE_QUERY = (
    *(
        Parameter(
            name,
            {**text(_OVERRIDE_EXAMPLES[name]), "pattern": f"^({each.pattern})$"},
            "Of the producer, where it is allowed.",
        )
        for name, each in OVERRIDES.items()
    ),
    Parameter("key_format", _FORMAT, "Of the keys, where the body has no `key_format`."),
    Parameter("value_format", _FORMAT, "Of the values, where the body has no `value_format`."),
    Parameter("strict", BOOLEAN, "Whether a record that failed makes the status 422; also the header `X-Strict`."),
)
_WRITING = {
    f"{role}_{name}": schema
    for role in Role
    for name, schema in {
        "format": _FORMAT,
        "schema": text('{"type":"record","name":"Lift","fields":[{"name":"floor","type":"int"}]}'),
        "schema_id": NUMBER,
        "references": array(whole(name=text("house.Floor"), subject=text("floors"), version=NUMBER)),
        "subject": text("lifts-value"),
        "subject_name_strategy": _STRATEGY,
    }.items()
}
_HEADERS = array(needing(fields(key=text("trace"), value=nullable(text("AAE="))), "key"))
_RECORD = {"key": ANYTHING, "value": ANYTHING, "partition": _PARTITION_NUMBER, "headers": _HEADERS}
_FORMATS = {"key_format": "string", "value_format": "json"}
"""They make the examples hold whatever the media type is."""
_SENT = {"key": "north", "value": {"floor": 3}}
_DELIVERY = {
    "partition": nullable(_PARTITION_NUMBER),
    "offset": nullable(OFFSET),
    "error_code": shown(nullable(NUMBER), None),
    "error": shown(nullable(text("")), None),
}
_SCHEMA_IDS = {"key_schema_id": nullable(NUMBER), "value_schema_id": nullable(NUMBER)}
PRODUCE = Call(
    query=_PRODUCE_QUERY,
    body=shown(
        needing(fields(records=array(fields(**_RECORD)), **_WRITING), "records"), {**_FORMATS, "records": [_SENT]}
    ),
    answer=fields(offsets=array(fields(**_DELIVERY)), **_SCHEMA_IDS),
    sent_as=tuple(EMBEDDED),
)
PRODUCE_ROUTED = Call(
    query=_PRODUCE_QUERY,
    body=shown(
        needing(fields(records=array(needing(fields(topic=_TOPIC, **_RECORD), "topic")), **_WRITING), "records"),
        {**_FORMATS, "records": [{"topic": "lifts", **_SENT}]},
    ),
    answer=fields(offsets=array(fields(topic=_TOPIC, **_DELIVERY, **_SCHEMA_IDS))),
    sent_as=tuple(EMBEDDED),
)

_BROKER = shown(NUMBER, 1)
_PARTITION = whole(
    partition=_PARTITION_NUMBER,
    leader=_BROKER,
    replicas=array(whole(broker=_BROKER, leader=BOOLEAN, in_sync=BOOLEAN)),
)
BROKERS = Call(answer=whole(brokers=array(_BROKER)))
TOPICS = Call(answer=array(_TOPIC))
ONE_TOPIC = Call(
    answer=whole(
        name=_TOPIC,
        configs=shown(mapping(nullable(text(""))), {"retention.ms": "604800000"}),
        partitions=array(_PARTITION),
    )
)
PARTITIONS = Call(answer=array(_PARTITION))
ONE_PARTITION = Call(answer=_PARTITION)
BOUNDS = Call(answer=whole(beginning_offset=shown(OFFSET, 0), end_offset=OFFSET))

NOTHING = Call(status=204)
CREATE_CONSUMER = Call(
    body=shown(
        fields(
            name=text("reader-1"),
            format=_FORMAT,
            key__format=_FORMAT,
            value__format=_FORMAT,
            auto__offset__reset=one_of(OffsetReset),
            auto__commit__enable=one_of(["true", "false"]),
            fetch__min__bytes=NUMBER,
            consumer__request__timeout__ms=NUMBER,
            undecodable=_UNDECODABLE,
        ),
        {"name": "reader-1", "format": "json", "auto.offset.reset": "earliest"},
    ),
    answer=whole(
        instance_id=text("reader-1"),
        base_uri=text("http://127.0.0.1:8082/consumers/lift-readers/instances/reader-1"),
    ),
)
SUBSCRIBE = Call(
    body=shown(fields(topics=array(_TOPIC), topic_pattern=text("lift.*")), {"topics": ["lifts"]}), status=204
)
SUBSCRIPTION = Call(answer=whole(topics=array(_TOPIC)))
ASSIGN = Call(body=_PARTITIONS, status=204)
ASSIGNMENTS = Call(answer=_PARTITIONS)
SEEK_ALL = Call(body=_PARTITIONS, status=204)
_OFFSETS = array(needing(fields(**_AT, offset=OFFSET, metadata=text("")), "topic", "partition", "offset"))
COMMIT = Call(body=fields(offsets=_OFFSETS), answer=shown(array(ANYTHING), []))
COMMITTED = Call(body=_PARTITIONS, answer=whole(offsets=_OFFSETS))
SEEK = Call(
    body=shown(
        fields(offsets=_OFFSETS, timestamps=array(whole(**_AT, timestamp=text("2026-01-01T00:00:00Z")))),
        {"offsets": [{"topic": "lifts", "partition": 0, "offset": 42}]},
    ),
    status=204,
)
_SEEN = fields(
    topic=_TOPIC,
    key=shown(ANYTHING, "north"),
    value=ANYTHING,
    partition=_PARTITION_NUMBER,
    offset=OFFSET,
    timestamp=MILLISECONDS,
    headers=_HEADERS,
    error_code=shown(NUMBER, 40801),
    message=text(""),
)
_RECORDS = shown(array(_SEEN), [{"topic": "lifts", **_SENT, "partition": 0, "offset": 42}])
_LIMITS = (
    Parameter("timeout", shown(NUMBER, 1000), "Milliseconds to wait for records."),
    Parameter("max_bytes", shown(NUMBER, 1_000_000), "Of keys and values in the answer."),
    Parameter("undecodable", _UNDECODABLE, "What becomes of records that cannot be decoded."),
)
POLL = Call(_LIMITS, answer=_RECORDS, answered_as=tuple(EMBEDDED))
READ = Call(
    (
        Parameter("offset", OFFSET, "Where to begin, in place of the first record."),
        Parameter("timestamp", MILLISECONDS, "Begin at the first record that is not older, in place of an offset."),
        Parameter("count", shown(NUMBER, 100), "Of records in the answer, at most."),
        *_LIMITS,
        Parameter("key_format", _FORMAT, "Of the keys, where it is not that of the media type."),
        Parameter("value_format", _FORMAT, "Of the values, where it is not that of the media type."),
    ),
    answer=_RECORDS,
    answered_as=tuple(EMBEDDED),
)
STREAM = Call(
    (
        Parameter("from", one_of(["earliest", "latest"]), "Where to begin; `latest` if unset."),
        Parameter("timestamp", MILLISECONDS, "Begin at the first records that are not older."),
        Parameter("format", _FORMAT, "Of keys and values; binary if unset."),
        Parameter("key_format", _FORMAT, "Of the keys, where it is not `format`."),
        Parameter("value_format", _FORMAT, "Of the values, where it is not `format`."),
    ),
    answer=text(
        'event: message\nid: 0:43\ndata: {"topic":"lifts","key":null,"value":"AAE=","partition":0,"offset":42}\n\n'
    ),
    answered_as=("text/event-stream",),
)
