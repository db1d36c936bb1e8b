"""Where an incompatibility is in a text: the sign § in an example stands before what its path means."""

from collections.abc import Mapping

import pytest

from karapace_like.schema import formats
from karapace_like.schema.files import Source, SourceLocation
from karapace_like.schema.formats import FORMATS
from karapace_like.schema.model import CompatibilityPolicy, Rule, SchemaType, Strictness, UnparsedSchema

AVRO, JSON, PROTOBUF = SchemaType.AVRO, SchemaType.JSON, SchemaType.PROTOBUF

EXAMPLES = [
    (AVRO, "/", '{"type": "record", §"name": "R", "fields": []}', True),
    (AVRO, "/fields/1", '{"fields": [{"name": "a", "type": "int"}, {§"name": "b", "type": "int"}], "name": "R"}', True),
    (AVRO, "/fields/0/type", '{"type": "record", "name": "R", "fields": [{"name": "a", §"type": "int"}]}', True),
    (AVRO, "/items/values", '{"type": "array", "items": {"type": "map", §"values": "int"}}', True),
    (AVRO, "/symbols", '// a comment\n{"type": "enum", /* "symbols": */ "name": "E", §"symbols": ["A\\"B"]}', True),
    (AVRO, "/size", '{"type": "fixed", "name": "F", §"size": 3}', True),
    (AVRO, "/0", '§["null", "int"]', True),
    (
        AVRO,
        "/fields/0/type/1/fields/0/type",
        '{"type": "record", "name": "R", "fields": [{"name": "next", §"type": ["null", "R"]}]}',
        False,
    ),
    (
        AVRO,
        "/fields/1/type/items/fields/0/type",
        (
            '{"type": "record", "name": "a.R", "fields": [{"name": "x", "type":'
            ' {"type": "record", "name": "b.S", "fields": [{"name": "y", §"type": "int"}]}},'
            ' {"name": "z", "type": {"type": "array", "items": "b.S"}}]}'
        ),
        True,
    ),
    (AVRO, "/fields/7", '{"type": "record", "name": "R", §"fields": []}', False),
    (JSON, "#/", '§{"type": "object"}', True),
    (JSON, "#/properties/a/maxLength", '{"properties": {"a": {§"maxLength": 3}}}', True),
    (JSON, "#/properties/a/b/maxLength", '{"properties": {"a/b": {§"maxLength": 3}}}', True),
    (JSON, "#/allOf/1/minimum", '{"allOf": [{}, {§"minimum": 3}]}', True),
    (JSON, "#/required/b", '{"required": ["a", §"b"]}', True),
    (
        JSON,
        "#/properties/a/type",
        '{"properties": {"a": {"$ref": "#/$defs/A"}}, "$defs": {"A": {§"type": "null"}}}',
        True,
    ),
    (JSON, "#/properties/a/type", '{§"properties": {"\\u0061\\n": {}, "b": {}}}', False),
    (JSON, "#/properties/a/type", '{"properties": {§"a": {"$ref": "#/properties/a"}}}', False),
    (PROTOBUF, "#/", 'syntax = "proto3";\n§package a.b;\n', True),
    (PROTOBUF, "#/M/1", "message M {\n  // message N { int32 x = 1; }\n  §optional string a = 1;\n}", True),
    (
        PROTOBUF,
        "#/M/N/2",
        "message M { message N { int32 a = 1; §int32 b = 2 [deprecated = true]; } int32 c = 2; }",
        True,
    ),
    (PROTOBUF, "#/M/choice/2", "message M { oneof choice { int32 a = 1; §int32 b = 2; } }", True),
    (PROTOBUF, "#/M/2", "message M { option (o) = { a: 1; b { c: 2 } }; §map<string, N> b = 2; }", True),
    (PROTOBUF, "#/M/1/2", "message M { N n = 1; } message N { §string s = 2; }", True),
    (PROTOBUF, "#/M/3", 'message L { string s = 1 [default = "}"]; } message M { reserved 4; §bytes b = 3; }', True),
    (PROTOBUF, "#/M/9", "message L {} §message M { int32 a = 1; }", False),
]


@pytest.mark.parametrize(("schema_type", "path", "marked", "is_exact"), EXAMPLES)
def test_a_path_leads_to_its_place(schema_type: SchemaType, path: str, marked: str, *, is_exact: bool) -> None:
    source = Source(marked.replace("§", ""), {})
    found = FORMATS[schema_type].locate(source, path, source)
    assert found == SourceLocation("", marked.index("§"), is_exact)


@pytest.mark.parametrize(
    ("schema_type", "path", "text", "dependencies", "document"),
    [
        (
            AVRO,
            "/fields/0/type/fields/0/type",
            '{"type": "record", "name": "n.R", "fields": [{"name": "a", "type": "S"}]}',
            {"n.S": '{"type": "record", "name": "n.S", "fields": [{"name": "b", §"type": "int"}]}'},
            "n.S",
        ),
        (
            JSON,
            "#/properties/a/minimum",
            '{"$id": "https://shop/order.json", "properties": {"a": {"$ref": "line.json#/$defs/N"}}}',
            {"https://shop/line.json": '{"$defs": {"N": {§"minimum": 3}}}'},
            "https://shop/line.json",
        ),
        (
            PROTOBUF,
            "#/M/1/4",
            'import "n.proto"; message M { shop.N n = 1; }',
            {"n.proto": "package shop; message N { §int32 a = 4; }"},
            "n.proto",
        ),
    ],
)
def test_a_path_leads_into_what_is_referred_to(
    schema_type: SchemaType, path: str, text: str, dependencies: Mapping[str, str], document: str
) -> None:
    source = Source(text, {name: each.replace("§", "") for name, each in dependencies.items()})
    found = FORMATS[schema_type].locate(source, path, source)
    assert found == SourceLocation(document, dependencies[document].index("§"))


@pytest.mark.parametrize(
    ("schema_type", "rule"), [(each, rule) for each in SchemaType for rule in FORMATS[each].RULES.values()]
)
def test_every_incompatibility_has_a_place_on_both_sides(schema_type: SchemaType, rule: Rule) -> None:
    form = FORMATS[schema_type]
    new, old = (
        formats.parse(UnparsedSchema(schema_type, text), {}, Strictness.STORED) for text in (rule.new, rule.old)
    )
    for found in form.find_incompatibilities(new, old, CompatibilityPolicy.STRICT):
        reader = Source(rule.new, {})
        for text in (rule.new, rule.old):
            assert 0 <= form.locate(Source(text, {}), found.path, reader).offset < len(text)
