"""Levels decide the direction, and how the outcome is told."""

import pytest

from karapace_like.schema import compatibility
from karapace_like.schema.formats import FORMATS, parse
from karapace_like.schema.model import CompatibilityLevel, ParsedSchema, SchemaType, UnparsedSchema

OLD = '{"type":"record","name":"R","fields":[{"name":"a","type":"int"}]}'
WIDER = '{"type":"record","name":"R","fields":[{"name":"a","type":"int"},{"name":"b","type":"int"}]}'


def avro(text: str) -> ParsedSchema:
    return parse(UnparsedSchema(SchemaType.AVRO, text), {})


@pytest.mark.parametrize(
    ("level", "adding", "removing"),
    [
        (CompatibilityLevel.NONE, True, True),
        (CompatibilityLevel.BACKWARD, False, True),
        (CompatibilityLevel.BACKWARD_TRANSITIVE, False, True),
        (CompatibilityLevel.FORWARD, True, False),
        (CompatibilityLevel.FORWARD_TRANSITIVE, True, False),
        (CompatibilityLevel.FULL, False, False),
        (CompatibilityLevel.FULL_TRANSITIVE, False, False),
    ],
)
def test_a_level_is_a_direction(level: CompatibilityLevel, *, adding: bool, removing: bool) -> None:
    """Adding a field without a default breaks new readers, removing one breaks old readers."""
    assert (not compatibility.compare(avro(WIDER), avro(OLD), level)) is adding
    assert (not compatibility.compare(avro(OLD), avro(WIDER), level)) is removing


def test_messages_name_the_schemas_by_direction() -> None:
    """The reader is new when going backward and old when going forward."""
    (backward,) = compatibility.compare(avro(WIDER), avro(OLD), CompatibilityLevel.BACKWARD)
    assert "in the new schema has no default value and is missing in the old schema" in backward.message
    (forward,) = compatibility.compare(avro(OLD), avro(WIDER), CompatibilityLevel.FORWARD)
    assert "in the old schema has no default value and is missing in the new schema" in forward.message


def test_a_report_quotes_rule_message_and_detail() -> None:
    """In the reference registry's form."""
    findings = compatibility.compare(avro(WIDER), avro(OLD), CompatibilityLevel.BACKWARD)
    (told,) = compatibility.report(avro(WIDER), findings)
    assert told.startswith("{errorType:'READER_FIELD_MISSING_DEFAULT_VALUE', description:'The field 'b' at path ")
    assert told.endswith("is missing in the old schema', additionalInfo:'b'}")


@pytest.mark.parametrize("schema_type", SchemaType)
def test_every_rule_has_an_example_that_breaks_it(schema_type: SchemaType) -> None:
    """What documentation shows is what the engine says."""
    for rule in FORMATS[schema_type].RULES.values():
        new, old = (parse(UnparsedSchema(schema_type, text), {}) for text in (rule.new, rule.old))
        found = compatibility.compare(new, old, CompatibilityLevel.BACKWARD)
        assert rule.name in {each.incompatibility.rule.name for each in found}, rule.name
