"""`karapace-like diff`: what changed between two versions of a schema, in the words of schemas."""

from pathlib import Path

import pytest

from tests.command_line import Repository, run, write

ORDER = """\
{"type": "record", "name": "Order", "namespace": "shop", "fields": [
  {"name": "id", "type": "int", "doc": "Unique."},
  {"name": "state", "type": {"type": "enum", "name": "State", "symbols": ["OPEN", "SENT"]}},
  {"name": "lines", "type": {"type": "array", "items": {"type": "record", "name": "Line", "fields": [
    {"name": "sku", "type": "string"}
  ]}}}
]}
"""
NEW_ORDER = """\
{"type": "record", "name": "Order", "namespace": "shop", "fields": [
  {"name": "state", "type": {"type": "enum", "name": "State", "symbols": ["OPEN", "LOST"], "default": "OPEN"}},
  {"name": "id", "type": "long", "doc": "Unique in a shop."},
  {"name": "total", "type": ["null", "double"], "default": null}
]}
"""
PARCEL = """\
syntax = "proto3";
package shop;
message Parcel {
  int32 weight = 1;  // Grams.
  string to = 2;
}
"""
NEW_PARCEL = """\
syntax = "proto3";
package shop;

message Parcel {
  int64 grams = 1 [deprecated = true];
  repeated string notes = 3;
}
"""
PERSON = '{"type": "object", "properties": {"name": {"type": "string", "maxLength": 9}, "age": {"type": "integer"}}}'
NEW_PERSON = (
    '{"type": "object", "required": ["name"],\n'
    ' "properties": {"name": {"maxLength": 5, "type": "string"}, "mail": {"type": "string"}}}'
)


@pytest.mark.parametrize(
    ("suffix", "old", "new", "changes"),
    [
        (
            ".avsc",
            ORDER,
            NEW_ORDER,
            [
                "- symbol shop.State.SENT",
                "- field shop.Order.lines: array of shop.Line",
                "- record shop.Line",
                "~ field shop.Order.state: position 2 -> 1",
                "~ enum shop.State: default (none) -> OPEN",
                "+ symbol shop.State.LOST",
                "~ field shop.Order.id: type int -> long",
                "~ field shop.Order.id: position 1 -> 2",
                "~ field shop.Order.id: doc Unique. -> Unique in a shop.",
                "+ field shop.Order.total: null | double, default null",
                "BACKWARD: compatible, the new schema reads old data",
                "FORWARD: incompatible",
            ],
        ),
        (
            ".proto",
            PARCEL,
            NEW_PARCEL,
            [
                "- field shop.Parcel.to = 2: string, number 2",
                "~ field shop.Parcel.grams = 1: name weight -> grams",
                "~ field shop.Parcel.grams = 1: type int32 -> int64",
                "~ field shop.Parcel.grams = 1: doc Grams. -> (none)",
                "~ field shop.Parcel.grams = 1: option deprecated (none) -> true",
                "+ field shop.Parcel.notes = 3: repeated string, number 3",
                "BACKWARD: compatible, the new schema reads old data",
                "FORWARD: compatible, the old schema reads new data",
            ],
        ),
        (
            ".json",
            PERSON,
            NEW_PERSON,
            [
                "- field #/properties/age: integer",
                "~ field #/properties/name: maxLength 9 -> 5",
                "~ field #/properties/name: required (none) -> yes",
                "+ field #/properties/mail: string",
                "BACKWARD: incompatible",
                "FORWARD: incompatible",
            ],
        ),
    ],
)
def test_a_difference_is_told_in_the_words_of_schemas(
    tmp_path: Path, suffix: str, old: str, new: str, changes: list[str]
) -> None:
    write(tmp_path, {f"a/old{suffix}": old, f"b/new{suffix}": new})
    ended = run("diff", f"a/old{suffix}", f"b/new{suffix}", folder=tmp_path)
    assert ended.code == 1
    assert [line for line in ended.out.splitlines() if not line.startswith("  ")] == changes


def test_layout_makes_no_difference(tmp_path: Path) -> None:
    write(tmp_path, {"a.avsc": ORDER, "b.avsc": ORDER.replace("\n", " ").replace('"doc"', ' "doc" ')})
    ended = run("diff", "a.avsc", "b.avsc", folder=tmp_path)
    assert ended.code == 0
    assert ended.out.splitlines()[0] == "No differences"


def test_a_file_is_compared_with_what_it_was_in_a_revision(tmp_path: Path) -> None:
    size = 'syntax = "proto3";\npackage shop;\nmessage Size {\n  int32 w = 1;\n}\n'
    box = 'syntax = "proto3";\npackage shop;\nimport "size.proto";\nmessage Box {\n  Size size = 1;\n}\n'
    repository = Repository(tmp_path, {"schemas/size.proto": size, "schemas/box.proto": box})
    write(tmp_path, {"schemas/size.proto": size.replace("int32", "string")})
    ended = repository.run("diff", "main:schemas/box.proto", "schemas/box.proto")
    assert ended.code == 1
    assert ended.out.splitlines()[:2] == [
        "~ reference size.proto: text before -> changed",
        "BACKWARD: incompatible",
    ]
    ended = run("diff", "--format", "json", "HEAD:size.proto", "size.proto", folder=tmp_path / "schemas")
    (change,) = ended.json()["changes"]
    assert change.pop("rules") == ["FIELD_SCALAR_KIND_CHANGED"]
    assert change == {
        "sign": "~", "kind": "field", "name": "shop.Size.w = 1", "attribute": "type", "old": "int32", "new": "string",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("operands", "told"),
    [
        (["a.avsc", "missing.avsc"], "There is no file 'missing.avsc'. A version is a file, REVISION:PATH"),
        (["a.avsc", "orders@3"], "name the registry with --registry URL"),
        (["a.avsc", "nowhere:a.avsc"], "neither a folder nor a Git revision"),
        (["a.avsc", "HEAD:missing.avsc"], "HEAD has no schema 'missing.avsc'"),
        (["a.avsc", "b.proto"], "compare schemas of one type"),
        (["a.avsc", "broken.avsc"], "cannot be read"),
        (["a.avsc", "notes.txt"], "is not a schema file"),
        (["a.avsc"], "Missing argument 'NEW'"),
    ],
)
def test_what_cannot_be_compared_is_told(tmp_path: Path, operands: list[str], told: str) -> None:
    repository = Repository(
        tmp_path, {"a.avsc": '"int"', "b.proto": 'syntax = "proto3";', "broken.avsc": "{", "notes.txt": "x"}
    )
    ended = repository.run("diff", *operands)
    assert ended.code == 2
    assert told in ended.err
