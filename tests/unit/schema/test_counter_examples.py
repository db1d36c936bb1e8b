"""A verdict of "incompatible" is no opinion: a rule's example has a value that only the old schema can deal with.

Values are drawn from a pool (JSON), by fastavro's own generator, or by filling every field of a message. The rules
whose example has no such value are named, with the reason.
"""

import io
import itertools
import json
from collections.abc import Iterator
from typing import Any

import fastavro
import pytest
from fastavro.utils import generate_many
from google.protobuf import descriptor_pool, message_factory
from google.protobuf.descriptor_pb2 import FileDescriptorSet
from google.protobuf.message import DecodeError, Message
from jsonschema import Draft7Validator
from jsonschema.validators import validator_for

from karapace_like.schema import avro, json_schema, protobuf
from karapace_like.schema.model import Rule, Strictness

WITHOUT_COUNTER_EXAMPLE = {
    "AMBIGUOUS_FIELD_ALIASES": "fastavro takes whichever field comes last",
    "COMBINED_TYPE_CHANGED": "the alternatives of the example exclude each other",
    "FIELD_NAMED_TYPE_CHANGED": "the two messages of the example are empty",
}
RULES = [*avro.RULES.values(), *json_schema.RULES.values(), *protobuf.RULES.values()]


def instances() -> Iterator[Any]:
    """JSON values of every kind and of the sizes that the examples speak of."""
    scalars = [None, True, 0, 1, 2, 3, 4, 6, 10, 2.5, "", "a", "b", "c", "ax", "bx", "axxxxx", "xxxx", "xxxxxx"]
    yield from scalars
    for length in range(7):
        yield from ([each] * length for each in ("x", 1, True))
        yield list(range(length))
        yield {f"p{number}": "x" for number in range(length)}
    for size in range(4):
        for names in itertools.combinations("abc", size):
            yield from (dict.fromkeys(names, value) for value in ("x", 1))


def json_counter_example(rule: Rule) -> Any:
    schemas = (json.loads(text) for text in (rule.old, rule.new))
    old, new = (validator_for(schema, default=Draft7Validator)(schema) for schema in schemas)
    return next((each for each in instances() if old.is_valid(each) and not new.is_valid(each)), None)


def avro_counter_example(rule: Rule) -> Any:
    old, new = (fastavro.parse_schema(json.loads(text)) for text in (rule.old, rule.new))
    for datum in generate_many(old, 100):
        written = io.BytesIO()
        fastavro.schemaless_writer(written, old, datum)
        written.seek(0)
        try:
            fastavro.schemaless_reader(written, old, new)
        except fastavro.read.SchemaResolutionError:
            return datum
    return None


def message_class(text: str) -> type[Message] | None:
    """The example's message Crate; None if the schema does not have it under its old name."""
    pool = descriptor_pool.DescriptorPool()
    for file in FileDescriptorSet.FromString(protobuf.descriptor_set(protobuf.parse(text, {}, Strictness.STRICT))).file:
        pool.Add(file)
    try:
        return message_factory.GetMessageClass(pool.FindMessageTypeByName("shop.Crate"))
    except KeyError:
        return None


def protobuf_counter_example(rule: Rule) -> Any:
    writer, reader = message_class(rule.old), message_class(rule.new)
    assert writer is not None
    written = writer()
    for field in writer.DESCRIPTOR.fields:
        value = "x" if field.cpp_type == field.CPPTYPE_STRING else 1
        if field.is_repeated:
            getattr(written, field.name).extend([1, 2])
        elif field.message_type is None:
            setattr(written, field.name, value)
    if reader is None:
        return written
    try:
        read = reader.FromString(written.SerializeToString())
    except DecodeError:
        return written
    if not read.IsInitialized():
        return written
    read.DiscardUnknownFields()
    return None if writer.FromString(read.SerializeToString()) == written else written


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_an_incompatible_example_has_a_value_that_the_new_schema_cannot_deal_with(rule: Rule) -> None:
    """Unless the reason why not is known."""
    by_format = (
        (avro.RULES, avro_counter_example),
        (json_schema.RULES, json_counter_example),
        (protobuf.RULES, protobuf_counter_example),
    )
    (find,) = (find for rules, find in by_format if rules.get(rule.name) is rule)
    assert (find(rule) is None) == (rule.name in WITHOUT_COUNTER_EXAMPLE)
