"""`$ref`: what it can mean, and that nothing is fetched for it."""

import json

import pytest

from karapace_like.schema import formats, json_schema
from karapace_like.schema.model import CompatibilityPolicy, InvalidSchemaError, SchemaType, Strictness, UnparsedSchema
from karapace_like.schema.sharing import SharedReferences

MODERN = '"$schema":"https://json-schema.org/draft/2020-12/schema"'
DRAFT_4 = '"$schema":"http://json-schema.org/draft-04/schema#"'
STRING = '{"type":"string"}'
NUMBER = '{"type":"number"}'


def parse(text: str, dependencies: dict[str, str]) -> json_schema.Parsed:
    parsed = formats.parse(UnparsedSchema(SchemaType.JSON, text), dependencies)
    assert isinstance(parsed, json_schema.Parsed)
    return parsed


def rules(reader: json_schema.Parsed, writer: json_schema.Parsed) -> list[str]:
    return [each.rule.name for each in json_schema.find_incompatibilities(reader, writer, CompatibilityPolicy.STRICT)]


@pytest.mark.parametrize(
    ("text", "dependencies"),
    [
        ('{"$ref":"#/definitions/a","definitions":{"a":{"type":"string"}}}', {}),
        ('{"$ref":"#/definitions/a~1b~0%25","definitions":{"a/b~%":{"type":"string"}}}', {}),
        ('{"$ref":"#/anyOf/1","anyOf":[{},{"type":"string"}]}', {}),
        ('{"$ref":"#/anywhere/else","anywhere":{"else":{"type":"string"}}}', {}),
        ('{"$ref":"#a","definitions":{"x":{"$id":"#a","type":"string"}}}', {}),
        ('{"$ref":"x.json","definitions":{"x":{"$id":"x.json","type":"string"}}}', {}),
        ('{"$id":"http://a/b/c.json","$ref":"x.json","definitions":{"x":{"$id":"/b/x.json","type":"string"}}}', {}),
        ('{"$id":"http://a/c.json","$ref":"http://a/c.json#/definitions/x","definitions":{"x":{"type":"string"}}}', {}),
        ("{" + DRAFT_4 + ',"id":"http://a/","$ref":"x","definitions":{"x":{"id":"x","type":"string"}}}', {}),
        ("{" + MODERN + ',"$ref":"#/$defs/a","$defs":{"a":{"type":"string"}}}', {}),
        ("{" + MODERN + ',"$ref":"#a","$defs":{"x":{"$anchor":"a","type":"string"}}}', {}),
        ("{" + MODERN + ',"$ref":"x#a","$defs":{"x":{"$id":"x","$defs":{"y":{"$anchor":"a","type":"string"}}}}}', {}),
        ("{" + MODERN + ',"$dynamicRef":"#a","$defs":{"x":{"$dynamicAnchor":"a","type":"string"}}}', {}),
        ('{"$ref":"other.json"}', {"other.json": STRING}),
        ('{"$ref":"other.json#/definitions/a"}', {"other.json": '{"definitions":{"a":{"type":"string"}}}'}),
        ('{"$ref":"other.json#a"}', {"other.json": '{"definitions":{"x":{"$id":"#a","type":"string"}}}'}),
        ('{"$ref":"http://a/other.json"}', {"http://a/other.json": STRING}),
        ('{"$id":"http://a/b/c.json","$ref":"other.json"}', {"other.json": STRING}),
        ('{"$id":"http://a/b/c.json","$ref":"http://a/b/other.json"}', {"other.json": STRING}),
        ('{"$id":"http://a/b/c.json","$ref":"other.json"}', {"http://a/b/other.json": STRING}),
        ('{"$ref":"one.json"}', {"two.json": STRING, "one.json": '{"allOf":[{"$ref":"two.json"}]}'}),
        ('{"$ref":"dir/one.json"}', {"dir/two.json": STRING, "dir/one.json": '{"allOf":[{"$ref":"two.json"}]}'}),
        ('{"$ref":"urn:x:one"}', {"urn:x:one": STRING}),
    ],
)
def test_a_reference_means_what_it_refers_to(text: str, dependencies: dict[str, str]) -> None:
    parsed = parse(text, dependencies)
    assert rules(parse(STRING, {}), parsed) == []
    assert rules(parse(NUMBER, {}), parsed) == ["TYPE_CHANGED"]


@pytest.mark.parametrize(
    ("text", "dependencies"),
    [
        ('{"$ref":"#/definitions/a"}', {}),
        ('{"$ref":"#/definitions/a","definitions":{"b":{}}}', {}),
        ('{"$ref":"#/anyOf/2","anyOf":[{},{}]}', {}),
        ('{"$ref":"#/anyOf/x","anyOf":[{},{}]}', {}),
        ('{"$ref":"#/title/0","title":"x"}', {}),
        ('{"$ref":"#/title","title":"x"}', {}),
        ('{"$ref":"#nowhere"}', {}),
        ('{"$ref":"#/a b/%%"}', {}),
        ('{"$ref":"other.json"}', {}),
        ('{"$ref":"other.json"}', {"another.json": STRING}),
        ('{"$ref":"http://a/named.json"}', {"other.json": '{"$id":"http://a/named.json","type":"string"}'}),
        ('{"$ref":"other.json#/definitions/a"}', {"other.json": STRING}),
        ('{"$ref":"other.json"}', {"other.json": "{"}),
        ('{"$ref":"other.json"}', {"other.json": '{"type":"nonsense"}'}),
        ('{"$ref":"http://json-schema.org/draft-07/schema#"}', {}),
        ('{"$ref":"http://["}', {}),
        ('{"$id":"http://[","$ref":"x"}', {}),
        ('{"definitions":{"x":{"enum":[{"$id":"hidden"}]}},"$ref":"hidden"}', {}),
    ],
)
def test_a_reference_to_nothing_is_refused(text: str, dependencies: dict[str, str]) -> None:
    with pytest.raises(InvalidSchemaError):
        parse(text, dependencies)


def test_what_nothing_refers_to_is_not_even_read() -> None:
    """Passes if parsing raises nothing."""
    parse('{"definitions":{"a":{"type":"nonsense"}},"type":"string"}', {"unused.json": "no JSON at all"})


@pytest.mark.parametrize("keyword", ["definitions", "properties"])
def test_a_name_that_is_also_a_keyword_is_still_a_name(keyword: str) -> None:
    """Passes if parsing raises nothing."""
    named = f'{{"{keyword}":{{"enum":{{"$id":"http://a/x","type":"string"}}}},"allOf":[{{"$ref":"http://a/x"}}]}}'
    parse(named, {})


@pytest.mark.parametrize("schema", [MODERN, DRAFT_4])
@pytest.mark.parametrize(
    "circle",
    [
        '"$ref":"#"',
        '"$ref":"#/definitions/a","definitions":{"a":{"$ref":"#/definitions/b"},"b":{"$ref":"#/definitions/a"}}',
        '"$ref":"#/definitions/a","definitions":{"a":{"allOf":[{"$ref":"#/definitions/a"}]}}',
    ],
)
def test_a_circle_of_references_is_compared_without_end_or_error(schema: str, circle: str) -> None:
    endless = parse(f"{{{schema},{circle}}}", {})
    assert rules(endless, endless) == []
    assert rules(endless, parse(f"{{{schema},{circle}}}", {})) == []
    rules(endless, parse(STRING, {}))
    rules(parse(STRING, {}), endless)


def test_a_reference_that_leads_to_a_reference_differs_from_what_it_means_but_not_from_its_like() -> None:
    def chained(target: str) -> json_schema.Parsed:
        return parse(
            f'{{"$ref":"#/definitions/a","definitions":{{"a":{{"$ref":"#/definitions/b"}},"b":{target}}}}}', {}
        )

    assert rules(chained(STRING), parse(STRING, {})) == ["TYPE_CHANGED"]
    assert rules(chained(STRING), chained(STRING)) == []
    assert rules(chained(NUMBER), chained(STRING)) == ["TYPE_CHANGED"]


def test_siblings_of_a_reference_count_since_2019() -> None:
    text = '"$ref":"#/definitions/a","required":["x"],"definitions":{"a":{"properties":{"x":{"type":"string"}}}}}'
    plain = parse('{"properties":{"x":{"type":"string"}}}', {})
    assert rules(parse("{" + text, {}), plain) == []
    assert rules(parse("{" + MODERN + "," + text, {}), plain) == ["TYPE_CHANGED"]


def test_recursive_schemas_differ_where_their_nodes_differ() -> None:
    def tree(leaf: str) -> json_schema.Parsed:
        return parse(json.dumps({"properties": {"v": {"type": leaf}, "kids": {"items": {"$ref": "#"}}}}), {})

    assert rules(tree("number"), tree("integer")) == []
    found = json_schema.find_incompatibilities(tree("integer"), tree("number"), CompatibilityPolicy.STRICT)
    assert found[0].path == "#/properties/v/type"
    assert {each.rule.name for each in found} == {"TYPE_NARROWED"}


def test_one_recursive_schema_can_be_the_unrolling_of_another() -> None:
    rolled = parse('{"properties":{"v":{"type":"string"},"n":{"$ref":"#"}}}', {})

    def unrolled(inner: str) -> json_schema.Parsed:
        node = f'{{"properties":{{"v":{{"type":"{inner}"}},"n":{{"$ref":"#"}}}}}}'
        return parse(f'{{"properties":{{"v":{{"type":"string"}},"n":{node}}}}}', {})

    assert rules(unrolled("string"), rolled) == []
    assert rules(rolled, unrolled("string")) == []
    assert set(rules(unrolled("integer"), rolled)) == {"TYPE_CHANGED"}


@pytest.mark.parametrize("head", ["", MODERN + ","])
def test_defs_lead_to_definitions_only_where_all_is_accepted_that_confluents_registry_accepts(head: str) -> None:
    text = "{" + head + '"definitions":{"X":{"type":"string"}},"properties":{"a":{"$ref":"#/$defs/X"}}}'
    with pytest.raises(InvalidSchemaError, match="cannot be resolved"):
        json_schema.parse(text, {}, Strictness.STRICT)
    number = text.replace("string", "number")
    parsed, other = (json_schema.parse(each, {}, Strictness.LAX) for each in (text, number))
    assert rules(parsed, other) == ["TYPE_CHANGED"]
    with pytest.raises(InvalidSchemaError, match="cannot be resolved"):
        json_schema.parse(text.replace("$defs/X", "$defs/Y"), {}, Strictness.LAX)


_SIZE = {
    "http://h/d.json": '{"properties": {"size": {"$ref": "size.json"}}}',
    "http://h/size.json": '{"type": "integer"}',
}
_USE = '"properties": {"d": {"$ref": "http://h/d.json"}}'
_OWN_SIZE = f'{{"definitions": {{"s": {{"$id": "http://h/size.json", "type": "string"}}}}, {_USE}}}'
_TEXTS = [f"{{{_USE}}}", _OWN_SIZE]


@pytest.mark.parametrize("order", [[0, 1, 0, 1], [1, 0, 1]])
def test_what_schemas_share_means_in_each_what_its_references_lead_to(order: list[int]) -> None:
    """Both refer to one text, whose own reference leads to a part of the second schema there."""
    alone = [json_schema.parse(text, _SIZE, Strictness.STRICT) for text in _TEXTS]
    shared = SharedReferences()
    assert json_schema.find_incompatibilities(alone[0], alone[1], CompatibilityPolicy.STRICT)
    for index in order:
        parsed = json_schema.parse(_TEXTS[index], _SIZE, Strictness.STRICT, shared)
        for pair in ((parsed, alone[index]), (alone[index], parsed)):
            assert json_schema.find_incompatibilities(*pair, CompatibilityPolicy.STRICT) == []


def test_a_shared_reference_that_leads_nowhere_is_an_error_each_time() -> None:
    shared = SharedReferences()
    dependencies = {"http://h/d.json": '{"properties": {"size": {"$ref": "nowhere.json"}}}'}
    for _ in range(2):
        with pytest.raises(InvalidSchemaError, match="nowhere"):
            json_schema.parse(_TEXTS[0], dependencies, Strictness.STRICT, shared)
