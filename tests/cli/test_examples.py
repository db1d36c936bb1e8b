"""Example records of reports: one schema allows them and the other does not, as the formats' own libraries see it."""

import io
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import fastavro
import pytest
from fastavro.read import SchemaResolutionError
from google.protobuf import descriptor_pool, json_format, message_factory
from google.protobuf.descriptor_pb2 import FileDescriptorSet
from google.protobuf.message import DecodeError, Message
from jsonschema import Draft7Validator
from jsonschema.validators import validator_for

from karapace_like.explanation.advice import find_advice
from karapace_like.schema import avro, json_schema, protobuf
from karapace_like.schema.formats import import_formats
from karapace_like.schema.model import Rule, Strictness
from karapace_like.tooling.checking import DELETED, RENAMED, TYPE_CHANGED
from tests.command_line import run, write

WITHOUT_EXAMPLE = {
    "AMBIGUOUS_FIELD_ALIASES": "fastavro takes whichever field comes last",
    "COMBINED_TYPE_CHANGED": "the alternatives of the example exclude each other",
    "FIELD_NAMED_TYPE_CHANGED": "the two messages of the example are empty",
    "MESSAGE_REMOVED": "the reader has no message to read with",
    "PACKAGE_CHANGED": "the reader has no message to read with",
    "PATTERN_CHANGED": "no candidate matches the old pattern",
    "DEPENDENCY_ARRAY_CHANGED": "a candidate would need two more properties",
    "DEPENDENCY_ARRAY_EXTENDED": "a candidate would need two more properties",
    "ADDITIONAL_ITEMS_NARROWED": "a candidate would need two items of different types",
    "ITEM_ADDED_NOT_COVERED_BY_PARTIALLY_OPEN_CONTENT_MODEL": "a candidate would need two items of different types",
    "ITEM_REMOVED_FROM_CLOSED_CONTENT_MODEL": "a candidate would need two items of different types",
    "ITEM_REMOVED_NOT_COVERED_BY_PARTIALLY_OPEN_CONTENT_MODEL": "a candidate would need two items of different types",
}
SUFFIXES: Mapping[str, tuple[Mapping[str, Rule], str]] = {
    "avro": (avro.RULES, "a.avsc"),
    "json": (json_schema.RULES, "a.schema.json"),
    "protobuf": (protobuf.RULES, "a.proto"),
}
CASES = [(name, rule) for name, (rules, _) in SUFFIXES.items() for rule in rules.values()]


def problems(folder: Path, file: str, old: str, new: str, level: str = "BACKWARD") -> list[dict[str, Any]]:
    write(folder, {f"old/{file}": old, f"new/{file}": new})
    ended = run("check", "new", "--against", "old", "--level", level, "--format", "json", folder=folder)
    found: list[dict[str, Any]] = ended.json()["cases"][0]["problems"]
    return found


def is_rejected_by_avro(record: str, writer: str, reader: str) -> bool:
    written_with, read_with = (fastavro.parse_schema(json.loads(text)) for text in (writer, reader))
    value = json.loads(record)
    if isinstance(written_with, dict) and written_with["type"] == "fixed":
        value = value.encode("latin-1")
    written = io.BytesIO()
    fastavro.schemaless_writer(written, written_with, value)
    written.seek(0)
    try:
        fastavro.schemaless_reader(written, written_with, read_with)
    except SchemaResolutionError:
        return True
    return False


def is_rejected_by_json_schema(record: str, writer: str, reader: str) -> bool:
    schemas = (json.loads(text) for text in (writer, reader))
    allows, rejects = (validator_for(schema, default=Draft7Validator)(schema) for schema in schemas)
    value = json.loads(record)
    return allows.is_valid(value) and not rejects.is_valid(value)


def crate(text: str) -> type[Message]:
    pool = descriptor_pool.DescriptorPool()
    for file in FileDescriptorSet.FromString(protobuf.descriptor_set(protobuf.parse(text, {}, Strictness.STRICT))).file:
        pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("shop.Crate"))


def is_altered_by_protobuf(record: str, writer: str, reader: str) -> bool:
    written = json_format.Parse(record, crate(writer)())
    read = crate(reader)()
    try:
        read.ParseFromString(written.SerializePartialToString())
    except DecodeError:
        return True
    return json_format.MessageToDict(read, preserving_proto_field_name=True) != json.loads(record) or (
        not read.IsInitialized()
    )


LIBRARIES = {"avro": is_rejected_by_avro, "json": is_rejected_by_json_schema, "protobuf": is_altered_by_protobuf}


@pytest.mark.parametrize(("format_", "rule"), CASES, ids=lambda value: getattr(value, "name", value))
def test_the_example_of_a_problem_is_written_by_one_schema_and_fails_at_the_other(
    tmp_path: Path, format_: str, rule: Rule
) -> None:
    problem = next(
        problem
        for problem in problems(tmp_path, SUFFIXES[format_][1], rule.old, rule.new)
        if problem["rule"] == rule.name
    )
    example = problem["example"]
    assert (example is None) == (rule.name in WITHOUT_EXAMPLE)
    if example is not None:
        assert example["writer"] == "old"
        assert LIBRARIES[format_](example["record"], rule.old, rule.new), example


@pytest.mark.parametrize(("format_", "rule"), CASES, ids=lambda value: getattr(value, "name", value))
def test_under_forward_the_record_is_one_of_the_new_schema(tmp_path: Path, format_: str, rule: Rule) -> None:
    """The rule's example the other way round."""
    for problem in problems(tmp_path, SUFFIXES[format_][1], rule.new, rule.old, "FORWARD"):
        if problem["example"] is not None:
            assert problem["example"]["writer"] == "new"
            assert LIBRARIES[format_](problem["example"]["record"], rule.old, rule.new), problem


@pytest.mark.parametrize(
    "rule", [TYPE_CHANGED, DELETED, RENAMED, *(rule for format_ in import_formats().values() for rule in format_.RULES)]
)
def test_every_rule_has_advice(rule: str) -> None:
    assert find_advice(rule)


def test_references_and_recursive_types_have_examples(tmp_path: Path) -> None:
    fields = '{"name": "next", "type": ["null", "Node"]}, {"name": "at", "type": "Place"}'
    node = f'{{"type": "record", "name": "Node", "fields": [{fields}]}}'
    place = '{"type": "record", "name": "Place", "fields": [{"name": "x", "type": "%s"}]}'
    write(tmp_path, {"old/node.avsc": node, "old/place.avsc": place % "long"})
    write(tmp_path, {"new/node.avsc": node, "new/place.avsc": place % "int"})
    ended = run("check", "new", "--against", "old", "--format", "json", folder=tmp_path)
    examples = {case["subject"]: case["problems"][0]["example"]["record"] for case in ended.json()["cases"]}
    assert examples == {"place": '{"x": 1099511627776}', "node": '{"next": null, "at": {"x": 1099511627776}}'}


def test_a_problem_in_both_directions_is_told_once(tmp_path: Path) -> None:
    (problem,) = problems(tmp_path, "a.avsc", '"string"', '"int"', "FULL")
    assert problem["message"].endswith("(neither schema can read the data of the other)")


def test_a_change_that_subjects_share_is_told_once_with_all_of_them(tmp_path: Path) -> None:
    users = {
        f"u{at}.avsc": f'{{"type": "record", "name": "U{at}", "fields": [{{"name": "p", "type": "P"}}]}}'
        for at in range(5)
    }
    point = '{"type": "record", "name": "P", "fields": [{"name": "x", "type": "%s"}]}'
    write(tmp_path / "old", {**users, "p.avsc": point % "long"})
    write(tmp_path / "new", {**users, "p.avsc": point % "int"})
    texts = {
        form: run("check", "new", "--against", "old", "--format", form, folder=tmp_path).out
        for form in ("text", "github", "markdown", "sarif")
    }
    assert texts["text"].count("TYPE_MISMATCH") == 1
    assert [line.split()[0] for line in texts["text"].splitlines() if "failed, BACKWARD" in line] == [
        "p",
        *(f"u{at}" for at in range(5)),
    ]
    for form in ("github", "markdown"):
        assert texts[form].count("p, u0, u1, u2, u3, u4") == 1
    assert len(json.loads(texts["sarif"])["runs"][0]["results"]) == 1


def test_what_an_example_says_becomes_no_line_of_its_own(tmp_path: Path) -> None:
    enum = '{"enum": ["a", "\\u001b[31mred", "x\\n::error::forged"]}'
    write(tmp_path, {"old/a.schema.json": enum, "new/a.schema.json": '{"enum": ["a"]}'})
    for form in ("text", "github", "markdown", "junit"):
        out = run("check", "new", "--against", "old", "--format", form, folder=tmp_path).out
        assert "\x1b" not in out
        assert not [line for line in out.splitlines() if line.startswith("::error::")]
