"""The bodies and parameters of the REST proxy's v2 as JSON Schema, for `/openapi.json`.

Source: Confluent REST Proxy API v2. What a record's key and value may be depends on the body's media type.
"""

import re

from karapace_like.proxy.formats import EmbeddedFormat, Role
from karapace_like.proxy.subjects import SubjectNameStrategy
from karapace_like.web.json_schemas import (
    ANYTHING,
    BOOLEAN,
    MILLISECONDS,
    NUMBER,
    OFFSET,
    STRING,
    JsonSchema,
    array,
    fields,
)
from karapace_like.web.proxy.requests import EMBEDDED
from karapace_like.web.routing import Call, Parameter

_AT = {"topic": STRING, "partition": NUMBER}
_PARTITIONS = fields(partitions=array(fields(**_AT)))
_FORMAT: JsonSchema = {"type": "string", "enum": [each.value for each in EmbeddedFormat]}
_STRATEGY: JsonSchema = {"type": "string", "enum": [each.value for each in SubjectNameStrategy]}

OVERRIDES = {
    "acks": re.compile("all|-1|0|1"),
    "compression": re.compile("none|gzip|snappy|lz4|zstd"),
    "partitioner": re.compile("random|consistent|consistent_random|murmur2|murmur2_random|fnv1a|fnv1a_random"),
    "delivery_timeout_ms": re.compile("[1-9][0-9]{0,5}"),
}
"""What requests may say of the producer that writes their records, where the operator allows it."""
_PRODUCE_QUERY = (
    *(
        Parameter(name, {"type": "string", "pattern": f"^({each.pattern})$"}, "Of the producer, where it is allowed.")
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
        "schema": STRING,
        "schema_id": NUMBER,
        "references": array(fields(name=STRING, subject=STRING, version=NUMBER)),
        "subject": STRING,
        "subject_name_strategy": _STRATEGY,
    }.items()
}
_RECORD = {
    "key": ANYTHING,
    "value": ANYTHING,
    "partition": NUMBER,
    "headers": array(fields(key=STRING, value=STRING)),
}
_DELIVERY = {"partition": NUMBER, "offset": OFFSET, "error_code": NUMBER, "error": STRING}
_SCHEMA_IDS = {"key_schema_id": NUMBER, "value_schema_id": NUMBER}
PRODUCE = Call(
    query=_PRODUCE_QUERY,
    body=fields(records=array(fields(**_RECORD)), **_WRITING),
    answer=fields(offsets=array(fields(**_DELIVERY)), **_SCHEMA_IDS),
    sent_as=tuple(EMBEDDED),
)
PRODUCE_ROUTED = Call(
    query=_PRODUCE_QUERY,
    body=fields(records=array(fields(topic=STRING, **_RECORD)), **_WRITING),
    answer=fields(offsets=array(fields(topic=STRING, **_DELIVERY, **_SCHEMA_IDS))),
    sent_as=tuple(EMBEDDED),
)
CREATE_CONSUMER = Call(
    body=fields(
        name=STRING,
        format=STRING,
        key__format=STRING,
        value__format=STRING,
        auto__offset__reset=STRING,
        auto__commit__enable=STRING,
        fetch__min__bytes=NUMBER,
        consumer__request__timeout__ms=NUMBER,
    ),
    answer=fields(instance_id=STRING, base_uri=STRING),
)
SUBSCRIBE = Call(body=fields(topics=array(STRING), topic_pattern=STRING), status=204)
ASSIGN = Call(body=_PARTITIONS, status=204)
SEEK_TO_END = Call(body=_PARTITIONS, status=204)
COMMIT = Call(body=fields(offsets=array(fields(**_AT, offset=OFFSET, metadata=STRING))))
SEEK = Call(
    body=fields(
        offsets=array(fields(**_AT, offset=OFFSET, metadata=STRING)),
        timestamps=array(fields(**_AT, timestamp=STRING)),
    ),
    status=204,
)
_RECORDS = array(
    fields(
        topic=STRING,
        key=ANYTHING,
        value=ANYTHING,
        partition=NUMBER,
        offset=OFFSET,
        timestamp=MILLISECONDS,
        headers=array(fields(key=STRING, value=STRING)),
    )
)
_LIMITS = (
    Parameter("timeout", NUMBER, "Milliseconds to wait for records."),
    Parameter("max_bytes", NUMBER, "Of keys and values in the answer."),
)
POLL = Call(_LIMITS, answer=_RECORDS)
READ = Call(
    (
        Parameter("offset", OFFSET, "Where to begin, in place of the first record."),
        Parameter("timestamp", MILLISECONDS, "Begin at the first record that is not older, in place of an offset."),
        Parameter("count", NUMBER, "Of records in the answer, at most."),
        *_LIMITS,
        Parameter("key_format", _FORMAT, "Of the keys, where it is not that of the media type."),
        Parameter("value_format", _FORMAT, "Of the values, where it is not that of the media type."),
    ),
    answer=_RECORDS,
)
STREAM = Call(
    (
        Parameter("from", {"type": "string", "enum": ["earliest", "latest"]}, "Where to begin; `latest` if unset."),
        Parameter("timestamp", MILLISECONDS, "Begin at the first records that are not older."),
        Parameter("format", _FORMAT, "Of keys and values; binary if unset."),
        Parameter("key_format", _FORMAT, "Of the keys, where it is not `format`."),
        Parameter("value_format", _FORMAT, "Of the values, where it is not `format`."),
    )
)
