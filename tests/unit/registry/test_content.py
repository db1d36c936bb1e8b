"""When two contents are equal: when they are one schema with the same references, metadata and rules."""

import itertools

import pytest

from karapace_like.registry.content import Content
from karapace_like.schema.model import Reference, SchemaType, Subject, Version

REFERENCE = Reference("r", Subject("s"), Version(1))
UNEQUAL = [
    Content(SchemaType.AVRO, '"int"'),
    Content(SchemaType.JSON, '"int"'),
    Content(SchemaType.AVRO, '"long"'),
    Content(SchemaType.AVRO, '"int"', (REFERENCE,)),
    Content(SchemaType.AVRO, '"int"', (Reference("", Subject("rs"), Version(1)),)),
    Content(SchemaType.AVRO, '"int"', (REFERENCE, REFERENCE)),
    Content(SchemaType.AVRO, '"int"', (), {}),
    Content(SchemaType.AVRO, '"int"', (REFERENCE,), {}),
    Content(SchemaType.AVRO, '"int"', (), {"properties": {"a": 1}}),
    Content(SchemaType.AVRO, '"int"', (), {"properties": {"a": True}}),
    Content(SchemaType.AVRO, '"int"', (), {"properties": {"a": 1.5}}),
    Content(SchemaType.AVRO, '"int"', (), {}, {"domainRules": []}),
]


def test_contents_that_differ_in_anything_are_unequal() -> None:
    """Also as JSON tells values apart, where Python does not."""
    for one, other in itertools.combinations(UNEQUAL, 2):
        assert one != other
        assert other != one
    assert len(set(UNEQUAL)) == len(UNEQUAL)
    assert UNEQUAL[0] != '"int"'


@pytest.mark.parametrize("content", UNEQUAL)
def test_equal_contents_have_one_key_whatever_was_asked_of_them(content: Content) -> None:
    text = content.text.encode().decode()
    same = Content(content.type, text, tuple(content.references), content.metadata, content.rule_set)
    assert content.guid
    assert same == content
    assert (same.key, hash(same), same.digest) == (content.key, hash(content), content.digest)


def test_the_order_of_metadata_does_not_count() -> None:
    one, other = {"properties": {"a": "b", "c": "d"}}, {"properties": {"c": "d", "a": "b"}}
    assert Content(SchemaType.AVRO, "x", (), one) == Content(SchemaType.AVRO, "x", (), other)


def test_the_guid_is_that_of_the_text_where_there_is_no_more() -> None:
    assert Content(SchemaType.AVRO, '"int"').guid == "ef524ea1-b91e-7317-3d93-8ade36c1db32"
