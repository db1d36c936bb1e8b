"""Every way into a topic, as one function: what is offered to each is the same, and so is what comes back."""

import base64
import secrets
import struct
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple

import msgspec
from confluent_kafka import Consumer, TopicPartition

from karapace_like.kafka.cluster import Cluster
from karapace_like.web.http.media_types import MESSAGE_PACK
from tests.kafka.service_in_process import Node

Header = tuple[str, bytes]


class Part(NamedTuple):
    """A key or value as a client offers it."""

    format: str
    """The embedded format, in lower case."""
    data: Any
    schema_id: int | None = None


class Verdict(NamedTuple):
    """What became of one record."""

    code: int | None
    """The error code; None for a record that was written."""
    message: str = ""
    key_schema_id: int | None = None
    value_schema_id: int | None = None


async def produce_v2(
    node: Node,
    topic: str,
    value: Part,
    key: Part | None,
    headers: Sequence[Header],
    path: str = "/topics/{topic}",
    query: str = "",
    *,
    has_key: bool = False,
) -> Verdict:
    record: dict[str, Any] = {"value": value.data}
    body: dict[str, Any] = {"records": [record], "value_format": value.format}
    if value.schema_id is not None:
        body["value_schema_id"] = value.schema_id
    if key is not None:
        record["key"], body["key_format"] = key.data, key.format
        if key.schema_id is not None:
            body["key_schema_id"] = key.schema_id
    if headers:
        record["headers"] = [{"key": name, "value": base64.b64encode(data).decode()} for name, data in headers]
    is_routed = path.endswith("/records")
    if is_routed:
        record["topic"] = topic
    status, answer = await node.call(
        "POST",
        path.format(topic=topic) + query,
        body,
        headers={"Content-Type": "application/vnd.kafka.json.v2+json"}
        | ({"Idempotency-Key": secrets.token_hex()} if has_key else {}),
    )
    if status != 200:
        return Verdict(answer["error_code"], answer["message"])
    (result,) = answer["offsets"]
    ids = result if is_routed else answer
    return Verdict(result["error_code"], result["error"] or "", ids["key_schema_id"], ids["value_schema_id"])


async def send_request(
    node: Node,
    topic: str,
    value: Part,
    key: Part | None,
    headers: Sequence[Header],
    path: str = "requests",
    query: str = "",
) -> Verdict:
    """A request for a reply that never comes, or a reply: both have one record."""
    record: dict[str, Any] = {"value": value.data}
    body: dict[str, Any] = {"record": record, "value_format": value.format, "value_schema_id": value.schema_id}
    if key is not None:
        record["key"] = key.data
        body |= {"key_format": key.format, "key_schema_id": key.schema_id}
    if headers:
        record["headers"] = [{"key": name, "value": base64.b64encode(data).decode()} for name, data in headers]
    if path == "replies":
        body["correlation_id"] = "AAAA"
    else:
        (cluster,) = (await node.call("GET", "/v3/clusters"))[1]["data"]
        body |= {"reply_topic": f"{topic}-replies", "timeout_ms": 0}
        created = {"topic_name": body["reply_topic"]}
        await node.call("POST", f"/v3/clusters/{cluster['cluster_id']}/topics", created)  # unless it is there
    sent_as = {"Content-Type": "application/vnd.kafka.json.v2+json"}
    status, answer = await node.call("POST", f"/topics/{topic}/{path}{query}", body, headers=sent_as)
    if status == 200:
        return Verdict(None, "", answer["key_schema_id"], answer["value_schema_id"])
    return Verdict(None) if status == 504 else Verdict(answer["error_code"], answer["message"])


async def upload_line(
    node: Node, topic: str, value: Part, key: Part | None, headers: Sequence[Header], query: str = ""
) -> Verdict:
    """A file with one line."""
    record: dict[str, Any] = {"value": value.data}
    parameters: dict[str, Any] = {"value_format": value.format, "value_schema_id": value.schema_id}
    if key is not None:
        record["key"] = key.data
        parameters |= {"key_format": key.format, "key_schema_id": key.schema_id}
    if headers:
        record["headers"] = [{"key": name, "value": base64.b64encode(data).decode()} for name, data in headers]
    named = "".join(f"&{name}={said}" for name, said in parameters.items() if said is not None)
    status, answer = await node.call(
        "POST", f"/topics/{topic}/files{query or '?'}{named}", record, headers={"Content-Type": "application/x-ndjson"}
    )
    return Verdict(None) if status == 200 else Verdict(answer["error_code"], answer["message"])


async def send_message(
    node: Node, topic: str, value: Part, key: Part | None, headers: Sequence[Header], query: str = ""
) -> Verdict:
    """A message of a WebSocket connection."""
    record: dict[str, Any] = {"value": value.data}
    body: dict[str, Any] = {"records": [record], "value_format": value.format, "value_schema_id": value.schema_id}
    if key is not None:
        record["key"] = key.data
        body |= {"key_format": key.format, "key_schema_id": key.schema_id}
    if headers:
        record["headers"] = [{"key": name, "value": base64.b64encode(data).decode()} for name, data in headers]
    async with node.session.ws_connect(f"/topics/{topic}/socket{query}") as socket:
        await socket.send_json({"produce": body})
        answer = await socket.receive_json()
    (result,) = answer["produced"]["offsets"] if "produced" in answer else [answer["error"]]
    return Verdict(result["error_code"], result.get("error") or result.get("message") or "")


async def produce_v3(
    node: Node,
    topic: str,
    value: Part,
    key: Part | None,
    headers: Sequence[Header],
    path: str = "records",
    query: str = "",
) -> Verdict:
    (cluster,) = (await node.call("GET", "/v3/clusters"))[1]["data"]
    record: dict[str, Any] = {"value": _render_part(value)}
    if key is not None:
        record["key"] = _render_part(key)
    record["headers"] = [{"name": name, "value": base64.b64encode(data).decode()} for name, data in headers]
    body = {"entries": [{"id": "1", **record}]} if path == "records:batch" else record
    status, answer = await node.call("POST", f"/v3/clusters/{cluster['cluster_id']}/topics/{topic}/{path}{query}", body)
    if path == "records:batch":
        assert status == 207, answer
        (answer,) = answer["successes"] + answer["failures"]
    if answer.get("error_code") not in {None, 200}:
        return Verdict(answer["error_code"], answer["message"])
    ids = ((answer.get(part) or {}).get("schema_id") for part in ("key", "value"))
    return Verdict(None, "", *ids)


def _render_part(part: Part) -> dict[str, Any]:
    if part.schema_id is not None:
        return {"schema_id": part.schema_id, "data": part.data}
    return {"type": part.format.upper(), "data": part.data}


async def produce_from_instance(
    node: Node, topic: str, value: Part, key: Part | None, headers: Sequence[Header]
) -> Verdict:
    wanted = {"name": "writer", "auto.commit.enable": "false"}
    status, _ = await node.call(
        "POST", "/consumers/writers", wanted, headers={"Content-Type": "application/vnd.kafka.v2+json"}
    )
    assert status in {200, 409}
    return await produce_v2(node, topic, value, key, headers, "/consumers/writers/instances/writer/records")


async def produce_in_message_pack(
    node: Node, topic: str, value: Part, key: Part | None, headers: Sequence[Header]
) -> Verdict:
    """Produce the bytes that the formats without schemas write."""
    record = {"value": _encode_part(value), "headers": [{"key": name, "value": data} for name, data in headers]}
    if key is not None:
        record["key"] = _encode_part(key)
    body = msgspec.msgpack.encode({"records": [record]})
    async with node.session.post(f"/topics/{topic}", data=body, headers={"Content-Type": MESSAGE_PACK}) as response:
        answer = await response.json(content_type=None)
    if response.status != 200:
        return Verdict(answer["error_code"], answer["message"])
    (result,) = answer["offsets"]
    return Verdict(result["error_code"], result["error"] or "", answer["key_schema_id"], answer["value_schema_id"])


def _encode_part(part: Part) -> bytes:
    match part.format:
        case "binary":
            return base64.b64decode(part.data)
        case "string":
            return str(part.data).encode()
    return msgspec.json.encode(part.data)


Produce = Callable[..., Awaitable[Verdict]]
WAYS: Mapping[str, Produce] = {
    "v2 topic": produce_v2,
    "v2 partition": partial(produce_v2, path="/topics/{topic}/partitions/0"),
    "v2 records": partial(produce_v2, path="/records"),
    "v3 stream": produce_v3,
    "v3 batch": partial(produce_v3, path="records:batch"),
    "request": send_request,
    "reply": partial(send_request, path="replies"),
    "file": upload_line,
    "socket": send_message,
}
WITHOUT_IDS = frozenset({"request", "file", "socket"})
"""The ways that do not answer which schemas were used."""
AS_BYTES: Mapping[str, Produce] = {"MessagePack": produce_in_message_pack}
"""The ways whose keys and values are bytes, in a call that is one of the others, too."""
TOGETHER: Mapping[str, Produce] = {
    "v2 instance": produce_from_instance,
    "v2 atomic": partial(produce_v2, query="?atomic=true"),
    "v2 with a key": partial(produce_v2, has_key=True),
}
"""Ways that write all records of a request or none, in a transaction; dead letters are not written."""


def frame(schema_id: int, payload: bytes = b"") -> str:
    """Bytes with the prefix of a schema, in base64."""
    return base64.b64encode(struct.pack(">bi", 0, schema_id) + payload).decode()


class Stored(NamedTuple):
    key: bytes | None
    value: bytes | None
    headers: dict[str, Any]


def read_all(kafka: Cluster, topic: str) -> list[Stored]:
    """Return every record of partition 0."""
    consumer = Consumer(
        {"bootstrap.servers": kafka.bootstrap_servers, "group.id": "unused", "enable.auto.commit": False}
    )
    try:
        _, end = consumer.get_watermark_offsets(TopicPartition(topic, 0), timeout=30)
        consumer.assign([TopicPartition(topic, 0, 0)])
        records: list[Stored] = []
        while len(records) < end:
            message = consumer.poll(30)
            assert message is not None
            assert message.error() is None, message.error()
            headers: dict[str, Any] = dict(message.headers() or [])
            records.append(Stored(message.key(), message.value(), headers))
        return records
    finally:
        consumer.close()
