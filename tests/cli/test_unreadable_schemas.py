"""Files that hold no schema that could be judged: `check` and `lint` say so, where, and with exit code 2."""

from pathlib import Path

import pytest

from tests.command_line import run, write


@pytest.mark.parametrize(
    ("name", "text", "line"),
    [
        ("a.avsc", '{"type": "record",\n "name" "A"}', 2),
        ("a.avsc", '{"type": "record", "name": "A", "fields": [{"name": "b", "type": "Missing"}]}', 1),
        ("a.proto", 'syntax = "proto3";\nmessage A {\n  Missing m = 1;\n}\n', 3),
        ("a.schema.json", '{\n"type": 5}', 1),
        ("a.schema.json", '{\n"type": }', 2),
    ],
)
def test_what_is_no_schema_could_not_be_judged(tmp_path: Path, name: str, text: str, line: int) -> None:
    write(tmp_path, {f"new/{name}": text, "old/b.avsc": '"int"'})
    ended = run("check", "new", "--against", "old", "--deleted", "ignore", "--format", "json", folder=tmp_path)
    (case,) = ended.json()["cases"]
    assert ended.code == 2
    assert case["verdict"] == "unknown"
    assert case["problems"][0]["rule"] == "INVALID_SCHEMA"
    assert case["problems"][0]["place"]["line"] == line


@pytest.mark.parametrize(
    "text", [b'"int"\xff', b'"\x00"', b'"' + b"x" * 9_000_000 + b'"', b"[" * 300, b"[" * 5000, b""]
)
def test_what_is_no_text_of_a_schema_at_all_could_not_be_judged(tmp_path: Path, text: bytes) -> None:
    write(tmp_path, {"old/a.avsc": '"int"'})
    (tmp_path / "new").mkdir()
    (tmp_path / "new" / "a.avsc").write_bytes(text)
    for form in ("text", "json", "junit", "sarif", "github", "markdown"):
        ended = run("check", "new", "--against", "old", "--format", form, folder=tmp_path)
        assert ended.code == 2
        assert "INVALID_SCHEMA" in ended.out


@pytest.mark.parametrize("name", ["a.avsc", "a.schema.json", "a.proto"])
def test_a_schema_nested_beyond_any_parser_could_not_be_judged(tmp_path: Path, name: str) -> None:
    unit, end = ("message M {", "}") if name == "a.proto" else ('{"items":', "}")
    write(tmp_path, {f"new/{name}": unit * 5000 + "{}" + end * 5000, f"old/{name}": ""})
    for command in (["lint"], ["check", "--against", "../old"]):
        ended = run(*command, folder=tmp_path / "new")
        assert ended.code == 2
        assert "nested deeper than" in ended.out


def test_a_byte_order_mark_is_no_part_of_a_schema(tmp_path: Path) -> None:
    write(tmp_path, {"old/a.avsc": '"int"', "new/a.avsc": '\ufeff"long"'})
    assert run("check", "new", "--against", "old", folder=tmp_path).code == 0


def test_an_old_schema_that_cannot_be_read_could_not_be_judged(tmp_path: Path) -> None:
    write(tmp_path, {"old/a.avsc": "{", "new/a.avsc": '"int"'})
    ended = run("check", "new", "--against", "old", folder=tmp_path)
    assert ended.code == 2
    assert "UNREADABLE_EARLIER_VERSION" in ended.out


def test_files_that_refer_to_each_other_in_a_circle_are_named(tmp_path: Path) -> None:
    circle = 'syntax = "proto3";\nimport "{}.proto";\n'
    write(tmp_path, {"new/a.proto": circle.format("b"), "new/b.proto": circle.format("a"), "old/c.avsc": '"int"'})
    ended = run("check", "new", "--against", "old", folder=tmp_path)
    assert ended.code == 2
    assert "in a cycle: b.proto -> a.proto -> b.proto" in ended.out
