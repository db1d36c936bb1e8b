"""The texts of an Avro schema: canonical, normalized, resolved."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from karapace_like.schema import avro
from karapace_like.schema.avro import json_text
from karapace_like.schema.avro.rules import DIFFERENCES
from karapace_like.schema.model import Dependencies, InvalidSchemaError, Strictness
from tests.forms import count_examples

NONE: Dependencies = {}


def canonical(text: str, dependencies: Dependencies = NONE) -> str:
    return avro.canonicalise(avro.parse(text, dependencies, Strictness.STRICT))


def normalized(text: str, dependencies: Dependencies = NONE) -> str:
    return avro.normalize(avro.parse(text, dependencies, Strictness.STRICT))


def record(attributes: str = "", fields: str = "") -> str:
    return f'{{"type":"record","name":"R"{attributes},"fields":[{fields}]}}'


CANONICAL = [
    ('{"type":"int"}', '"int"'),
    ('{"type":"int","doc":"d","name":"n","default":1}', '{"type":"int","default":1}'),
    ('[ {"type" : "null"} , "int" ]', '["null","int"]'),
    (
        '{"items":"int","b":1,"type":"array","a":2}',
        '{"type":"array","items":"int","b":1,"a":2}',
    ),
    (
        '{"values":{"type":"map","values":"int"},"type":"map"}',
        '{"type":"map","values":{"type":"map","values":"int"}}',
    ),
    (
        '{"aliases":["B","n.C","m.D"],"z":[1],"fields":[],"doc":"d","namespace":"n","name":"A","type":"error","y":2}',
        '{"type":"error","name":"A","namespace":"n","doc":"d","fields":[],"z":[1],"y":2,"aliases":["B","C","m.D"]}',
    ),
    (
        '{"default":"A","x":1,"symbols":["A"],"aliases":["F"],"doc":"","name":"n.E","type":"enum"}',
        '{"type":"enum","name":"E","namespace":"n","doc":"","symbols":["A"],"default":"A","x":1,"aliases":["F"]}',
    ),
    (
        '{"aliases":["G"],"precision":4,"logicalType":"decimal","size":4,"doc":"d","name":"F","type":"fixed"}',
        '{"type":"fixed","name":"F","doc":"d","size":4,"precision":4,"logicalType":"decimal","aliases":["G"]}',
    ),
    (
        record(
            fields='{"z":1,"order":"DESCENDING","aliases":["c","b","c"],"default":1,"doc":"d","type":"int","name":"a"}'
        ),
        record(fields='{"name":"a","type":"int","doc":"d","default":1,"order":"descending","aliases":["c","b"],"z":1}'),
    ),
    (record(fields='{"name":"a","type":"int","order":"ascending"}'), record(fields='{"name":"a","type":"int"}')),
    (record(',"namespace":""'), record()),
    (record(',"doc":1'), record()),
    (
        record(',"doc":"\\u00e9 \\/ \\u0001 \\u001f \\" \\\\ \\b\\f\\n\\r\\t \\ud83d\\ude00 \\u2028"'),
        record(',"doc":"\u00e9 / \\u0001 \\u001F \\" \\\\ \\b\\f\\n\\r\\t \U0001f600 \u2028"'),
    ),
    (
        '{"type":"fixed","name":"n.F","size":1,"aliases":["n.A","A",".A","m.A","n.int"]}',
        '{"type":"fixed","name":"F","namespace":"n","size":1,"aliases":["A",".A","m.A","n.int"]}',
    ),
    ('{"type":"int","p":{"b":null,"a":[true,{}]}}', '{"type":"int","p":{"b":null,"a":[true,{}]}}'),
]


@pytest.mark.parametrize(("text", "expected"), CANONICAL)
def test_the_canonical_text_has_one_order_of_attributes(text: str, expected: str) -> None:
    assert canonical(text) == expected
    assert canonical(expected) == expected


NUMBERS = [
    ("1", "1"),
    ("-0", "0"),
    ("123456789012345678901234567890", "123456789012345678901234567890"),
    ("1.0", "1.0"),
    ("-0.0", "-0.0"),
    ("1e0", "1.0"),
    ("1E6", "1000000.0"),
    ("1e7", "1.0E7"),
    ("123456789.125", "1.23456789125E8"),
    ("-1.5e300", "-1.5E300"),
    ("0.001", "0.001"),
    ("0.00099", "9.9E-4"),
    ("1e400", '"Infinity"'),
    ("-1e400", '"-Infinity"'),
]


@pytest.mark.parametrize(("number", "expected"), NUMBERS)
def test_numbers_are_written_as_java_writes_them(number: str, expected: str) -> None:
    assert canonical(f'{{"type":"int","n":{number}}}') == f'{{"type":"int","n":{expected}}}'


@pytest.mark.parametrize(
    ("default", "expected"),
    [('"1"', "1.0"), ('" 1e10 "', "1.0E10"), ('"NaN"', '"NaN"'), ('"-Infinity"', '"-Infinity"')],
)
def test_a_default_of_a_double_that_is_a_string_becomes_a_number(default: str, expected: str) -> None:
    field = '{"name":"a","type":"double","default":%s}'
    assert canonical(record(fields=field % default)) == record(fields=field % expected)


NAMES = [
    # A definition or use in its own namespace is written without it ...
    (
        (
            '{"type":"record","name":"n.A","fields":[{"name":"a","type":{"type":"fixed","name":"n.F","size":1}},'
            '{"name":"b","type":"n.F"},{"name":"c","type":["null","n.A"]}]}'
        ),
        (
            '{"type":"record","name":"A","namespace":"n","fields":[{"name":"a","type":{"type":"fixed","name":"F","size":1}},'
            '{"name":"b","type":"F"},{"name":"c","type":["null","A"]}]}'
        ),
    ),
    # ... in another one with it, and the null namespace is said.
    (
        (
            '{"type":"record","name":"n.A","fields":[{"name":"a","type":{"type":"fixed","name":"m.F","size":1}},'
            '{"name":"b","type":"m.F"},{"name":"c","type":{"type":"fixed","name":".G","size":1}},{"name":"d","type":"G"}]}'
        ),
        (
            '{"type":"record","name":"A","namespace":"n","fields":[{"name":"a","type":{"type":"fixed","name":"F",'
            '"namespace":"m","size":1}},{"name":"b","type":"m.F"},{"name":"c","type":{"type":"fixed","name":"G",'
            '"namespace":"","size":1}},{"name":"d","type":"G"}]}'
        ),
    ),
    # A name that is a keyword stays qualified where it is used.
    (
        (
            '{"type":"record","name":"n.A","fields":[{"name":"a","type":{"type":"fixed","name":"int","size":1}},'
            '{"name":"b","type":"n.int"}]}'
        ),
        (
            '{"type":"record","name":"A","namespace":"n","fields":[{"name":"a","type":{"type":"fixed","name":"int","size":1}},'
            '{"name":"b","type":"n.int"}]}'
        ),
    ),
    # The second of two equal definitions becomes a use, and a type is defined where it is first used.
    (
        (
            '[{"type":"array","items":"F"},{"type":"map","values":{"type":"fixed","name":"F","size":1}},'
            '{"type":"fixed","name":"F","size":1}]'
        ),
        '[{"type":"array","items":{"type":"fixed","name":"F","size":1}},{"type":"map","values":"F"},"F"]',
    ),
]


@pytest.mark.parametrize(("text", "expected"), NAMES)
def test_names_are_as_short_as_their_surroundings_allow(text: str, expected: str) -> None:
    assert canonical(text) == expected
    assert canonical(expected) == expected


NORMALIZED = [
    ('{"type":"int","b":{"z":1,"a":[{"d":1,"c":2}]},"a":1}', '{"type":"int","a":1,"b":{"a":[{"c":2,"d":1}],"z":1}}'),
    ('{"type":"array","items":"int","b":1,"a":2}', '{"type":"array","items":"int","a":2,"b":1}'),
    # A valid logical type comes before the other properties, an invalid one is one of them.
    (
        '{"type":"bytes","scale":2,"a":1,"precision":4,"logicalType":"decimal"}',
        '{"type":"bytes","logicalType":"decimal","precision":4,"scale":2,"a":1}',
    ),
    (
        '{"type":"bytes","scale":0,"a":1,"precision":4,"logicalType":"decimal"}',
        '{"type":"bytes","logicalType":"decimal","precision":4,"a":1,"scale":0}',
    ),
    (
        '{"type":"string","precision":4,"a":1,"logicalType":"decimal"}',
        '{"type":"string","a":1,"logicalType":"decimal","precision":4}',
    ),
    ('{"type":"int","logicalType":"date","a":1}', '{"type":"int","logicalType":"date","a":1}'),
    ('{"type":"long","logicalType":"date","a":1}', '{"type":"long","a":1,"logicalType":"date"}'),
    ('{"type":"int","logicalType":1,"a":1}', '{"type":"int","a":1,"logicalType":1}'),
    (
        '{"type":"fixed","name":"F","size":16,"logicalType":"uuid","a":1}',
        '{"type":"fixed","name":"F","size":16,"logicalType":"uuid","a":1}',
    ),
    (
        '{"type":"fixed","name":"F","size":4,"logicalType":"decimal","precision":10,"a":1}',
        '{"type":"fixed","name":"F","size":4,"a":1,"logicalType":"decimal","precision":10}',
    ),
    (record(',"doc":""', '{"name":"a","type":"int","doc":""}'), record("", '{"name":"a","type":"int","doc":""}')),
    (
        '{"type":"record","name":"n.R","aliases":["z","m.a","B"],"fields":[]}',
        '{"type":"record","name":"R","namespace":"n","fields":[],"aliases":["m.a","B","z"]}',
    ),
    (
        record("", '{"name":"a","type":"int","aliases":["c","b"]}'),
        record("", '{"name":"a","type":"int","aliases":["b","c"]}'),
    ),
    ('{"type":"error","name":"R","fields":[]}', record()),
    # The reference forgets the null namespace; ids depend on it.
    (
        (
            '{"type":"record","name":"n.R","fields":[{"name":"a","type":{"type":"fixed","name":".F","size":1}},'
            '{"name":"b","type":"F"}]}'
        ),
        (
            '{"type":"record","name":"R","namespace":"n","fields":[{"name":"a","type":{"type":"fixed","name":"F","size":1}},'
            '{"name":"b","type":"F"}]}'
        ),
    ),
    (
        (
            '{"type":"record","name":"n.R","fields":[{"name":"a","type":{"type":"fixed","name":".F","size":1,'
            '"aliases":["z","m.G","A"]}}]}'
        ),
        (
            '{"type":"record","name":"R","namespace":"n","fields":[{"name":"a","type":{"type":"fixed","name":"F","size":1,'
            '"aliases":["m.G","A","z"]}}]}'
        ),
    ),
    # ... but not where its name is taken.
    (
        '{"type":"record","name":"n.R","fields":[{"name":"a","type":{"type":"fixed","name":".R","size":1}}]}',
        (
            '{"type":"record","name":"R","namespace":"n","fields":[{"name":"a","type":{"type":"fixed","name":"R",'
            '"namespace":"","size":1}}]}'
        ),
    ),
]


@pytest.mark.parametrize(("text", "expected"), NORMALIZED)
def test_the_normalized_text_leaves_out_what_is_form_only(text: str, expected: str) -> None:
    assert normalized(text) == expected
    assert normalized(expected) == expected


TYPED_DEFAULTS = [
    ('"double"', "1", "1.0"),
    ('"double"', "1e400", '"Infinity"'),
    ('"double"', "1" * 400, '"Infinity"'),
    ('"float"', "16777217", "1.6777216E7"),
    ('"float"', "0.1234567891", "0.12345679"),
    ('"float"', "1e39", '"Infinity"'),
    ('"long"', "1", "1"),
    ('["null","double"]', "1", "1.0"),
    ('["null","string"]', '"x"', '"x"'),
    ('{"type":"array","items":"double"}', "[1,2.5]", "[1.0,2.5]"),
    ('{"type":"map","values":"double"}', '{"b":1,"a":2}', '{"a":2.0,"b":1.0}'),
    ('{"type":"record","name":"N","fields":[{"name":"x","type":"double"}]}', '{"y":1,"x":1}', '{"x":1.0,"y":1}'),
]


@pytest.mark.parametrize(("type_", "default", "expected"), TYPED_DEFAULTS)
def test_normalized_defaults_are_written_as_their_type_has_them(type_: str, default: str, expected: str) -> None:
    field = '{"name":"a","type":%s,"default":%s}'
    text = normalized(record(fields=field % (type_, default)))
    assert text == record(fields=field % (type_, expected))
    assert normalized(text) == text


ZIP = '{"type":"enum","name":"Zip","symbols":[]}'
CITY = '{"type":"record","name":"City","namespace":"n","fields":[{"name":"zip","type":' + ZIP + "}]}"
DEPOT = '{"type":"record","name":"Depot","namespace":"n","fields":[{"name":"city","type":"City"}]}'
REFERENCES = {"n.City": CITY, "n.Depot": DEPOT}


def test_what_references_define_is_used_by_name_and_resolved_on_request() -> None:
    head = '{"type":"record","name":"Route","namespace":"n","fields":[{"name":"a","type":'
    text = head + '"n.Depot"},{"name":"b","type":"n.City"}]}'
    parsed = avro.parse(text, REFERENCES, Strictness.STRICT)
    assert avro.canonicalise(parsed) == head + '"Depot"},{"name":"b","type":"City"}]}'
    assert avro.normalize(parsed) == avro.canonicalise(parsed)
    city = CITY.replace(',"namespace":"n"', "")
    depot = DEPOT.replace(',"namespace":"n"', "").replace('"City"', city)
    assert avro.format_text(parsed, "resolved") == head + depot + '},{"name":"b","type":"City"}]}'
    assert avro.format_text(parsed, "serialized") == avro.canonicalise(parsed)


def test_a_type_inside_of_a_reference_is_written_out_where_it_is_used() -> None:
    text = canonical('["null","n.Zip","n.City"]', REFERENCES)
    assert text == '["null",{"type":"enum","name":"Zip","namespace":"n","symbols":[]},"n.City"]'
    assert canonical(text, REFERENCES) == text


def test_a_schema_that_would_be_stored_deeper_than_the_limit_is_refused() -> None:
    links = [
        {"type": "record", "name": f"L{number}", "fields": [{"name": "a", "type": ["null", f"L{number + 1}"]}]}
        for number in range(100)
    ]
    text = json.dumps([*links, {"type": "record", "name": "L100", "fields": []}])
    with pytest.raises(InvalidSchemaError, match="nested deeper than 200 levels"):
        canonical(text)
    stored = avro.canonicalise(avro.parse(text, {}, Strictness.STORED))
    assert stored.count("[") == 202


def test_texts_keep_the_meaning_of_stored_schemas_too() -> None:
    parsed = avro.parse('{"type":{"type":"map","values":["int"]}}', {}, Strictness.STORED)
    expected: Any = {"type": "map", "values": ["int"]}
    assert json.loads(avro.canonicalise(parsed)) == json.loads(avro.normalize(parsed)) == expected


def test_every_known_difference_has_a_reason() -> None:
    assert DIFFERENCES
    assert all(difference and reason for difference, reason in DIFFERENCES.items())


def test_whole_numbers_of_any_size_are_kept_as_properties() -> None:
    text = record(fields='{"name":"a","type":{"type":"array","items":"int","p":123456789012345678901234567890}}')
    assert canonical(text) == normalized(text) == text


JSON_TEXTS = ["-0", "-0.0", "1e400", "-1e400", "1e-400", "9223372036854775808", "-9223372036854775809", "1" * 40,
              "1.", "01", "+1", ".5", "1e", "NaN", "Infinity", '"\x00"', '"\x1f"', '"\t"', '"\x7f"', '"\u2028"',
              '"é😀"', r'"\ud800"', r'"\ud83d\ude00"', r'"\uD83D\u0041"', r'"\u0000"', r'"\x"', r'"\/"', "\ufeff1",
              "\u00a01", "1 2", '{"a":1,"b":2,"a":3}', r'{"\u0061":1,"a":2}', '{"a":1,}', "[1,]", "tru", "",
              "/* c */ 1", "1 // c", '{"//":1}', "1.7976931348623157e308", "1.7976931348623159e308", "5e-324",
              "9007199254740993.0", "\x0b1"]  # fmt: skip


@pytest.mark.parametrize("text", JSON_TEXTS)
def test_json_is_read_as_by_the_lenient_decoder(text: str) -> None:
    def read(by: Callable[[str], Any]) -> str:
        try:
            return repr(by(text))
        except InvalidSchemaError as error:
            return str(error)

    assert read(json_text.read) == read(json_text._read_leniently)


@given(
    value=st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
        max_leaves=8,
    ),
    escapes=st.booleans(),
)
@settings(max_examples=count_examples(150), deadline=None, database=None)
def test_values_are_read_as_by_the_lenient_decoder(value: Any, *, escapes: bool) -> None:
    text = json.dumps(value, ensure_ascii=escapes)
    if "Infinity" not in text:
        assert repr(json_text.read(text)) == repr(json_text._read_leniently(text))
