"""`karapace-like lint`: each rule finds what it is for, and nothing in a schema that is written well."""

import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from karapace_like.schema import json_positions
from karapace_like.schema.json_schema import linking
from karapace_like.schema.json_schema.documents import Documents
from karapace_like.schema.json_schema.loader import Loader
from karapace_like.tooling import json_values
from karapace_like.tooling.fixing import FIXABLE
from karapace_like.tooling.lint_examples import EXAMPLES
from karapace_like.tooling.lint_rules import RULES
from karapace_like.tooling.linting import Linter
from karapace_like.tooling.opening import open_workspace
from tests.command_line import run, write
from tests.unit.serde.test_json_schema_cost import doubling

GOOD = {
    "order.avsc": """\
{
  "type": "record", "name": "Order", "namespace": "shop", "doc": "What somebody bought.",
  "fields": [
    {"name": "order_id", "type": "long", "doc": "Unique."},
    {"name": "note", "type": ["null", "string"], "default": null, "doc": "From the buyer."},
    {"name": "state", "doc": "Where it is.", "default": "OPEN", "type": {
      "type": "enum", "name": "State", "doc": "Of an order.", "symbols": ["OPEN", "SENT_OUT"], "default": "OPEN"
    }}
  ]
}
""",
    "parcel.proto": """\
syntax = "proto3";
package shop;

// What is sent.
message Parcel {
  int32 gross_weight = 1;  // Grams.
  /* How it travels. */
  Way way = 2;
}

// Means of transport.
enum Way {
  WAY_UNSPECIFIED = 0;
  WAY_AIR = 1;
}
""",
    "person.schema.json": """\
{
  "$schema": "http://json-schema.org/draft-07/schema#",
  "type": "object",
  "description": "Somebody.",
  "additionalProperties": false,
  "properties": {
    "firstName": {"type": "string", "description": "Given."}
  }
}
""",
}

BAD = [
    ("type-names", "a.avsc", '{"type": "fixed", "name": "a.small_size", "size": 2}', "small_size is not in PascalCase"),
    ("type-names", "a.proto", 'syntax = "proto3";\npackage a;\nmessage m {}\n', "m is not in PascalCase"),
    (
        "field-names",
        "a.avsc",
        (
            '{"type": "record", "name": "a.R", "fields": [{"name": "one_two", "type": "int"},\n'
            '{"name": "three_four", "type": "int"},\n{"name": "fiveSix", "type": "int"}]}'
        ),
        "fiveSix is not in snake_case, as most of the fields are",
    ),
    ("field-names", "a.proto", 'syntax = "proto3";\nmessage M {\n  int32 aB = 1;\n}\n', "aB is not in snake_case"),
    ("symbol-names", "a.avsc", '{"type": "enum", "name": "a.E", "symbols": ["a"]}', "a is not in UPPER_SNAKE_CASE"),
    ("symbol-prefix", "a.proto", 'syntax = "proto3";\nenum BigBox {\n  NONE = 0;\n}\n', "does not begin with BIG_BOX_"),
    ("namespace", "a.avsc", '{"type": "fixed", "name": "A", "size": 2}', "There is no namespace"),
    ("namespace", "a.proto", 'syntax = "proto3";\nmessage M {}\n', "There is no namespace"),
    ("type-doc", "a.avsc", '{"type": "fixed", "name": "A", "size": 2}', "A has no documentation"),
    ("type-doc", "a.schema.json", '{"type": "object"}', "The schema has no documentation"),
    ("field-doc", "a.proto", 'syntax = "proto3";\nmessage M {\n  int32 a = 1;\n}\n', "a has no documentation"),
    (
        "nullable-default",
        "a.avsc",
        '{"type": "record", "name": "R", "fields": [{"name": "x", "type": ["null", "int"]}]}',
        "x may be null, but has no default",
    ),
    ("enum-default", "a.avsc", '{"type": "enum", "name": "E", "symbols": ["A"]}', "E has no default"),
    ("enum-zero", "a.proto", 'syntax = "proto3";\nenum E {\n  E_A = 0;\n}\n', "E_A comes first"),
    (
        "field-order",
        "a.proto",
        'syntax = "proto3";\nmessage M {\n  int32 a = 2;\n  int32 b = 1;\n}\n',
        "b = 1 comes after",
    ),
    (
        "optional-last",
        "a.avsc",
        (
            '{"type": "record", "name": "R", "fields": [{"name": "x", "type": "int", "default": 1},\n'
            '{"name": "y", "type": "int"}]}'
        ),
        "y has no default, but comes after x",
    ),
    ("syntax", "a.proto", "message M {\n  optional int32 a = 1;\n}\n", "There is no syntax"),
    ("dialect", "a.schema.json", "{}", "There is no $schema"),
    (
        "json-values",
        "a.schema.json",
        '{"properties": {"floor": {"type": "integer", "default": "three"}}}',
        "default \"three\" does not match: 'three' is not of type 'integer'",
    ),
    (
        "json-values",
        "a.schema.json",
        (
            '{"properties": {"a/b": {"$ref": "#/definitions/F", "examples": [1, 0]}},\n'
            '"definitions": {"F": {"minimum": 1}}}'
        ),
        "examples[1] 0 does not match: 0 is less than the minimum of 1",
    ),
    (
        "broken-rules",
        "a.avsc",
        '{"type": "fixed", "name": "A", "size": 2}',
        "The rule r cannot run: the expression cannot be",
    ),
    (
        "idle-rules",
        "a.avsc",
        '{"type": "fixed", "name": "A", "size": 2}',
        "The rule r does nothing: no field has the tag PII",
    ),
    ("idle-rules", "a.schema.json", "{}", "The rule s does nothing: the condition always holds: 1 == 1"),
    (
        "idle-rules",
        "a.proto",
        'syntax = "proto3";\nmessage M {}\n',
        "The rule g does nothing: the guard never holds: false",
    ),
    ("content-model", "a.schema.json", '{"type": "object"}', "additionalProperties is not set"),
]


def test_what_is_written_well_breaks_no_rule(tmp_path: Path) -> None:
    write(tmp_path, GOOD)
    every = [f"--rule={name}=error" for name in RULES]
    ended = run("lint", *every, folder=tmp_path)
    assert (ended.code, ended.out) == (0, "3 schemas: 3 passed\n")


RULE_SETS = {
    "broken-rules": '{name = "r", type = "CEL", kind = "CONDITION", expr = "size(message."}',
    "idle-rules": """{name = "r", type = "CEL_FIELD", tags = ["PII"], expr = "'x'"},
      {name = "s", type = "CEL", kind = "CONDITION", expr = "1 == 1"},
      {name = "g", type = "CEL", kind = "CONDITION", expr = "false; size(message) > 1"}""",
}
"""Rule -> rules of the settings that break it."""


@pytest.mark.parametrize(("rule", "path", "text", "told"), BAD)
def test_a_rule_finds_what_it_is_for(tmp_path: Path, rule: str, path: str, text: str, told: str) -> None:
    settings = f"[subjects.a]\nruleSet = {{domainRules = [{RULE_SETS[rule]}]}}\n" if rule in RULE_SETS else ""
    write(tmp_path, {path: text, "karapace-like.toml": settings})
    ended = run("lint", f"--rule={rule}=error", "--format", "json", folder=tmp_path)
    (case,) = ended.json()["cases"]
    assert ended.code == 1
    assert any(each["rule"] == rule and told in each["message"] for each in case["problems"])


@pytest.mark.parametrize("rule", RULES)
def test_examples_break_and_keep_their_rule(tmp_path: Path, rule: str) -> None:
    """docs/lint.md shows them."""
    example = EXAMPLES[rule]
    arguments = ["lint", f"--rule={rule}=error", "--format", "json"]
    write(tmp_path, {example.file: example.bad, "karapace-like.toml": example.settings})
    broken = run(*arguments, folder=tmp_path).json()["cases"][0]["problems"]
    assert rule in {problem["rule"] for problem in broken}
    settings = example.settings if example.good_settings is None else example.good_settings
    write(tmp_path, {example.file: example.good, "karapace-like.toml": settings})
    ended = run(*arguments, folder=tmp_path)
    assert ended.code == 0
    assert rule not in {problem["rule"] for problem in ended.json()["cases"][0]["problems"]}


@pytest.mark.parametrize("rule", sorted(FIXABLE))
def test_fixable_problems_are_fixed(tmp_path: Path, rule: str) -> None:
    example = EXAMPLES[rule]
    write(tmp_path, {example.file: example.bad})
    ended = run("lint", "--fix", f"--rule={rule}=error", folder=tmp_path)
    assert ended.err == f"Fixed: {tmp_path / example.file}\n"
    assert (tmp_path / example.file).read_text() == example.good
    assert run("lint", "--fix", f"--rule={rule}=error", folder=tmp_path).err == ""


def test_only_line_feeds_count_as_line_ends_in_a_fix(tmp_path: Path) -> None:
    """Editors and parsers disagree about U+2028 and others, which texts may hold."""
    text = (
        '{"type": "record", "name": "R", "doc": "a\u2028b\x85c",\n"fields": [{"name": "a", "type": ["null", "int"]}]}'
    )
    write(tmp_path, {"a.avsc": text})
    assert run("lint", "--fix", folder=tmp_path).err == f"Fixed: {tmp_path / 'a.avsc'}\n"
    assert (tmp_path / "a.avsc").read_text() == text.replace('"int"]', '"int"], "default": null')
    (tmp_path / "b.proto").write_bytes(b"package a;\r\nmessage M {}\r\n")
    assert run("lint", "--fix", folder=tmp_path).code == 0
    assert (tmp_path / "b.proto").read_bytes().startswith(b'syntax = "proto2";\r\npackage a;\r\n')


def test_a_fix_keeps_what_is_around_it(tmp_path: Path) -> None:
    """Byte order mark, line ends, other problems, accepted ones, and a union whose default would be no null."""
    text = (
        '{"type": "record", "name": "R", "fields": [\r\n  {"name": "a", "type": ["null", "int"] },\r\n'
        '  {"name": "b", "type": ["int", "null"]}, {"name": "c", "type": ["null", {"type": "array", "items": "int"}]}]}'
    )
    (tmp_path / "a.avsc").write_bytes(b"\xef\xbb\xbf" + text.encode())
    assert run("lint", "--fix", folder=tmp_path).code == 0
    fixed = text.replace('"int"] }', '"int"], "default": null }').replace('"int"}]}]', '"int"}], "default": null}]')
    assert (tmp_path / "a.avsc").read_bytes() == b"\xef\xbb\xbf" + fixed.encode()
    commented = '// karapace-like: ignore nullable-default: Partner.\n{"type": "record", "name": "R", "fields": []}'
    write(tmp_path, {"a.avsc": commented})
    assert run("lint", "--fix", folder=tmp_path).err == ""


def test_a_category_has_the_rules_of_those_before_it(tmp_path: Path) -> None:
    def find_rules(*arguments: str) -> set[str]:
        cases = run("lint", "--format", "json", *arguments, folder=tmp_path).json()["cases"]
        return {problem["rule"] for problem in cases[0]["problems"]}

    write(
        tmp_path, {"a.proto": 'syntax = "proto2";\nmessage m {\n  optional int32 a = 2;\n  optional int32 B = 1;\n}\n'}
    )
    minimal, basic, standard = (find_rules("--use", name) for name in ("minimal", "basic", "standard"))
    assert minimal == {"namespace"}
    assert basic == {*minimal, "type-names", "field-names"}
    assert standard == {*basic, "type-doc", "field-order"} == find_rules()
    write(tmp_path, {"karapace-like.toml": '[lint]\nuse = "minimal"\n[lint.rules]\nfield-doc = "note"\n'})
    assert find_rules() == {"namespace", "field-doc"}


def find_value_problems(folder: Path) -> list[dict[str, Any]]:
    ended = run("lint", "--rule=json-values=error", "--format", "json", folder=folder)
    return [each for case in ended.json()["cases"] for each in case["problems"] if each["rule"] == "json-values"]


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "string", "pattern": "^(a+)+$", "default": "a" * 40 + "b"},
        {"patternProperties": {"^(a+)+$": True}, "additionalProperties": False, "default": {"a" * 40 + "b": 1}},
    ],
)
def test_a_pattern_that_would_keep_python_busy_is_matched(tmp_path: Path, schema: dict[str, Any]) -> None:
    write(tmp_path, {"a.schema.json": json.dumps({"properties": {"p": schema}})})
    assert len(find_value_problems(tmp_path)) == 1


@pytest.mark.parametrize(
    "schema",
    [
        {**doubling(30), "default": 1},
        {"allOf": [{"contains": {"const": at}} for at in range(300)], "default": list(range(1_000, 9_000))},
        {"uniqueItems": True, "default": [{"at": at} for at in range(20_000)]},
        {"patternProperties": {"(a+)+$": True}, "unevaluatedProperties": False, "default": {"a" * 40 + "b": 1}},
    ],
)
def test_a_value_that_takes_long_to_explain_is_not_checked(tmp_path: Path, schema: dict[str, Any]) -> None:
    """It would take minutes and gigabytes."""
    definitions = schema.pop("definitions", {})
    head = {"$schema": "https://json-schema.org/draft/2020-12/schema", "definitions": definitions}
    write(tmp_path, {"a.schema.json": json.dumps({**head, "properties": {"p": schema}})})
    assert find_value_problems(tmp_path) == []


def test_no_file_is_read_again_for_each_file_that_refers_to_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In a chain of files each refers to all that come before it. What reads texts is called in proportion to them."""
    calls = Counter[str]()
    read_before = json_positions.positions.cache_info().misses
    for module, name in ((linking, "read"), (json_values, "write")):
        monkeypatch.setattr(module, name, _count_calls(getattr(module, name), calls))
    count = 30
    for at in range(count):
        fields = {f"Bad{number}": {"type": "integer", "default": "x"} for number in range(5)}
        refers = {"next": {"$ref": f"f{at - 1}.schema.json"}} if at else {}
        (tmp_path / f"f{at}.schema.json").write_text(json.dumps({"properties": {**fields, **refers}}))
    opened = open_workspace([tmp_path], None)
    report = Linter(opened.workspace, {}).report([])
    assert sum(len(case.problems) for case in report.cases) >= 10 * count
    calls["positions"] = json_positions.positions.cache_info().misses - read_before
    assert {"read", "positions", "write"} == calls.keys()
    assert 0 < min(calls.values()) <= max(calls.values()) <= 4 * count


def test_a_chain_of_files_is_no_work_for_each_pair(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each refers to the one before it, which refers to the one before that: schemas are read once each."""
    calls = Counter[str]()
    monkeypatch.setattr(Loader, "_schema", _count_calls(Loader._schema, calls))
    monkeypatch.setattr(json_values, "Documents", _count_calls(Documents, calls))
    count, fields = 60, {f"field{number}": {"type": "integer", "default": number} for number in range(5)}
    for at in range(count):
        refers = {"next": {"$ref": f"f{at - 1}.schema.json"}} if at else {}
        (tmp_path / f"f{at}.schema.json").write_text(json.dumps({"properties": {**fields, **refers}}))
    report = Linter(open_workspace([tmp_path], None).workspace, {}).report([])
    assert report.exit_code == 0
    assert calls == {"_schema": count * 7 - 1}, "a root, five fields and a reference in each file"


def test_a_reference_that_leads_nowhere_is_reported_and_one_into_the_text_is_read(tmp_path: Path) -> None:
    write(tmp_path, {"a.schema.json": '{"properties": {"x": {"$ref": "b.schema.json#/definitions/No"}}}'})
    write(tmp_path, {"b.schema.json": '{"definitions": {"D": {"type": 5}}, "$ref": "#/definitions/D"}'})
    ended = run("lint", "--format", "json", folder=tmp_path)
    messages = {case["subject"]: case["problems"][0]["message"] for case in ended.json()["cases"]}
    assert ended.code == 2
    assert "cannot be resolved" in messages["a"]
    problem = ended.json()["cases"][0]["problems"][0]
    assert (problem["place"]["column"], problem["advice"][:16]) == (31, "correct the name")
    assert "type" in messages["b"]


def test_a_value_is_checked_with_all_references_of_its_schema(tmp_path: Path) -> None:
    write(tmp_path, {"a.schema.json": '{"properties": {"x": {"$ref": "b.schema.json", "examples": [1]}}}'})
    write(tmp_path, {"b.schema.json": '{"$ref": "c.schema.json"}', "c.schema.json": '{"type": "string"}'})
    assert len(find_value_problems(tmp_path)) == 1


def _count_calls(function: Callable[..., Any], calls: Counter[str]) -> Callable[..., Any]:
    def counted(*arguments: Any) -> Any:
        calls[function.__name__] += 1
        return function(*arguments)

    return counted


def test_values_are_checked_against_schemas_in_other_files(tmp_path: Path) -> None:
    """What cannot be decided is not reported: a pattern that the engine does not know."""
    write(
        tmp_path,
        {
            "floor.schema.json": '{"$id": "http://shop/floor.json", "type": "object", "required": ["number"]}',
            "lift.schema.json": (
                '{"properties": {\n"floor": {"$ref": "http://shop/floor.json", "default": {}},\n'
                '"name": {"pattern": "^\\\\p{Nonsense}$", "default": "x"}\n}}'
            ),
        },
    )
    assert [(each["message"], each["place"]["line"]) for each in find_value_problems(tmp_path)] == [
        ("default {} does not match: 'number' is a required property", 2)
    ]


def test_every_rule_is_tried() -> None:
    assert {rule for rule, *_ in BAD} | {rule for rule in RULES if rule.startswith("pack-")} == set(RULES)
    assert EXAMPLES.keys() == RULES.keys()


def test_a_problem_is_placed_at_its_line(tmp_path: Path) -> None:
    write(tmp_path, {"a.proto": 'syntax = "proto3";\npackage a;\n\nenum E {\n  E_A = 0;\n}\n'})
    ended = run("lint", "--format", "github", folder=tmp_path)
    assert ended.code == 0
    assert ended.out.splitlines()[1].startswith(
        "::warning file=a.proto,line=5,col=3,title=enum-zero::a: E_A comes first"
    )


def test_severities_are_set_for_all_formats_and_for_one(tmp_path: Path) -> None:
    settings = '[lint]\nfields = "camelCase"\n[lint.rules]\ntype-doc = "error"\n[lint.avro]\ntype-doc = "off"\n'
    write(
        tmp_path,
        {
            "karapace-like.toml": settings,
            "a.avsc": '{"type": "record", "name": "n.R", "fields": [{"name": "one_two", "type": "int"}]}',
            "b.schema.json": '{"$schema": "http://json-schema.org/draft-07/schema#"}',
        },
    )
    ended = run("lint", "--format", "json", folder=tmp_path)
    found = {
        (case["path"], each["rule"], each["severity"]) for case in ended.json()["cases"] for each in case["problems"]
    }
    assert ended.code == 1
    assert found == {("a.avsc", "field-names", "warning"), ("b.schema.json", "type-doc", "error")}


def test_strict_makes_warnings_errors(tmp_path: Path) -> None:
    write(tmp_path, {"a.schema.json": '{"description": "Anything."}'})
    assert run("lint", folder=tmp_path).code == 0
    assert run("lint", "--strict", folder=tmp_path).code == 1


def test_the_rules_are_listed(tmp_path: Path) -> None:
    ended = run("lint", "--list-rules", folder=tmp_path)
    assert ended.code == 0
    assert [line.split()[0] for line in ended.out.splitlines()] == list(RULES)
    listed = run("lint", "--list-rules", "--format", "json", folder=tmp_path).json()
    assert [(rule["name"], rule["severity"]) for rule in listed] == [
        (rule.name, rule.default) for rule in RULES.values()
    ]
    refused = run("lint", "--list-rules", "--format", "sarif", folder=tmp_path)
    assert (refused.code, "--list-rules has no format sarif" in refused.err) == (2, True)


@pytest.mark.parametrize(
    ("arguments", "settings", "told"),
    [
        (["--rule", "typo=error"], "", "there is no rule 'typo'. `karapace-like lint --list-rules` lists them."),
        (["--rule", "syntax=loud"], "", "syntax = 'loud' is not a severity. Choose from error, warning, note, off"),
        (["--rule", "syntax"], "", "syntax = '' is not a severity"),
        ([], '[lint.avro]\ntypo = "off"', "karapace-like.toml, [lint]: there is no rule 'typo'"),
        ([], '[lint]\nfields = "kebab-case"', "is not a style. Choose from snake_case"),
    ],
)
def test_a_rule_that_does_not_exist_is_told(tmp_path: Path, arguments: list[str], settings: str, told: str) -> None:
    write(tmp_path, {"karapace-like.toml": settings, "a.avsc": '"int"'})
    ended = run("lint", *arguments, folder=tmp_path)
    assert ended.code == 2
    assert told in ended.err
