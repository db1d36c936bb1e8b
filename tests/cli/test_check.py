"""`karapace-like check`: schemas in files against another folder and against Git revisions."""

import subprocess
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from tests.command_line import Repository, run, write

ORDER = """\
{
  "type": "record",
  "name": "Order",
  "namespace": "shop",
  "fields": [
    {"name": "id", "type": "long"},
    {"name": "to", "type": "Address"}
  ]
}
"""
ADDRESS = """\
{
  "type": "record",
  "name": "Address",
  "namespace": "shop",
  "fields": [
    {"name": "street", "type": "string"}
  ]
}
"""
ADDRESS_WITH_ZIP = ADDRESS.replace('"string"}\n', '"string"},\n    {"name": "zip", "type": "string"}\n')
PARCEL = """\
syntax = "proto3";
package shop;

import "common/size.proto";
import "google/protobuf/timestamp.proto";

message Parcel {
  Size size = 1;
  google.protobuf.Timestamp sent = 2;
}
"""
SIZE = """\
syntax = "proto3";
package shop;

message Size {
  // Grams.
  int32 weight = 1;
}
"""
PERSON = """\
{
  "$schema": "http://json-schema.org/draft-07/schema#",
  "type": "object",
  "properties": {
    "name": {"$ref": "common/text.json#/definitions/Name"}
  }
}
"""
TEXT = """\
{
  "definitions": {
    "Name": {"$ref": "length.json"}
  }
}
"""
LENGTH = """\
{
  "type": "string",
  "maxLength": 10
}
"""


def problems(report: Any) -> list[tuple[str, str, int, str, str, int]]:
    """(subject, path, line, rule, old path, old line) of each problem of a JSON report."""
    return [
        (
            case["subject"],
            each["place"]["path"],
            each["place"]["line"],
            each["rule"],
            each["old"]["path"],
            each["old"]["line"],
        )
        for case in report["cases"]
        for each in case["problems"]
    ]


def test_a_field_without_a_default_is_reported_where_it_stands_for_its_file_and_for_those_that_refer_to_it(
    tmp_path: Path,
) -> None:
    repository = Repository(tmp_path, {"schemas/common/address.avsc": ADDRESS, "schemas/order.avsc": ORDER})
    write(tmp_path, {"schemas/common/address.avsc": ADDRESS_WITH_ZIP})
    ended = repository.run("check", "--against", "main", "--format", "json")
    place = ("schemas/common/address.avsc", 7, "READER_FIELD_MISSING_DEFAULT_VALUE", "main:schemas/common/address.avsc")
    assert ended.code == 1
    assert problems(ended.json()) == [("address", *place, 5), ("order", *place, 5)]


def test_a_type_that_no_file_has_is_reported_where_it_is_used(tmp_path: Path) -> None:
    write(tmp_path, {"order.avsc": ORDER, "other.avsc": '"int"'})
    ended = run("check", "--against", ".", folder=tmp_path)
    assert ended.code == 2
    assert ended.out.splitlines()[:4] == [
        "order.avsc:7:28: error: INVALID_SCHEMA",
        "  Undefined schema: shop.Address",
        '      order.avsc:7 | {"name": "to", "type": "Address"}',
        (
            "  to do: correct the name, or add a file with it; `include` and `exclude` in karapace-like.toml say which "
            "files are schemas"
        ),
    ]


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (
            '{"type": "enum", "name": "\xe9"}'.encode("latin-1"),
            "a.avsc:1:27: the file is not UTF-8: it has the byte 0xe9.",
        ),
        ('"int"'.encode("utf-16"), "a.avsc:1:1: the file is not UTF-8: it has the byte 0xff. Save it as UTF-8"),
        (b"", "a.avsc:1:1: the file is empty"),
        (b" \r\n", "a.avsc:1:1: the file is empty"),
    ],
)
@pytest.mark.parametrize("command", [["check", "--against", "."], ["lint"]])
def test_a_file_that_is_no_text_is_told(tmp_path: Path, command: list[str], content: bytes, told: str) -> None:
    (tmp_path / "a.avsc").write_bytes(content)
    ended = run(*command, "--format", "json", folder=tmp_path)
    (problem,) = ended.json()["cases"][0]["problems"]
    place = problem["place"]
    assert ended.code == 2
    assert f"{place['path']}:{place['line']}:{place['column']}: {problem['message']}".startswith(told)


def test_imports_are_found_by_the_end_of_their_path_and_followed_to_the_line(tmp_path: Path) -> None:
    repository = Repository(tmp_path, {"proto/common/size.proto": SIZE, "proto/parcel.proto": PARCEL})
    write(tmp_path, {"proto/common/size.proto": SIZE.replace("int32", "string")})
    ended = repository.run("check", "proto/parcel.proto", "--against", "HEAD", "--format", "json")
    assert ended.code == 1
    assert problems(ended.json()) == [
        ("parcel", "proto/common/size.proto", 6, "FIELD_SCALAR_KIND_CHANGED", "HEAD:proto/common/size.proto", 6),
        ("parcel", "proto/parcel.proto", 8, "FIELD_NAMED_TYPE_CHANGED", "HEAD:proto/parcel.proto", 8),
    ]


def test_references_of_json_schemas_are_relative_to_their_files(tmp_path: Path) -> None:
    repository = Repository(
        tmp_path, {"person.json": PERSON, "common/text.json": TEXT, "common/length.json": LENGTH, "package.json": "{}"}
    )
    write(tmp_path, {"common/length.json": LENGTH.replace("10", "5")})
    ended = repository.run("check", "--against", "main", "--format", "json")
    assert ended.code == 1
    assert problems(ended.json()) == [
        ("person", "common/length.json", 3, "MAX_LENGTH_DECREASED", "main:common/length.json", 3)
    ]


def test_the_settings_file_stands_for_all_schemas(tmp_path: Path) -> None:
    """A hook names the changed files."""
    repository = Repository(tmp_path, {"karapace-like.toml": "", "deep/address.avsc": ADDRESS, "b.avsc": '"int"'})
    write(tmp_path, {"deep/address.avsc": ADDRESS_WITH_ZIP})
    for folder, named in ((".", "karapace-like.toml"), ("deep", "../karapace-like.toml")):
        ended = run("check", named, "--against", "HEAD", "--format", "json", folder=tmp_path / folder)
        assert [case["verdict"] for case in ended.json()["cases"]] == ["failed", "passed"]
        assert (ended.code, ended.err) == (1, "")
    assert repository.run("check", "b.avsc", "--against", "HEAD").code == 0


def test_a_file_is_judged_with_those_that_refer_to_it(tmp_path: Path) -> None:
    repository = Repository(tmp_path, {"address.avsc": ADDRESS, "order.avsc": ORDER, "other.avsc": '"string"'})
    write(tmp_path, {"address.avsc": ADDRESS_WITH_ZIP})
    ended = repository.run("check", "address.avsc", "--against", "main", "--format", "json")
    assert [each["subject"] for each in ended.json()["cases"]] == ["address", "order"]


def test_text_names_file_line_rule_old_and_new(tmp_path: Path) -> None:
    repository = Repository(tmp_path, {"size.proto": SIZE})
    write(tmp_path, {"size.proto": SIZE.replace("int32", "string")})
    ended = repository.run("check", "--against", "main")
    assert ended.code == 1
    first, message, *rest = ended.out.splitlines()
    assert first == "size.proto:6:3: error: FIELD_SCALAR_KIND_CHANGED"
    assert message.startswith("  The kind of a SCALAR field at path '#/Size/1' in the new schema does not match")
    assert rest == [
        "  old main:size.proto:6 | int32 weight = 1;",
        "  new size.proto:6 | string weight = 1;",
        '  example: consumers with the new schema fail at the old record {"weight": 1}: it is read as {}',
        "  to do: reserve the number and add a field with a new number and the new type",
        "  size (size.proto): failed, BACKWARD with main",
        "",
        "1 schema: 1 failed",
    ]


def test_a_field_that_the_old_schema_misses_in_new_data_is_placed_in_the_new_file(tmp_path: Path) -> None:
    """Forward: the path is one of the old schema, whose fields have other numbers."""
    old = ADDRESS.replace('{"name": "street"', '{"name": "city", "type": "string"},\n    {"name": "street"')
    repository = Repository(tmp_path, {"address.avsc": old})
    new = ADDRESS.replace('"type": "string"', '"type": "int"')
    write(tmp_path, {"address.avsc": new})
    ended = repository.run("check", "--against", "main", "--level", "forward", "--format", "json")
    assert problems(ended.json()) == [
        ("address", "address.avsc", 5, "READER_FIELD_MISSING_DEFAULT_VALUE", "main:address.avsc", 6),
        ("address", "address.avsc", 6, "TYPE_MISMATCH", "main:address.avsc", 7),
    ]


def test_two_folders_are_compared_by_subjects(tmp_path: Path) -> None:
    write(tmp_path, {"old/a/address.avsc": ADDRESS, "new/b/address.avsc": ADDRESS_WITH_ZIP})
    ended = run("check", "new", "--against", "old", "--format", "json", folder=tmp_path)
    assert ended.code == 1
    assert [each[:3] for each in problems(ended.json())] == [("address", "new/b/address.avsc", 7)]


@pytest.mark.parametrize(
    ("level", "code"),
    [("NONE", 0), ("BACKWARD", 1), ("FORWARD", 0), ("FULL", 1), ("FORWARD_TRANSITIVE", 0), ("FULL_TRANSITIVE", 1)],
)
def test_the_level_decides_which_direction_is_looked_at(tmp_path: Path, level: str, code: int) -> None:
    write(tmp_path, {"old/address.avsc": ADDRESS, "new/address.avsc": ADDRESS_WITH_ZIP})
    assert run("check", "new", "--against", "old", "--level", level, folder=tmp_path).code == code


@pytest.mark.parametrize(
    ("settings", "code"),
    [
        ('compatibility = "FORWARD"', 0),
        ('[subjects.address]\ncompatibility = "FORWARD"', 0),
        ('compatibility = "NONE"\n[subjects.address]\ncompatibility = "FULL"', 1),
        ('exclude = ["address.avsc"]', 0),
    ],
)
def test_the_settings_file_sets_levels_for_all_and_for_one(tmp_path: Path, settings: str, code: int) -> None:
    repository = Repository(tmp_path, {"address.avsc": ADDRESS, "other.avsc": '"int"'})
    write(tmp_path, {"address.avsc": ADDRESS_WITH_ZIP, "karapace-like.toml": settings})
    assert repository.run("check", "--against", "main").code == code


@pytest.mark.parametrize(
    ("pattern", "subject"),
    [
        ("{stem}-value", "address-value"),
        ("{folder}.{stem}", "shop/eu.address"),
        ("{path}", "shop/eu/address"),
        ("{record}", "shop.Address"),
    ],
)
def test_a_pattern_makes_the_subject_of_a_file(tmp_path: Path, pattern: str, subject: str) -> None:
    write(tmp_path, {"shop/eu/address.avsc": ADDRESS, "karapace-like.toml": f'subject = "{pattern}"'})
    ended = run("check", "--against", ".", "--format", "json", folder=tmp_path)
    assert [each["subject"] for each in ended.json()["cases"]] == [subject]


def test_a_subject_stays_what_it_is_when_its_file_moves(tmp_path: Path) -> None:
    """The old files are called what the old settings call them."""
    repository = Repository(
        tmp_path, {"a.avsc": ADDRESS, "karapace-like.toml": '[subjects.address-value]\nfile = "a.avsc"'}
    )
    repository.git("mv", "a.avsc", "b.avsc")
    write(tmp_path, {"b.avsc": ADDRESS_WITH_ZIP, "karapace-like.toml": '[subjects.address-value]\nfile = "b.avsc"'})
    ended = repository.run("check", "--against", "main", "--format", "json")
    assert [each[:3] for each in problems(ended.json())] == [("address-value", "b.avsc", 7)]


def test_another_format_for_a_subject_is_incompatible(tmp_path: Path) -> None:
    write(tmp_path, {"old/size.avsc": '"string"', "new/size.proto": SIZE})
    ended = run("check", "new", "--against", "old", folder=tmp_path)
    assert ended.code == 1
    assert "SCHEMA_TYPE_CHANGED" in ended.out


def test_a_schema_in_a_subfolder_is_compared_with_that_folder_of_the_revision(tmp_path: Path) -> None:
    repository = Repository(tmp_path, {"deep/address.avsc": ADDRESS, "address.avsc": '"string"'})
    write(tmp_path, {"deep/address.avsc": ADDRESS_WITH_ZIP})
    ended = run("check", "--against", "HEAD", "--format", "json", folder=repository.folder / "deep")
    assert [each[:3] for each in problems(ended.json())] == [("address", "address.avsc", 7)]


def test_a_revision_needs_no_checkout_and_no_name_in_ascii(tmp_path: Path) -> None:
    repository = Repository(tmp_path, {"päckchen ü.avsc": '"int"'})
    write(tmp_path, {"päckchen ü.avsc": '"string"'})
    ended = repository.run("check", "--against", "HEAD~0", "--format", "json")
    assert [each[:3] for each in problems(ended.json())] == [("päckchen ü", "päckchen ü.avsc", 1)]


def test_settings_of_other_tools_with_a_schema_are_no_schemas(tmp_path: Path) -> None:
    schemas = {
        "spaced.json": '{"$schema" : "https://json-schema.org/draft/2020-12/schema"}',
        "escaped.json": r'{"$schema":"http:\/\/json-schema.org\/draft-07\/schema#"}',
        "named.schema.json": '{"$schema": "https://example.org/dialect"}',
        "cut.json": '{"$schema": "http://json-schema.org/draft-07/schema#", ',
    }
    others = {
        "tsconfig.json": '{"$schema": "https://json.schemastore.org/tsconfig"}',
        "renovate.json": '{"$schema": "https://docs.renovatebot.com/renovate-schema.json", "extends": []}',
        "data.json": '{"$schema": null, "url": "http://json-schema.org/draft-07/schema#"}',
    }
    write(tmp_path, schemas | others)
    report = run("check", "--against", ".", "--format", "json", folder=tmp_path).json()
    assert sorted(case["path"] for case in report["cases"]) == sorted(schemas)
    named = run("check", "tsconfig.json", "--against", ".", folder=tmp_path)
    assert (named.code, "tsconfig.json is skipped" in named.err) == (0, True)


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ('compatibility = "SIDEWAYS"', "at `compatibility`: expected NONE, BACKWARD, BACKWARD_TRANSITIVE, FORWARD, "),
        ('[subjects.a]\n[subjects."b.c"]\ntype = "XML"', 'at `subjects["b.c"].type`: expected AVRO, JSON, PROTOBUF'),
        (
            '[subjects.a]\nlevel = "FULL"',
            "unknown field `level` - at `subjects.a`: expected file, type, compatibility, ",
        ),
        ('[lint]\nuse = "strict"', "at `lint.use`: expected basic, minimal, standard"),
        (
            '[lint.packs.own.names]\nrecrod = "x"',
            "at `lint.packs.own.names`: expected enum, field, record, symbol, type",
        ),
        ("[lint.rules]\nnamespace = 1", "Expected `str`, got `int` - at `lint.rules[...]`"),
        ('[policies.orders.value]\nplain = "x"', "at `policies.orders.value.plain`: expected allow, refuse, validate"),
        ("levels = 1", "unknown field `levels`: expected subject, include, exclude, compatibility, "),
    ],
)
def test_a_fault_of_the_settings_is_told_with_its_place_and_what_is_expected(
    tmp_path: Path, settings: str, told: str
) -> None:
    write(tmp_path, {"a.avsc": '"int"', "karapace-like.toml": settings})
    ended = run("check", "--against", ".", folder=tmp_path)
    assert ended.code == 2
    assert told in ended.err


def test_settings_may_begin_with_a_byte_order_mark(tmp_path: Path) -> None:
    write(tmp_path, {"a.avsc": '"int"'})
    (tmp_path / "karapace-like.toml").write_bytes(b'\xef\xbb\xbfsubject = "{stem}-value"\r\n')
    report = run("check", "--against", ".", "--format", "json", folder=tmp_path).json()
    assert [case["subject"] for case in report["cases"]] == ["a-value"]


def test_a_hook_does_not_stand_in_the_way_of_the_first_commit(tmp_path: Path) -> None:
    write(tmp_path, {"a.avsc": '"int"'})
    subprocess.run(["git", "init", "--quiet"], cwd=tmp_path, check=True)
    ended = run("check", "--against", "HEAD", folder=tmp_path)
    assert (ended.code, ended.out) == (0, "1 schema: 1 passed\n")


def test_a_revision_outside_of_any_repository_is_told(tmp_path: Path) -> None:
    write(tmp_path, {"a.avsc": '"int"'})
    ended = run("check", "--against", "HEAD", folder=tmp_path, environment={"GIT_CEILING_DIRECTORIES": str(tmp_path)})
    assert ended.code == 2
    assert "Run the command inside a repository, or compare with a folder." in ended.err


class TestForms:
    """Each form of the report tells the same problem."""

    @pytest.fixture
    def repository(self, tmp_path: Path) -> Repository:
        files = {"schemas/address.avsc": ADDRESS, "schemas/good.avsc": '"int"', "schemas/bad.avsc": "{"}
        repository = Repository(tmp_path, files)
        write(tmp_path, {"schemas/address.avsc": ADDRESS_WITH_ZIP})
        return repository

    def test_github(self, repository: Repository) -> None:
        lines = repository.run("check", "--against", "main", "--format", "github").out.splitlines()
        assert lines[0].startswith(
            "::error file=schemas/address.avsc,line=7,col=6,title=READER_FIELD_MISSING_DEFAULT_VALUE::address: "
        )
        assert lines[1].startswith("::error file=schemas/bad.avsc,line=1,col=2,title=INVALID_SCHEMA::bad: ")
        assert lines[2] == "3 schemas: 1 passed, 1 failed, 1 unknown"

    def test_junit(self, repository: Repository) -> None:
        suite = ET.fromstring(repository.run("check", "--against", "main", "--format", "junit").out)[0]
        assert {name: suite.get(name) for name in ("tests", "failures", "errors")} == {
            "tests": "3",
            "failures": "1",
            "errors": "1",
        }
        outcomes = {case.get("name"): [each.tag for each in case] for case in suite}
        assert outcomes == {"address": ["failure"], "bad": ["error"], "good": []}

    def test_sarif(self, repository: Repository) -> None:
        (sarif,) = repository.run("check", "--against", "main", "--format", "sarif").json()["runs"]
        rules = [each["id"] for each in sarif["tool"]["driver"]["rules"]]
        place = sarif["results"][0]["locations"][0]["physicalLocation"]
        assert rules == ["INVALID_SCHEMA", "READER_FIELD_MISSING_DEFAULT_VALUE"]
        assert [rules[each["ruleIndex"]] for each in sarif["results"]] == rules[::-1]
        assert place == {
            "artifactLocation": {"uri": "schemas/address.avsc"},
            "region": {"startLine": 7, "startColumn": 6},
        }

    def test_markdown(self, repository: Repository) -> None:
        text = repository.run("check", "--against", "main", "--format", "markdown").out
        assert "| ❌ | address | `schemas/address.avsc` | BACKWARD with main |" in text
        assert '+ {"name": "zip", "type": "string"}' in text

    def test_several_at_once_go_to_files(self, repository: Repository) -> None:
        ended = repository.run(
            "check", "--against", "main", "--format", "text", "--format", "junit=out.xml", "--format", "json=out.json"
        )
        assert ended.code == 1
        assert "INVALID_SCHEMA" in ended.out
        assert ET.parse(repository.folder / "out.xml").getroot().tag == "testsuites"
        assert (repository.folder / "out.json").read_text().startswith("{")


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["check"], "Name the earlier versions: --against FOLDER, --against REVISION"),
        (["check", "--against", "nowhere"], "neither a folder nor a Git revision"),
        (["check", "--against", ""], "--against is empty: name a folder, a Git revision or an archive."),
        (["check", "--against", "a.avsc"], "name a folder, a Git revision or an archive"),
        (["check", "missing.avsc", "--against", "HEAD"], "'missing.avsc' does not exist"),
        (
            ["check", "--against", "HEAD", "--format", "pdf"],
            "'pdf' is not a format. Choose from text, json, yaml, junit",
        ),
        (["check", "--against", "HEAD", "--format", "json=no/where.json"], "cannot be written to no/where.json"),
        (["check", "--against", "HEAD", "--level", "SIDEWAYS"], "'backward_transitive'"),
        (["check", "--against", "HEAD", "--config", "none.toml"], "'none.toml' does not exist"),
        (["check", "--agianst", "HEAD"], "Did you mean one of: '--against'"),
        (["check", "--against", "HEAD", "--config", "wrong.toml"], "`compatibility`"),
        (["check", "--against", "HEAD", "--config", "typo.toml"], "`compatability`"),
        (["check", "--against", "HEAD", "--config", "pattern.toml"], "Choose from {stem}, {folder}, {path}, {record}"),
        (["check", "--against", "HEAD", "--config", "broken.toml"], "broken.toml is not TOML"),
        (["check", "--against", "HEAD", "--config", "latin.toml"], "latin.toml is not UTF-8, but has the byte 0xe4"),
        (["check", "--against", "HEAD", "--config", "lost.toml"], "there is no file 'lost.avsc'"),
        (["check", "--against", "HEAD", "--config", "twice.toml"], "would both be the subject 'same'"),
        (
            ["check", "--against", "HEAD", "--config", "shared.toml"],
            "is the file of [subjects.one] and of [subjects.two]",
        ),
        (["check", "empty", "--against", "."], "There are no schemas below"),
        (["check", "/", "--against", "HEAD", "--config", "fine.toml"], "is not below"),
    ],
)
def test_a_mistake_is_told_with_what_to_do_about_it(tmp_path: Path, arguments: list[str], told: str) -> None:
    repository = Repository(
        tmp_path,
        {
            "a.avsc": '"int"',
            "b.avsc": '"int"',
            "fine.toml": "",
            "empty/notes.txt": "",
            "empty/package.json": "{}",
            "wrong.toml": 'compatibility = "SIDEWAYS"',
            "typo.toml": 'compatability = "FULL"',
            "pattern.toml": 'subject = "{name}"',
            "broken.toml": "subject =",
            "lost.toml": '[subjects.lost]\nfile = "lost.avsc"',
            "twice.toml": 'subject = "same"',
            "shared.toml": '[subjects.one]\nfile = "a.avsc"\n[subjects.two]\nfile = "a.avsc"',
        },
    )
    (tmp_path / "latin.toml").write_bytes('subject = "ä"'.encode("latin-1"))
    ended = repository.run(*arguments)
    assert ended.code == 2
    assert told in ended.err
    assert "Traceback" not in ended.err
