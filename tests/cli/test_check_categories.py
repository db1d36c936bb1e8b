"""`karapace-like check --use`: each rule of a category finds the change that breaks it, and no change that keeps it."""

from pathlib import Path
from typing import Any

import pytest

from karapace_like.schema import protobuf
from karapace_like.schema.changes import ChangeCategory, ChangeRule
from tests.command_line import Repository, run, write

CATEGORIES = list(ChangeCategory)
HEAD = 'syntax = "proto3";\npackage shop;\n'


def check(folder: Path, old: str, new: str, *options: str) -> dict[str, Any]:
    write(folder, {"old/crate.proto": old, "new/crate.proto": new})
    report: dict[str, Any] = run("check", "new", "--against", "old", *options, "--format", "json", folder=folder).json()
    return report


def rules(folder: Path, old: str, new: str, *options: str) -> list[str]:
    """The rules that a change breaks."""
    return [problem["rule"] for case in check(folder, old, new, *options)["cases"] for problem in case["problems"]]


@pytest.mark.parametrize("rule", protobuf.CHANGE_RULES.values(), ids=lambda rule: str(rule.name))
def test_a_rule_finds_its_change_in_its_category_and_in_no_narrower_one(tmp_path: Path, rule: ChangeRule) -> None:
    for category in CATEGORIES:
        found = rules(tmp_path, rule.old, rule.new, "--use", category)
        assert (rule.name in found) == category.includes(rule.category), category
    assert rule.name not in rules(tmp_path, rule.old, rule.new)
    assert rules(tmp_path, rule.old, rule.kept, "--use", rule.category) == []


def test_a_report_shows_the_places_the_category_and_what_to_do(tmp_path: Path) -> None:
    repository = Repository(tmp_path, {"crate.proto": f"{HEAD}message Crate {{\n  int32 slots = 2;\n}}\n"})
    write(tmp_path, {"crate.proto": f"{HEAD}message Crate {{\n}}\n"})
    ended = repository.run("check", "--against", "main", "--use", "wire")
    assert ended.code == 1
    assert ended.out.splitlines() == [
        "crate.proto:3:1: error: FIELD_NUMBER_NOT_RESERVED",
        (
            "  The field slots at path '#/Crate/2' is removed and its number is not reserved: the next field could get "
            "it (a rule of the category wire)"
        ),
        "  old main:crate.proto:4 | int32 slots = 2;",
        "  new crate.proto:3 | (missing)",
        "  to do: reserve the number and the name of the field (`reserved`)",
        "  crate (crate.proto): failed, BACKWARD with main",
        "",
        "1 schema: 1 failed",
    ]


def test_the_settings_choose_a_category_and_accept_what_is_intended(tmp_path: Path) -> None:
    old, new = (f"{HEAD}message Crate {{\n  {field}\n}}\n" for field in ("int32 a = 1;", "int32 b = 1;"))
    write(tmp_path, {"new/karapace-like.toml": '[check]\nuse = "source"\n', "new/a.proto": new, "old/a.proto": old})
    assert run("check", "new", "--against", "old", folder=tmp_path).code == 1
    assert run("check", "new", "--against", "old", "--use", "wire", folder=tmp_path).code == 0
    accepted = (
        '[[accept]]\nsubject = "*"\nrule = "FIELD_JSON_NAME_CHANGED"\nuntil = 2999-01-01\nreason = "Nobody reads it."\n'
    )
    write(tmp_path, {"new/karapace-like.toml": f'[check]\nuse = "source"\n{accepted}'})
    ended = run("check", "new", "--against", "old", folder=tmp_path)
    assert ended.code == 0
    assert "accepted until 2999-01-01: Nobody reads it." in ended.out
    write(tmp_path, {"new/karapace-like.toml": '[check]\nuse = "bytes"\n'})
    refused = run("check", "new", "--against", "old", folder=tmp_path)
    assert refused.code == 2
    assert "Invalid enum value 'bytes' - at `check.use`" in refused.err


@pytest.mark.parametrize(
    ("old", "new", "found"),
    [
        # The registry's rule says it already.
        ("int32 a = 1;", "string a = 1;", ["FIELD_SCALAR_KIND_CHANGED"]),
        # Both properties of a field are reported.
        ("int32 a = 1;", "string b = 1;", ["FIELD_SCALAR_KIND_CHANGED", "FIELD_JSON_NAME_CHANGED"]),
        ("int32 a = 1;", "sfixed32 a = 1;", ["FIELD_SCALAR_KIND_CHANGED"]),
        ("map<string, int32> a = 1;", "map<string, int64> a = 1;", ["FIELD_JSON_TYPE_CHANGED"]),
        ("repeated string a = 1;", "string a = 1;", ["FIELD_LIST_CHANGED"]),
        ("E a = 1; enum E { X = 0; }", "repeated E a = 1; enum E { X = 0; }", ["FIELD_REPEATED_CHANGED"]),
        ("N a = 1; message N {}", "optional N a = 1; message N {}", []),
        ("oneof x { int32 a = 1; }", "int32 a = 1;", ["ONEOF_REMOVED", "FIELD_ONEOF_CHANGED"]),
        ("oneof x { int32 a = 1; }", "oneof y { int32 a = 1; }", ["ONEOF_REMOVED"]),
        ("reserved 2 to 9;", "reserved 2 to 4, 5 to 9;", []),
        ("reserved 2 to 9;", "reserved 2 to 4, 6 to max;", ["RESERVED_NUMBER_FREED"]),
        ("message N { int32 a = 1; }", "message N { reserved 1; }", ["FIELD_NAME_NOT_RESERVED"]),
        ("message N {}", "", ["MESSAGE_REMOVED"]),
    ],
)
def test_one_change_is_reported_once(tmp_path: Path, old: str, new: str, found: list[str]) -> None:
    texts = [f"{HEAD}message M {{\n{body}\n}}\n" for body in (old, new)]
    assert rules(tmp_path, *texts, "--use", "source") == found


def test_an_imported_type_is_the_same_wherever_it_stands(tmp_path: Path) -> None:
    size = f"{HEAD}message Size {{}}\n"
    crate = f'{HEAD}import "%s";\nmessage Crate {{\n  Size size = 1;\n}}\n'
    write(tmp_path, {"old/size.proto": size, "old/crate.proto": crate % "size.proto"})
    write(tmp_path, {"new/a/size.proto": size, "new/crate.proto": crate % "a/size.proto"})
    assert run("check", "new", "--against", "old", "--use", "source", folder=tmp_path).code == 0


@pytest.mark.parametrize(
    ("label", "found"), [("features.field_presence = IMPLICIT", ["FIELD_PRESENCE_CHANGED"]), ("", [])]
)
def test_presence_of_editions_is_that_of_their_features(tmp_path: Path, label: str, found: list[str]) -> None:
    old, new = (
        f'edition = "2023";\npackage shop;\nmessage M {{\n  int32 a = 1{option};\n}}\n'
        for option in ("", f" [{label}]" if label else "")
    )
    assert rules(tmp_path, old, new, "--use", "source") == found


def test_the_level_none_compares_nothing(tmp_path: Path) -> None:
    rule = protobuf.CHANGE_RULES["FIELD_NUMBER_NOT_RESERVED"]
    assert rules(tmp_path, rule.old, rule.new, "--use", "source", "--level", "NONE") == []


@pytest.mark.parametrize("file", ["a.avsc", "a.schema.json"])
def test_other_formats_have_no_such_rules(tmp_path: Path, file: str) -> None:
    write(tmp_path, {f"old/{file}": '{"type": "string"}', f"new/{file}": '{"type": "string", "x": 1}'})
    assert run("check", "new", "--against", "old", "--use", "source", folder=tmp_path).code == 0
