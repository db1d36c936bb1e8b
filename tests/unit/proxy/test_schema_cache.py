"""Codecs of schemas that are large."""

import asyncio
from typing import Any

import msgspec
import pytest

from karapace_like.proxy.ports import RegisteredSchema
from karapace_like.proxy.schemas import SchemaCache
from karapace_like.schema.model import InvalidSchemaError, SchemaId, SchemaType, UnparsedSchema

LARGE = 'syntax = "proto3";\n' + "\n".join(f"message Floor{at} {{ int32 number = 1; }}" for at in range(1000))


def protobuf(text: str) -> RegisteredSchema:
    return RegisteredSchema(SchemaId(1), UnparsedSchema(SchemaType.PROTOBUF, text), {})


def cache() -> SchemaCache:
    no_registry: Any = None
    return SchemaCache(no_registry)


async def test_a_large_schema_s_codec_is_made_off_the_event_loop_and_once() -> None:
    """Others get their turn meanwhile, and all who wait get the same codec; later it is there at once."""
    schemas = cache()
    waiting = [asyncio.create_task(schemas.codec_of(protobuf(LARGE), "s")) for _ in range(2)]
    await asyncio.sleep(0)
    assert not any(each.done() for each in waiting)
    first, second = await asyncio.gather(*waiting)
    assert first is second is await schemas.codec_of(protobuf(LARGE), "s")
    assert msgspec.json.encode(first.decode(first.encode(b'{"number": 3}'))) == b'{"number":3}'


async def test_who_gives_up_does_not_take_the_codec_from_others() -> None:
    schemas = cache()
    impatient, patient = (asyncio.create_task(schemas.codec_of(protobuf(LARGE), "s")) for _ in range(2))
    await asyncio.sleep(0)
    impatient.cancel()
    assert (await patient).encode(b"{}") is not None
    assert impatient.cancelled()


async def test_a_large_schema_that_is_none_is_refused_each_time() -> None:
    """The failure is not kept."""
    schemas = cache()
    for _ in range(2):
        with pytest.raises(InvalidSchemaError):
            await schemas.codec_of(protobuf(LARGE + "message {"), "s")
