"""The objects of request and reply, as `/openapi.json` describes them."""

from typing import Annotated

import msgspec

from karapace_like.proxy.formats import AUTO, EmbeddedFormat
from karapace_like.proxy.produce import ProduceRequest
from karapace_like.proxy.settings import MAX_TIMEOUT_MS
from karapace_like.web.http import media_types
from karapace_like.web.http.json_schemas import (
    NUMBER,
    Int32,
    Int64,
    JsonSchema,
    derive,
    derive_request,
    one_of,
    ref,
    such_as,
    text,
    with_example,
)
from karapace_like.web.proxy.objects import LENIENT_JSON, REQUEST_ANNOTATIONS, PolledHeader, PolledRecord
from karapace_like.web.proxy.requests import EMBEDDED
from karapace_like.web.routing import Call, Parameter

_REQUEST_ID = "1f2e3d4c.0-0a1b2c3d4e5f60718293a4b5c6d7e8f9"
_TYPES = (*EMBEDDED, media_types.JSON)
_ANSWERS = (media_types.KAFKA_V2, media_types.JSON)
_READ_FORMAT = one_of([*EmbeddedFormat, AUTO])


class ReplyResponse(msgspec.Struct):
    """The reply to a request."""

    id: Annotated[str, such_as(_REQUEST_ID)]
    reply: PolledRecord


class SentReply(msgspec.Struct):
    """Where a reply was written."""

    topic: Annotated[str, such_as("lift-answers")]
    partition: Int32
    offset: Int64
    key_schema_id: Int32 | None
    value_schema_id: Int32 | None


def _describe_body(**own: JsonSchema) -> JsonSchema:
    """Return the schema of a body with one record, and these fields beside what a produce request has."""
    produce = derive_request(ProduceRequest, REQUEST_ANNOTATIONS)
    properties = dict(produce["properties"])
    record = properties.pop("records")["items"]
    return {"type": "object", "properties": {"record": record, **own, **properties}}


_MILLISECONDS = {"type": "integer", "minimum": 0, "maximum": MAX_TIMEOUT_MS, "examples": [10_000]}
_REPLY = {"topic": "lift-answers", "key": None, "value": {"floor": 3}, "partition": 0, "offset": 42}
_HEADER = derive(PolledHeader, {"key": text("kafka_correlationId"), "value": {"type": ["string", "null"]}})
OBJECTS: dict[str, JsonSchema] = {
    "RequestReplyRequest": with_example(
        {
            **_describe_body(
                reply_topic=text("lift-answers"),
                reply_partition=with_example(NUMBER, 0),
                timeout_ms=_MILLISECONDS,
                reply_format=_READ_FORMAT,
                reply_key_format=_READ_FORMAT,
                reply_value_format=_READ_FORMAT,
            ),
            "required": ["record", "reply_topic"],
        },
        {
            "record": {"value": {"lift": "north"}},
            "reply_topic": "lift-answers",
            "timeout_ms": 100,
            "key_format": "string",
            "value_format": "json",
        },
    ),
    "ReplyRequest": with_example(
        {
            **_describe_body(request_headers={"type": "array", "items": _HEADER}, correlation_id=text("b3JkZXItNw==")),
            "required": ["record"],
        },
        {
            "record": {"value": {"floor": 3}},
            "correlation_id": "b3JkZXItNw==",
            "key_format": "string",
            "value_format": "json",
        },
    ),
}
"""The bodies that are sent under several media types: a generated client has one type for each."""
REQUEST = Call(
    query=(LENIENT_JSON,),
    body=ref("RequestReplyRequest"),
    response=with_example(derive(ReplyResponse), {"id": _REQUEST_ID, "reply": _REPLY}),
    request_types=_TYPES,
    response_types=_ANSWERS,
)
FETCH_REPLY = Call(
    query=(
        Parameter("wait_ms", with_example(NUMBER, 1_000), "Milliseconds to wait for the reply; 0 if unset."),
        Parameter("reply_format", _READ_FORMAT, "Format of key and value; `auto`, which recognises them, if unset."),
        Parameter("reply_key_format", _READ_FORMAT, "Format of the key, if it is not `reply_format`."),
        Parameter("reply_value_format", _READ_FORMAT, "Format of the value, if it is not `reply_format`."),
    ),
    response=with_example(derive(ReplyResponse), {"id": _REQUEST_ID, "reply": _REPLY}),
    response_types=_ANSWERS,
    may_be_empty=True,
)
REPLY = Call(
    query=(LENIENT_JSON,),
    body=ref("ReplyRequest"),
    response=with_example(
        derive(SentReply),
        {
            "topic": "lift-answers",
            "partition": 0,
            "offset": 42,
            "key_schema_id": None,
            "value_schema_id": 1,
        },
    ),
    request_types=_TYPES,
    response_types=_ANSWERS,
)
