"""Tags inside of schema texts: added, removed, found and carried on, in each format."""

import pytest

from karapace_like.schema import formats
from karapace_like.schema.formats import FORMATS
from karapace_like.schema.model import InvalidSchemaError, SchemaType, UnparsedSchema
from karapace_like.schema.tags import Entity, EntityKind, TagChange

RECORD, FIELD = EntityKind.RECORD, EntityKind.FIELD

AVRO = (
    '{"type":"record","name":"Pump","namespace":"own","fields":['
    '{"name":"part","type":["null",{"type":"record","name":"Part","fields":[{"name":"code","type":"int"}]}]}]}'
)
JSON = (
    '{"type":"object","properties":{"parts":{"type":"array","items":{"type":"object","properties":{"code":{}}}},'
    '"kind":{"oneOf":[{"type":"null"},{"type":"object","properties":{"name":{"type":"string"}}}]}},'
    '"definitions":{"Part":{"type":"object"}}}'
)
PROTOBUF = (
    'syntax = "proto3";\npackage own;\n\nmessage Pump {\n  string serial = 1;\n\n  oneof either {\n    int32 bar = 2;\n'
    "  }\n\n  message Part {\n    int32 code = 1;\n  }\n}\n"
)
TEXTS = {SchemaType.AVRO: AVRO, SchemaType.JSON: JSON, SchemaType.PROTOBUF: PROTOBUF}

ENTITIES = [
    (SchemaType.AVRO, "own.Pump", RECORD),
    (SchemaType.AVRO, "own.Pump.part", FIELD),
    (SchemaType.AVRO, "own.Part", RECORD),
    (SchemaType.AVRO, "own.Part.code", FIELD),
    (SchemaType.JSON, "object", RECORD),
    (SchemaType.JSON, "object.parts", FIELD),
    (SchemaType.JSON, "object.parts.array.object", RECORD),
    (SchemaType.JSON, "object.parts.array.object.code", FIELD),
    (SchemaType.JSON, "object.kind.oneof.1.object.name", FIELD),
    (SchemaType.JSON, "object.definitions.Part", RECORD),
    (SchemaType.PROTOBUF, ".Pump", RECORD),
    (SchemaType.PROTOBUF, ".Pump.serial", FIELD),
    (SchemaType.PROTOBUF, ".Pump.bar", FIELD),
    (SchemaType.PROTOBUF, ".Pump.Part", RECORD),
    (SchemaType.PROTOBUF, ".Pump.Part.code", FIELD),
]


def changed(schema_type: SchemaType, text: str, *changes: TagChange) -> str:
    return FORMATS[schema_type].change_tags(formats.parse(UnparsedSchema(schema_type, text), {}), changes)


def tags(schema_type: SchemaType, text: str) -> dict[Entity, list[str]]:
    parsed = formats.parse(UnparsedSchema(schema_type, text), {})
    return {entity: list(found) for entity, found in FORMATS[schema_type].list_tags(parsed).items() if found}


@pytest.mark.parametrize(("schema_type", "path", "kind"), ENTITIES)
def test_an_entity_is_tagged_found_and_untagged(schema_type: SchemaType, path: str, kind: EntityKind) -> None:
    """Only this entity gets the tags, and without them the text is as it was but for the options' import."""
    entity = Entity(path, kind)
    text = changed(schema_type, TEXTS[schema_type], TagChange(entity, added=("PII", "KEY")))
    found = tags(schema_type, text)
    assert found.pop(entity) == ["PII", "KEY"]
    assert {each.path for each in found} <= {path + ".object"}
    text = changed(schema_type, text, TagChange(entity, added=("NEW", "PII"), removed=("KEY",)))
    assert tags(schema_type, text)[entity] == ["PII", "NEW"]
    text = changed(schema_type, text, TagChange(entity, removed=("PII", "NEW", "OTHER")))
    assert text.replace('import "confluent/meta.proto";\n\n', "") == TEXTS[schema_type]


@pytest.mark.parametrize(
    ("schema_type", "path", "kind"),
    [
        (SchemaType.AVRO, "own.Pump.none", FIELD),
        (SchemaType.AVRO, "own.Pump", FIELD),
        (SchemaType.AVRO, "Pump", RECORD),
        (SchemaType.AVRO, "", RECORD),
        (SchemaType.JSON, "object.none", FIELD),
        (SchemaType.JSON, "array", RECORD),
        (SchemaType.JSON, "object.kind.oneof.9.object", RECORD),
        (SchemaType.PROTOBUF, ".own.Pump", RECORD),
        (SchemaType.PROTOBUF, "..Pump", RECORD),
        (SchemaType.PROTOBUF, ".Pump.serial", RECORD),
        (SchemaType.PROTOBUF, ".Pump.other.bar", FIELD),
    ],
)
def test_a_path_that_leads_nowhere_is_refused(schema_type: SchemaType, path: str, kind: EntityKind) -> None:
    """The message names it."""
    with pytest.raises(InvalidSchemaError, match="No matching path") as raised:
        changed(schema_type, TEXTS[schema_type], TagChange(Entity(path, kind), added=("PII",)))
    assert f"'{path}'" in str(raised.value)


def test_protobuf_paths_need_no_leading_dot_and_may_name_the_oneof() -> None:
    """Both spellings mean the same field."""
    text = PROTOBUF
    for path in ("Pump.bar", "Pump.either.bar"):
        text = changed(SchemaType.PROTOBUF, text, TagChange(Entity(path, FIELD), added=(path[-5:],)))
    assert tags(SchemaType.PROTOBUF, text) == {Entity(".Pump.bar", FIELD): ["p.bar", "r.bar"]}


def test_other_protobuf_options_and_docs_stay() -> None:
    """Every spelling of the tags becomes one; what is no tag keeps its place."""
    text = (
        'syntax = "proto3";\nimport "confluent/meta.proto";\nmessage M {\n  int32 x = 1 [deprecated = true, '
        '(confluent.field_meta).doc = "why", (confluent.field_meta).tags = "A", '
        '(confluent.field_meta).tags = "B"];\n}\n'
    )
    text = changed(SchemaType.PROTOBUF, text, TagChange(Entity(".M.x", FIELD), added=("C",), removed=("A",)))
    assert tags(SchemaType.PROTOBUF, text) == {Entity(".M.x", FIELD): ["B", "C"]}
    assert "deprecated = true" in text
    assert 'doc: "why"' in text


@pytest.mark.parametrize(
    ("schema_type", "expected"),
    [(SchemaType.AVRO, ["part"]), (SchemaType.JSON, ["parts", "kind"]), (SchemaType.PROTOBUF, ["serial", "bar"])],
)
def test_the_fields_at_the_top_are_known(schema_type: SchemaType, expected: list[str]) -> None:
    """Those of the record, the object, or the first message."""
    parsed = formats.parse(UnparsedSchema(schema_type, TEXTS[schema_type]), {})
    assert list(FORMATS[schema_type].list_top_fields(parsed)) == expected
