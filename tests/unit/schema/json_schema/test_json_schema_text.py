"""JSON Schema texts: what is stored for a text, and which texts are refused."""

import pytest

from karapace_like.schema import formats, json_schema
from karapace_like.schema.model import InvalidSchemaError, SchemaType, Strictness, UnparsedSchema


def parse(text: str, strictness: Strictness = Strictness.STRICT) -> json_schema.Parsed:
    parsed = formats.parse(UnparsedSchema(SchemaType.JSON, text), {}, strictness)
    assert isinstance(parsed, json_schema.Parsed)
    return parsed


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        (' { "type" : "string" }\n', '{"type":"string"}'),
        ('{"b":1,"a":2}', '{"b":1,"a":2}'),
        ('{"type":"string","title":"x","type":"integer"}', '{"type":"integer","title":"x"}'),
        ('{"minimum":1e0}', '{"minimum":1}'),
        ('{"minimum":1e10}', '{"minimum":1E+10}'),
        ('{"minimum":1.0}', '{"minimum":1.0}'),
        ('{"minimum":0.10}', '{"minimum":0.10}'),
        ('{"minimum":-0.0}', '{"minimum":0.0}'),
        ('{"minimum":0.0000001}', '{"minimum":1E-7}'),
        ('{"minimum":123456789012345678901234567890}', '{"minimum":123456789012345678901234567890}'),
        ('{"minimum":0.1234567890123456789012345}', '{"minimum":0.1234567890123456789012345}'),
        ('{"title":"\\u00e9\\/\\ud83d\\ude00"}', '{"title":"é/😀"}'),
        ('{"title":"\\u000b\\u001f\\n\\"\\\\"}', '{"title":"\\u000B\\u001F\\n\\"\\\\"}'),
        ('{"x":[null,true,false,{},[]]}', '{"x":[null,true,false,{},[]]}'),
        ("true", "true"),
        ("{} trailing words are ignored", "{}"),
    ],
)
def test_the_canonical_text_keeps_key_order_and_drops_form(text: str, canonical: str) -> None:
    assert json_schema.canonicalise(parse(text)) == canonical


def test_the_normalized_text_sorts_keys_at_every_depth_but_no_arrays() -> None:
    parsed = parse(
        '{"required":["z","a"],"properties":{"z":{"type":"null","title":"t"},"a":{}},"allOf":[{"b":1,"a":2}]}'
    )
    assert json_schema.normalize(parsed) == (
        '{"allOf":[{"a":2,"b":1}],"properties":{"a":{},"z":{"title":"t","type":"null"}},"required":["z","a"]}'
    )


def test_keys_sort_as_java_sorts_them() -> None:
    assert json_schema.normalize(parse('{"\uff61":1,"\U0001f600":2}')) == '{"\U0001f600":2,"\uff61":1}'


def test_a_format_that_does_not_exist_gives_the_canonical_text() -> None:
    assert json_schema.format_text(parse('{"b":1, "a":2}'), "serialized") == '{"b":1,"a":2}'


@pytest.mark.parametrize(
    ("text", "name"),
    [('{"title":"com.x.Order"}', "com.x.Order"), ('{"type":"string"}', None), ("true", None)],
)
def test_the_record_name_is_the_title(text: str, name: str | None) -> None:
    assert json_schema.find_record_name(parse(text)) == name


@pytest.mark.parametrize(
    "text",
    [
        "",
        "  ",
        "nul",
        "truex",
        "{",
        '{"type":"string",}',
        "{'type':'string'}",
        '{"minimum":NaN}',
        '{"minimum":Infinity}',
        '{"minimum":01}',
        '{"minimum":1e99999}',
        '{"minimum":' + "1" * 5000 + "}",
        '{"title":"\\ud800"}',
        '{"title":"a\nb"}',
        '{"title":"a\x00b"}',
        "\ufeff{}",
        "null",
        "[]",
        "7",
        '"text"',
        '{"not":' * 201 + "true" + "}" * 201,
        "[" * 1_000_000,
    ],
    ids=lambda text: repr(text[:30]),
)
def test_what_is_no_json_schema_is_refused(text: str) -> None:
    with pytest.raises(InvalidSchemaError):
        parse(text)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"$schema":5}', "$schema is not a string"),
        ('{"properties":{"a":{"type":"text"}}}', "#/properties/a/type is not a type of JSON Schema"),
        ('{"type":["string",5]}', "#/type is not a type of JSON Schema"),
        ('{"required":"a"}', "#/required is not an array of strings"),
        ('{"required":[1]}', "#/required is not an array of strings"),
        ('{"properties":[]}', "#/properties is not an object"),
        ('{"properties":{"a":1}}', "#/properties/a is not a schema"),
        ('{"items":"x"}', "#/items is not a schema"),
        ('{"items":[{},{"minItems":"1"}]}', "#/items/1/minItems is not a number"),
        ('{"minLength":1.5}', "#/minLength is not an integer"),
        ('{"maximum":true}', "#/maximum is not a number"),
        ('{"exclusiveMaximum":true}', "#/exclusiveMaximum is not a number"),
        ('{"multipleOf":0}', "#/multipleOf is not a number other than 0"),
        ('{"uniqueItems":1}', "#/uniqueItems is not a boolean"),
        ('{"enum":{}}', "#/enum is not an array"),
        ('{"anyOf":{}}', "#/anyOf is not an array"),
        ('{"not":[]}', "#/not is not a schema"),
        ('{"if":"x"}', "#/if is not a schema"),
        ('{"dependencies":{"a":5}}', "#/dependencies/a is not a schema"),
        ('{"dependencies":{"a":[5]}}', "#/dependencies/a is not an array of strings"),
        ('{"title":5}', "#/title is not a string"),
        ('{"pattern":5}', "#/pattern is not a string"),
        ('{"$ref":5}', "#/$ref is not a string"),
        ('{"$id":5}', "#/$id is not a string"),
    ],
)
def test_a_refusal_says_where_and_why(text: str, message: str) -> None:
    with pytest.raises(InvalidSchemaError) as refusal:
        parse(text)
    assert str(refusal.value) == message


@pytest.mark.parametrize(
    ("draft", "text", "valid"),
    [
        ("http://json-schema.org/draft-04/schema#", '"properties":{"a":true},"not":false,"anyOf":[true]', True),
        ("http://json-schema.org/draft-04/schema#", '"items":true', False),
        ("http://json-schema.org/draft-04/schema#", '"dependencies":{"a":true}', False),
        ("http://json-schema.org/draft-04/schema#", '"if":"x","contains":"x","const":{},"propertyNames":1', True),
        ("http://json-schema.org/draft-04/schema#", '"minimum":1,"exclusiveMinimum":true', True),
        ("http://json-schema.org/draft-06/schema#", '"minimum":1,"exclusiveMinimum":true', False),
        ("http://json-schema.org/draft-06/schema#", '"propertyNames":1', False),
        ("http://json-schema.org/draft-06/schema#", '"if":"x"', True),
        ("http://json-schema.org/draft-07/schema#", '"items":[{},{}],"readOnly":true', True),
        ("http://json-schema.org/draft-07/schema#", '"readOnly":"yes"', False),
        ("http://json-schema.org/draft-07/schema#", '"$ref":"#","type":"nonsense"', True),
        ("https://json-schema.org/draft/2019-09/schema", '"items":[{},{}]', False),
        ("https://json-schema.org/draft/2020-12/schema", '"prefixItems":[{},{}],"items":false', True),
        ("https://json-schema.org/draft/2020-12/schema", '"$ref":"#","type":"nonsense"', False),
        ("https://json-schema.org/draft/2020-12/schema", '"dependencies":{"a":5},"additionalItems":5', True),
        ("https://json-schema.org/draft/2020-12/schema", '"minLength":1.5,"maxItems":2.0,"multipleOf":0', True),
        ("https://json-schema.org/draft/2020-12/schema", '"minLength":"1"', False),
        ("https://json-schema.org/draft/2020-12/schema", '"definitions":[],"$defs":{"a":true}', True),
        ("https://json-schema.org/draft/2020-12/schema", '"$defs":[]', False),
        ("https://json-schema.org/draft/2020-12/schema", '"$defs":{"a":{"type":5}}', False),
        ("https://json-schema.org/draft/2020-12/schema", '"deprecated":"yes"', False),
        ("https://json-schema.org/draft/2020-12/schema", '"$dynamicAnchor":5', False),
        ("https://json-schema.org/draft/2020-12/schema", '"dependentRequired":{"a":[5]}', False),
        ("https://json-schema.org/draft/2020-12/schema", '"unevaluatedProperties":5', False),
        ("https://example.org/own-draft", '"if":"x"', False),
    ],
)
def test_keywords_are_read_as_the_draft_says(draft: str, text: str, valid: bool) -> None:  # noqa: FBT001 - table
    schema = f'{{"$schema":"{draft}",{text}}}'
    if valid:
        assert json_schema.canonicalise(parse(schema)) == schema
    else:
        with pytest.raises(InvalidSchemaError):
            parse(schema)


@pytest.mark.parametrize(
    "pattern",
    [
        "^a",
        "a|b",
        "(?i)a(?=b)",
        r"[^\]]+\d{2,3}?",
        "(?<year>[0-9]{4})",
        r"\p{L}",
        r"\Qa(\E",
        "[]",
        "a++",
        "^$",
        "x{2}",
        "[(]",
    ],
)
def test_a_pattern_of_any_dialect_is_accepted(pattern: str) -> None:
    """Passes if parsing raises nothing."""
    parse('{"pattern":"' + pattern.replace("\\", "\\\\") + '"}')


@pytest.mark.parametrize("pattern", ["(", ")", "a(b", "[a", "*a", "a|+", "(?:*)", "a{", "a{x}", "a\\", "(" * 100_000])
def test_a_pattern_that_no_dialect_understands_is_refused_unless_it_is_stored(pattern: str) -> None:
    for keyword in (f'"pattern":"{pattern}"', f'"patternProperties":{{"{pattern}":true}}'):
        text = "{" + keyword.replace("\\", "\\\\") + "}"
        with pytest.raises(InvalidSchemaError):
            parse(text)
        parse(text, Strictness.STORED)
