"""Hostile texts meet a limit before any parser, in one pass."""

import pytest

from karapace_like.schema import limits
from karapace_like.schema.formats import parse
from karapace_like.schema.model import InvalidSchemaError, SchemaType, UnparsedSchema


@pytest.mark.parametrize(
    "text",
    [
        "[" * 100_000,
        '{"a":' * 100_000,
        "message A {" * 100_000,
        '"' + "\\" * 10,
        "\x00",
        '"\x00"',
        '"\ud800"',
        "[" * 201 + "]" * 201,
        "x" * (limits.MAX_BYTES + 1),
        "/*" * 300_000 + "[" * 300,
    ],
)
@pytest.mark.parametrize("schema_type", SchemaType)
def test_hostile_texts_are_refused_for_every_format(schema_type: SchemaType, text: str) -> None:
    """With the one error, and no crash."""
    with pytest.raises(InvalidSchemaError):
        parse(UnparsedSchema(schema_type, text), {})


@pytest.mark.parametrize(
    "text",
    [
        "[" * 200 + "]" * 200,
        '{"doc": "' + "[" * 1000 + '"}',
        "// " + "{" * 1000 + "\n",
        "/* " + "{" * 1000 + " */",
        "[]" * 5000,
    ],
)
def test_what_only_looks_deep_passes(text: str) -> None:
    """Brackets in strings and comments do not count, nor those that are closed. Passes if the check raises nothing."""
    limits.check(text)


def test_a_dependency_meets_the_same_limits() -> None:
    """Whoever registered it."""
    with pytest.raises(InvalidSchemaError):
        parse(UnparsedSchema(SchemaType.AVRO, '"int"'), {"a": "[" * 1000})
