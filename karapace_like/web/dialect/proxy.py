"""Where Karapace's REST proxy answers in another way than Confluent's."""

import re
from typing import Any

from aiohttp import web
from multidict import CIMultiDict

from karapace_like.errors import ApiError
from karapace_like.serde.codec import RecordForm
from karapace_like.web.dialect import proxy_errors
from karapace_like.web.dialect.differences import Difference, Exchange, Proceed
from karapace_like.web.http import media_types
from karapace_like.web.proxy.consumers import INSTANCE_FIELDS
from karapace_like.web.proxy.requests import partition, proxy

_FORMATS = "avro|json|protobuf|binary|jsonschema"
_SENT = re.compile(rf"application/(?:vnd\.kafka(?:\.({_FORMATS}))?(?:\.v[12])?\+json|json|octet-stream)")
_ACCEPTED = re.compile(rf"(?:application|\*)/(?:vnd\.kafka(?:\.({_FORMATS}))?(?:\.v[12])?\+json|json|\*)(?![\w+.-])")
_OTHER_TYPE = re.compile(r"Bad Request: Schema \d+ is of type (\w+), not \w+")
_TYPE_FORMATS = {"AVRO": "avro", "JSON": "jsonschema", "PROTOBUF": "protobuf"}
_ONE_WAY_ONLY = (
    "IllegalStateError: You must choose only one way to configure your consumer: (1) subscribe to specific topics by "
    "name, (2) subscribe to topics matching a regex pattern, (3) assign itself specific topic-partitions."
)
_ILLEGAL_STATE = 40903


def _read_media_type(headers: CIMultiDict[str]) -> None:
    """Take the older and the general media types, too; those without a format are binary."""
    sent = headers.get("Content-Type")
    match = None if sent is None else _SENT.fullmatch(media_types.essence(sent))
    if match:
        headers["Content-Type"] = _spell(match.group(1) or "binary")


def _spell(embedded: str) -> str:
    return f"application/vnd.kafka.{embedded}.v2+json"


def _accept_any(headers: CIMultiDict[str]) -> None:
    """Answer whatever of these types is accepted."""
    if _ACCEPTED.search(headers.get("Accept", "")):
        headers["Accept"] = "*/*"


def _accept_first(headers: CIMultiDict[str]) -> None:
    """Read records in the first format that is accepted, whatever else is."""
    match = _ACCEPTED.search(headers.get("Accept", ""))
    if match:
        headers["Accept"] = _spell(match.group(1)) if match.group(1) else "*/*"


def _complete_instance(document: Any) -> Any:
    """Leave out unknown fields, and read from the beginning by default."""
    if not isinstance(document, dict):
        return document
    return {"auto.offset.reset": "earliest"} | {name: document[name] for name in INSTANCE_FIELDS if name in document}


def _show_plain_records(document: Any) -> Any:
    return {"record.form": RecordForm.PLAIN} | document if isinstance(document, dict) else document


async def _produce_to_existing(exchange: Exchange, proceed: Proceed) -> web.StreamResponse:
    """Create no topic."""
    request = exchange.request
    if "partition" in request.match_info:
        await proxy(request).topics.partition(partition(request))
    else:
        await proxy(request).topics.topic(request.match_info["topic"])
    return await proceed()


async def _produce_by_schema(exchange: Exchange, proceed: Proceed) -> web.StreamResponse:
    """Write in the format of the schema that an id names, whatever the media type says."""
    try:
        return await proceed()
    except ApiError as error:
        match = _OTHER_TYPE.match(error.message)
        if match is None:
            raise
        exchange.replace_header("Content-Type", _spell(_TYPE_FORMATS[match.group(1)]))
        return await proceed()


def _render_report(_: Exchange, answer: dict[str, Any]) -> dict[str, Any]:
    return answer | {"offsets": [proxy_errors.render_result(result) for result in answer["offsets"]]}


async def _subscribe_in_one_way(exchange: Exchange, proceed: Proceed) -> web.StreamResponse:
    document = exchange.document if isinstance(exchange.document, dict) else {}
    topics, pattern = document.get("topics"), document.get("topic_pattern")
    if topics and not isinstance(topics, list):
        raise ApiError(422, "Topics is expected to be list of strings")
    if pattern and not isinstance(pattern, str):
        raise ApiError(422, "Topic patterns is expected to be a string")
    if topics and pattern:
        raise ApiError(_ILLEGAL_STATE, _ONE_WAY_ONLY)
    if isinstance(exchange.document, dict) and not (topics or pattern):
        raise ApiError(_ILLEGAL_STATE, "Neither topic_pattern nor topics are present in request")
    return await proceed()


async def _answer_nothing(_: Exchange, proceed: Proceed) -> web.StreamResponse:
    response = await proceed()
    return web.Response(status=204) if response.status == web.HTTPOk.status_code else response


_PRODUCE = ("POST /topics/{topic}", "POST /topics/{topic}/partitions/{partition}")
_INSTANCE = "/consumers/{group}/instances/{instance}"
_POLL = f"GET {_INSTANCE}/records"

PROXY_DIFFERENCES = (
    Difference(
        where="`Content-Type` of REST v2",
        confluent="`application/vnd.kafka.v2+json`, `application/vnd.kafka.FORMAT.v2+json`; `.v1` and no version as "
        "[REST v1](rest-v1.md)",
        karapace="also `.v1`, no version, no format, `application/json`, `application/octet-stream`: binary",
        calls=("POST /topics*", "POST /consumers*", f"GET {_INSTANCE}/offsets"),
        headers=_read_media_type,
    ),
    Difference(
        where="`Accept` of REST v2, polls excluded",
        confluent="`application/vnd.kafka.v2+json`; `.v1` and no version as [REST v1](rest-v1.md)",
        karapace="also `.v1`, no version, any format, `application/json`",
        calls=("GET /brokers", "* /topics*", "POST /consumers*", f"GET {_INSTANCE}/[!r]*", f"DELETE {_INSTANCE}*"),
        headers=_accept_any,
    ),
    Difference(
        where="`Accept` of a poll",
        confluent="the format of the highest weight, binary among equals",
        karapace="the first one in the header",
        calls=(_POLL,),
        headers=_accept_first,
    ),
    Difference(
        where="producing to a topic or partition that is not there",
        confluent="the topic is created where the brokers create topics",
        karapace="404, 40401 or 40402",
        calls=_PRODUCE,
        around=_produce_to_existing,
    ),
    Difference(
        where="a schema id of another type than the media type's",
        confluent="400",
        karapace="the schema's type counts",
        calls=_PRODUCE,
        around=_produce_by_schema,
    ),
    Difference(
        where="the result of a record",
        confluent="`partition`, `offset`, `error_code`, `error`; 50003 (retriable), 50002, ...; status 200",
        karapace="`partition` and `offset`, or `error_code` and `error`; 2 (retriable) or 1; then the status is 422",
        calls=_PRODUCE,
        query={"strict": "true"},
        answer=_render_report,
    ),
    Difference(
        where="data that does not fit its schema",
        confluent="400",
        karapace="422, 42205; of Avro and Protobuf `Object does not fit to stored schema`",
        calls=_PRODUCE,
        error=proxy_errors.word_unfit_data,
    ),
    Difference(
        where="a produced schema that cannot be used",
        confluent="42205; 42207 with the registry's error",
        karapace="42205, `Invalid schema. format = AVRO, schema_id = 7`; 408, 40801 where it is not compatible",
        calls=_PRODUCE,
        error=proxy_errors.word_unusable_schema,
    ),
    Difference(
        where="a produce request with unknown fields or without records",
        confluent="422; here with the field",
        karapace="422, `Invalid request format`",
        calls=_PRODUCE,
        error=proxy_errors.word_malformed_records,
    ),
    Difference(
        where="topics and partitions that are not there",
        confluent="40403, `This server does not host this topic-partition.`; 40402, `Partition not found.`",
        karapace="40401 (40403 of `GET /topics/{topic}`), `Topic lifts not found`; 40402, `Partition 7 not found`",
        calls=("* /topics/{topic}*",),
        error=proxy_errors.word_missing,
    ),
    Difference(
        where="creating a consumer instance",
        confluent="unknown fields are 422; reads from the latest record unless `auto.offset.reset` is set",
        karapace="unknown fields (`topic.metadata.refresh.interval.ms`, ...) are ignored; reads from the earliest",
        calls=("POST /consumers/{group}",),
        body=_complete_instance,
    ),
    Difference(
        where="a value that no consumer instance can have",
        confluent="40001 or 422",
        karapace="42204",
        calls=("POST /consumers/{group}",),
        error=proxy_errors.word_consumer_config,
    ),
    Difference(
        where="a subscription to topics and a pattern, or to neither",
        confluent="the topics count; nothing is changed",
        karapace="409, 40903; 422 where `topics` is no list",
        calls=(f"POST {_INSTANCE}/subscription",),
        around=_subscribe_in_one_way,
    ),
    Difference(
        where="committing offsets",
        confluent="200, `[]`",
        karapace="204",
        calls=(f"POST {_INSTANCE}/offsets",),
        around=_answer_nothing,
    ),
    Difference(
        where="records with a schema, polled by an instance that was created here",
        confluent="Avro's and Protobuf's own JSON; 408, 40801 for a key that cannot be decoded",
        karapace="Avro unions without the names of types, bytes in base64, Protobuf fields by the schema's names; a "
        "key that cannot be decoded in base64 (`record.form=plain` of the instance)",
        calls=("POST /consumers/{group}",),
        body=_show_plain_records,
    ),
    Difference(
        where="a polled record",
        confluent="`topic`, `key`, `value`, `partition`, `offset`",
        karapace="with `timestamp`",
        calls=(_POLL,),
        query={"timestamps": "true"},
    ),
    Difference(
        where="a polled record that cannot be decoded",
        confluent="408, 40801",
        karapace="422, `value deserialization error for format avro: ...`",
        calls=(_POLL,),
        error=proxy_errors.word_undecodable,
    ),
)
