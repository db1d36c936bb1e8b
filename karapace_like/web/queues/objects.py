"""The objects of queues in requests and responses, as `/openapi.json` describes them."""

from typing import Annotated

import msgspec

from karapace_like.proxy.formats import AUTO, EmbeddedFormat
from karapace_like.proxy.queues.queues import MAX_RECORDS
from karapace_like.proxy.settings import MAX_TIMEOUT_MS
from karapace_like.records import Outcome
from karapace_like.web.http import media_types
from karapace_like.web.http.json_schemas import (
    MILLISECONDS,
    NUMBER,
    Int32,
    Int64,
    JsonSchema,
    array,
    derive,
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
from karapace_like.web.proxy.objects import PolledRecord
from karapace_like.web.routing import Call

TYPES = (media_types.JSON, media_types.KAFKA_V2)
"""Media types of requests; responses are JSON."""
_ANSWERS = (media_types.JSON,)
_RECEIPT = "1f2e3d4c.0-0a1b2c3d4e5f60718293a4b5-0"
_FORMAT = one_of([*EmbeddedFormat, AUTO])
_GROUP = text("lift-workers")


class QueuedRecord(PolledRecord, omit_defaults=True, gc=False, kw_only=True):
    """One record of a queue, with what acknowledges it."""

    receipt: str
    delivery_count: Int32
    locked_until: Annotated[int, msgspec.Meta(extra_json_schema=MILLISECONDS)]


class AcknowledgementResult(msgspec.Struct):
    """What became of one acknowledgement."""

    receipt: str
    outcome: Outcome
    error_code: Int32 | None = None
    """None: it was taken."""
    message: str | None = None


class ReceiveResponse(msgspec.Struct):
    """The records of one receiver."""

    records: list[QueuedRecord]


class QueuePartition(msgspec.Struct):
    """A partition of a share group."""

    topic: str
    partition: Int32
    start_offset: Int64
    """Every record before it is done."""
    end_offset: Int64 | None
    lag: Int64 | None
    """Records that are not done; None where the cluster does not say."""


_RECORD = {
    "topic": "lifts", "key": "north", "value": {"floor": 3}, "partition": 0, "offset": 42, "timestamp": 1795000000000,
    "receipt": _RECEIPT, "delivery_count": 1, "locked_until": 1795000027000,
}  # fmt: skip
OBJECTS: dict[str, JsonSchema] = {
    "QueueReceiveRequest": with_example(
        require_fields(
            fields(
                topics=array(text("lifts")),
                max_records={"type": "integer", "minimum": 1, "maximum": MAX_RECORDS, "examples": [100]},
                wait_ms={"type": "integer", "minimum": 0, "maximum": MAX_TIMEOUT_MS, "examples": [30_000]},
                format=_FORMAT,
                key_format=_FORMAT,
                value_format=_FORMAT,
            ),
            "topics",
        ),
        {"topics": ["lifts"], "max_records": 10, "wait_ms": 1000},
    ),
    "QueueAcknowledgement": with_example(
        require_fields(
            fields(receipt=text(_RECEIPT), outcome=one_of(Outcome), dead_letter_topic=text("lifts.dead")),
            "receipt",
            "outcome",
        ),
        {"receipt": _RECEIPT, "outcome": "accept"},
    ),
    "QueueConfig": with_example(
        fields(
            lock_duration_ms=nullable(with_example(NUMBER, 30_000)),
            delivery_limit=nullable(with_example(NUMBER, 5)),
            start=nullable(one_of(["earliest", "latest"])),
            isolation=nullable(one_of(["read_committed", "read_uncommitted"])),
        ),
        {"lock_duration_ms": 60_000, "start": "earliest"},
    ),
}
"""The bodies that are sent under two media types: a generated client has one type for each."""
RECEIVE = Call(
    body=ref("QueueReceiveRequest"),
    response=with_example(derive(ReceiveResponse), {"records": [_RECORD]}),
    request_types=TYPES,
    response_types=_ANSWERS,
)
ACKNOWLEDGE = Call(
    body=array(ref("QueueAcknowledgement")),
    response=with_example(
        array(derive(AcknowledgementResult)),
        [{"receipt": _RECEIPT, "outcome": "accept", "error_code": None, "message": None}],
    ),
    request_types=TYPES,
    response_types=_ANSWERS,
)
LIST_QUEUES = Call(response=array(_GROUP), response_types=_ANSWERS)
DESCRIBE_QUEUE = Call(
    response=whole(
        group=_GROUP,
        state=text("STABLE"),
        members=with_example(NUMBER, 2),
        config=with_example(mapping(text("30000")), {"share.record.lock.duration.ms": "30000"}),
        partitions=with_example(
            array(derive(QueuePartition)),
            [{"topic": "lifts", "partition": 0, "start_offset": 40, "end_offset": 43, "lag": 3}],
        ),
    ),
    response_types=_ANSWERS,
)
CONFIGURE_QUEUE = Call(body=ref("QueueConfig"), status=204, request_types=TYPES)
DELETE_QUEUE = Call(status=204)
