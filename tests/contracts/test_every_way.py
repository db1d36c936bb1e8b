"""A table of formats, framings, parts and policies: each record gets the same verdict on every way into a topic."""

import base64
import json
import random
import uuid
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import pytest

from karapace_like.web import files, proxy, proxy_v3, request_reply
from karapace_like.web.http.api_roles import ApiRole
from tests.contracts.policing import frame_bytes, in_base64, offer, put, register
from tests.contracts.producing import AS_BYTES, TOGETHER, WAYS, WITHOUT_IDS, Part
from tests.forms import shorten
from tests.kafka.service_in_process import Node

SCHEMAS: dict[str, Any] = {
    "AVRO": {
        "type": "record",
        "name": "Lift",
        "fields": [{"name": "floor", "type": "int"}, {"name": "note", "type": ["null", "string"]}],
    },
    "JSON": {
        "type": "object",
        "properties": {"floor": {"type": "integer"}, "note": {"type": ["string", "null"]}},
        "required": ["floor", "note"],
        "additionalProperties": False,
    },
    "PROTOBUF": 'syntax = "proto3"; message Lift { int32 floor = 1; optional string note = 2; }',
}
FORMATS = {"AVRO": "avro", "JSON": "jsonschema", "PROTOBUF": "protobuf"}
SETTINGS: dict[str, dict[str, Any]] = {
    "refuse": {"plain": "refuse"},
    "validate": {"plain": "validate"},
    "encode": {"plain": "encode"},
    "encode, of the subject": {"plain": "encode", "framed": "subject"},
    "allow, of the subject": {"framed": "subject"},
}


class Case(NamedTuple):
    """A record's part, and what becomes of it by the settings."""

    name: str
    part: Part
    headers: tuple[tuple[str, bytes], ...] = ()
    is_plain: bool = True
    is_good: bool = True
    """Whether it fits the schema; of a framed one, whether it names one of the subject's."""

    def is_accepted(self, setting: str) -> bool:
        if not self.is_plain:
            return self.is_good or "subject" not in setting
        return {"refuse": False, "allow, of the subject": True}.get(setting, self.is_good)


def generate_good(generator: random.Random) -> dict[str, Any]:
    return {"floor": generator.randint(-(2**31), 2**31 - 1), "note": generator.choice(["up", "", "größer \u2028"])}


def generate_bad(generator: random.Random) -> Any:
    good = generate_good(generator)
    return generator.choice(
        [
            {**good, "floor": "x"},
            {**good, "floor": 0.5},
            {**good, "rooms": 1},
            [good],
            "x",
            7,
            True,
            {**good, "note": [1]},
        ]
    )


class Subject(NamedTuple):
    kind: str
    schema_id: int
    guid: bytes
    foreign_id: int
    foreign_guid: bytes


def generate_cases(subject: Subject, part: str, generator: random.Random) -> Iterator[Case]:
    for is_good, generate in ((True, generate_good), (False, generate_bad)):
        data = generate(generator)
        text = json.dumps(data)
        word = "good" if is_good else "bad"
        yield Case(f"{word} json", Part("json", data), is_good=is_good)
        yield Case(f"{word} json as string", Part("string", text), is_good=is_good)
        yield Case(f"{word} json as binary", Part("binary", in_base64(text)), is_good=is_good)
    yield Case("no json as string", Part("string", "{"), is_good=False)
    yield Case("no json as binary", Part("binary", in_base64(b"\xff\x00")), is_good=False)
    header = f"__{part}_schema_id"
    for word, schema_id, guid in (
        ("own", subject.schema_id, subject.guid),
        ("foreign", subject.foreign_id, subject.foreign_guid),
    ):
        is_own = word == "own"
        prefixed = base64.b64encode(frame_bytes(schema_id, b"\0\0")).decode()
        yield Case(f"{word} id before the bytes", Part("binary", prefixed), is_plain=False, is_good=is_own)
        yield Case(
            f"{word} GUID in a header",
            Part("binary", in_base64(b"\0\0")),
            ((header, b"\x01" + guid),),
            is_plain=False,
            is_good=is_own,
        )
    good = generate_good(generator)
    if subject.kind == "AVRO":
        good["note"] = {"string": good["note"]}
    yield Case("its own format", Part(FORMATS[subject.kind], good, subject.schema_id), is_plain=False)


async def register_subject(node: Node, kind: str, subject: str, foreign: str) -> Subject:
    ids = [
        await register(node, subject, SCHEMAS[kind], kind),
        await register(node, foreign, '{"type": "enum", "name": "E", "symbols": ["A"]}'),
    ]
    guids = [uuid.UUID((await node.call("GET", f"/schemas/ids/{it}"))[1]["guid"]).bytes for it in ids]
    return Subject(kind, ids[0], guids[0], ids[1], guids[1])


def test_the_table_has_every_way() -> None:
    """A new call that produces fails here until it is one of the ways."""
    routes = (*proxy.ROUTES, *proxy_v3.ROUTES, *request_reply.ROUTES, *files.ROUTES)
    calls = [route.path for route in routes if route.method == "POST" and route.role is ApiRole.DATA]
    endings = ("/topics/{topic}", "/{partition}", "/records", "/records:batch", "/requests", "/replies", "/files")
    producing = [path for path in calls if path.endswith(endings)]
    of_instances = [path for path in producing if path.startswith("/consumers/")]
    # A WebSocket, the last of the ways, is opened with GET.
    assert (len(producing) - len(of_instances) + 1, len(of_instances)) == (len(WAYS), 1), producing
    assert all(path.startswith("/consumers/") for path in calls if path not in producing), calls


@pytest.mark.parametrize(("kind", "part"), shorten((kind, part) for kind in SCHEMAS for part in ("value", "key")))
async def test_every_way_gives_the_same_verdict(node: Node, topic: Callable[[], str], kind: str, part: str) -> None:
    name = topic()
    subject = await register_subject(node, kind, f"{name}-{part}", topic())
    generator = random.Random(f"{kind} {part}")
    ways = [*WAYS, *TOGETHER]
    for setting, policy in SETTINGS.items():
        if setting == "validate" and kind != "JSON":
            continue
        await put(node, name, {part: policy}, force="true")
        for case in generate_cases(subject, part, generator):
            verdicts = {
                way: await (
                    offer(node, way, name, Part("json", 1), *case.headers, key=case.part)
                    if part == "key"
                    else offer(node, way, name, case.part, *case.headers)
                )
                for way in (*ways, *(AS_BYTES if case.part.format == "binary" else ()))
            }
            codes = {way: verdict.code for way, verdict in verdicts.items()}
            expected = None if case.is_accepted(setting) else 422
            assert codes == dict.fromkeys(verdicts, expected), (setting, case, verdicts)
            assert len({verdict.message.removesuffix(" (record 0)") for verdict in verdicts.values()}) == 1
            ids = {verdict[2:] for way, verdict in verdicts.items() if way not in WITHOUT_IDS}
            assert len(ids) == 1, (setting, case, verdicts)
