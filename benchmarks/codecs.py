"""What one record costs in each codec, next to what the usual libraries take for the same, in one run.

    python benchmarks/codecs.py [rounds]

Microseconds are the best of all rounds and depend on the machine; the ratio to the first line of a block does not
depend on it much. A record has seven fields, nullable unions and a nested record; JSON text is what goes in and out.
"""

import functools
import io
import json
import os
import sys
import timeit
from collections.abc import Callable
from typing import Any

import fastavro
import jsonschema
import msgspec
from google.protobuf import json_format
from google.protobuf.message_factory import GetMessageClass

from karapace_like.schema.model import SchemaType, Strictness, UnparsedSchema
from karapace_like.schema.protobuf import descriptor_set, parse
from karapace_like.serde.codec import Codec
from karapace_like.serde.formats import codec
from karapace_like.serde.protobuf.descriptors import Descriptors
from karapace_like.serde.schemaless import SCHEMALESS, in_json

AVRO: dict[str, Any] = {
    "type": "record",
    "name": "Order",
    "namespace": "shop",
    "fields": [
        {"name": "id", "type": "long"},
        {"name": "customer", "type": "string"},
        {"name": "note", "type": ["null", "string"]},
        {"name": "total", "type": "double"},
        {"name": "paid", "type": "boolean"},
        {"name": "placed", "type": ["null", "long"]},
        {
            "name": "address",
            "type": {
                "type": "record",
                "name": "Address",
                "fields": [
                    {"name": "street", "type": "string"},
                    {"name": "city", "type": "string"},
                    {"name": "zip", "type": ["null", "string"]},
                ],
            },
        },
    ],
}
JSON_SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "id": {"type": "integer"},
        "customer": {"type": "string"},
        "note": {"type": ["null", "string"]},
        "total": {"type": "number"},
        "paid": {"type": "boolean"},
        "placed": {"type": ["null", "integer"]},
        "address": {
            "type": "object",
            "properties": {
                "street": {"type": "string"},
                "city": {"type": "string"},
                "zip": {"type": ["null", "string"]},
            },
            "required": ["street", "city"],
        },
    },
    "required": ["id", "customer"],
}
PROTOBUF = """
syntax = "proto3";
message Order {
  int64 id = 1; string customer = 2; optional string note = 3; double total = 4; bool paid = 5;
  optional int64 placed = 6; Address address = 7;
  message Address { string street = 1; string city = 2; optional string zip = 3; }
}
"""
PLAIN: dict[str, Any] = {
    "id": 1234567,
    "customer": "Jane Doe",
    "note": "leave at the door",
    "total": 99.95,
    "paid": True,
    "placed": 1700000000000,
    "address": {"street": "Main 1", "city": "Bern", "zip": "3000"},
}
UNIONS: dict[str, Any] = PLAIN | {
    "note": {"string": PLAIN["note"]},
    "placed": {"long": PLAIN["placed"]},
    "address": PLAIN["address"] | {"zip": {"string": "3000"}},
}


def block(title: str, rounds: int, **calls: Callable[[], object]) -> None:
    """Time the calls in turns, so that a busy moment of the machine falls on all of them."""
    best = dict.fromkeys(calls, float("inf"))
    for _ in range(rounds):
        for name, call in calls.items():
            best[name] = min(best[name], timeit.timeit(call, number=2000) / 2000 * 1e6)
    first = next(iter(best.values()))
    for name, cost in best.items():
        print(f"{title:20} {name.replace('_', ' '):44} {cost:8.2f} us  {cost / first:6.2f}")


def avro(rounds: int, made: Codec) -> None:
    schema = fastavro.parse_schema(AVRO)
    text, plain = json.dumps(UNIONS).encode(), json.dumps(PLAIN).encode()
    payload = made.encode(text)

    def write() -> bytes:
        stream = io.BytesIO()
        fastavro.schemaless_writer(stream, schema, msgspec.json.decode(plain))
        return stream.getvalue()

    assert write() == payload == made.encode(plain)
    block(
        "avro encode",
        rounds,
        codec=lambda: made.encode(text),
        codec_with_plain_unions=lambda: made.encode(plain),
        msgspec_and_fastavro_with_plain_unions=write,
        fastavro_json_reader=lambda: list(fastavro.json_reader(io.StringIO(text.decode()), schema)),
    )
    block(
        "avro decode",
        rounds,
        codec=lambda: made.decode(payload),
        fastavro_and_msgspec_without_unions=lambda: msgspec.json.encode(
            fastavro.schemaless_reader(io.BytesIO(payload), schema, None)
        ),
    )


def json_schema(rounds: int, made: Codec) -> None:
    text = json.dumps(PLAIN).encode()
    validator = jsonschema.Draft7Validator(JSON_SCHEMA)
    block(
        "json schema encode",
        rounds,
        codec=lambda: made.encode(text),
        jsonschema=lambda: validator.validate(json.loads(text)),
    )


def protobuf(rounds: int, made: Codec) -> None:
    text = json.dumps(PLAIN).encode()
    payload = made.encode(text)
    message = GetMessageClass(Descriptors(descriptor_set(parse(PROTOBUF, {}, Strictness.STRICT))).messages[0,])
    block(
        "protobuf encode",
        rounds,
        codec=lambda: made.encode(text),
        json_format=lambda: json_format.Parse(text, message()).SerializeToString(),
    )
    block(
        "protobuf decode",
        rounds,
        codec=lambda: made.decode(payload),
        json_format=lambda: json_format.MessageToJson(message.FromString(payload[1:])),
    )


def _shown(made: Codec, payload: bytes) -> bytes:
    """As in an answer."""
    return msgspec.json.encode(in_json(made.decode(payload)))


def schemaless(rounds: int) -> None:
    text = json.dumps(PLAIN).encode()
    binary, plain = SCHEMALESS["binary"], SCHEMALESS["json"]
    block("json", rounds, codec=lambda: plain.encode(text), json_loads=lambda: json.loads(text))
    for size in (75, 600, 1024, 4096):
        payload = os.urandom(size)
        string = msgspec.json.encode(payload)
        block(
            f"binary, {size} bytes in",
            rounds,
            codec=functools.partial(binary.encode, string),
            msgspec=functools.partial(msgspec.json.decode, string, type=bytes),
        )
        block(
            f"binary, {size} bytes out",
            rounds,
            codec=functools.partial(_shown, binary, payload),
            msgspec=functools.partial(msgspec.json.encode, payload),
        )


def main() -> None:
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 20
    made = functools.partial(codec, dependencies={})
    avro(rounds, made(UnparsedSchema(SchemaType.AVRO, json.dumps(AVRO))))
    json_schema(rounds, made(UnparsedSchema(SchemaType.JSON, json.dumps(JSON_SCHEMA))))
    protobuf(rounds, made(UnparsedSchema(SchemaType.PROTOBUF, PROTOBUF)))
    schemaless(rounds)


if __name__ == "__main__":
    main()
