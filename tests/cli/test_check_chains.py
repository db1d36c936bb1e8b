"""`karapace-like check` of chains, in which each file refers to the one before it: files are no work for each pair."""

import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from karapace_like.explanation import incompatibilities, json_schema_examples
from karapace_like.schema import references
from karapace_like.schema.avro import parser as avro_parser
from karapace_like.schema.json_schema import comparison as json_comparison
from karapace_like.schema.json_schema import documents as json_documents
from karapace_like.schema.json_schema import loader as json_loader
from karapace_like.schema.protobuf import compiler
from karapace_like.schema.protobuf import schema as protobuf_schema
from karapace_like.tooling import workspace
from tests.command_line import run, write

COUNT = 25


def avro(at: int, *, breaks: bool) -> tuple[str, str]:
    fields = [{"name": "id", "type": "int"}, *([{"name": "new", "type": "int"}] if breaks and not at else [])]
    fields += [{"name": "next", "type": f"shop.R{at - 1}"}] if at else []
    return f"r{at}.avsc", json.dumps({"type": "record", "name": f"R{at}", "namespace": "shop", "fields": fields})


def json_schema(at: int, *, breaks: bool) -> tuple[str, str]:
    properties: dict[str, Any] = {"id": {"type": "string" if breaks and not at else "integer"}}
    properties |= {"next": {"$ref": f"r{at - 1}.schema.json"}} if at else {}
    return f"r{at}.schema.json", json.dumps({"type": "object", "properties": properties})


def protobuf(at: int, *, breaks: bool) -> tuple[str, str]:
    imported = f'import "r{at - 1}.proto";\n' if at else ""
    field = f"  R{at - 1} next = 2;\n" if at else ""
    id_field = f"  {'string' if breaks and not at else 'int32'} id = 1;\n"
    return f"r{at}.proto", f'syntax = "proto3";\npackage shop;\n{imported}message R{at} {{\n{id_field}{field}}}\n'


FORMATS = {"avro": avro, "json": json_schema, "protobuf": protobuf}


def count_calls(monkeypatch: pytest.MonkeyPatch, *functions: tuple[Any, str]) -> Counter[str]:
    """Count the calls of functions, by their names, from now on."""
    calls = Counter[str]()

    def counting(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        def counted(*arguments: Any, **named: Any) -> Any:
            calls[name] += 1
            return function(*arguments, **named)

        return counted

    for owner, name in functions:
        monkeypatch.setattr(owner, name, counting(name, getattr(owner, name)))
    return calls


def check_chain(folder: Path, format_: str, *, breaks: bool) -> Any:
    make = FORMATS[format_]
    for at in range(COUNT):
        write(folder / "old", dict([make(at, breaks=False)]))
        write(folder / "new", dict([make(at, breaks=breaks)]))
    return run("check", "new", "--against", "old", "--format", "json", folder=folder)


@pytest.mark.parametrize("breaks", [False, True], ids=["same", "broken"])
@pytest.mark.parametrize(
    ("format_", "functions"),
    [
        ("avro", [(avro_parser._Parser, "_record"), (avro_parser._Parser, "parse")]),
        ("json", [(json_documents, "read"), (json_loader.Loader, "_object"), (json_loader.Loader, "_references")]),
        ("protobuf", [(protobuf_schema, "parse_file"), (protobuf_schema, "print_file"), (compiler, "_write")]),
    ],
)
def test_references_are_parsed_once_for_all_that_refer_to_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, format_: str, functions: list[tuple[Any, str]], *, breaks: bool
) -> None:
    """Each file is parsed as itself and as a reference, on both sides; three examples of a break read theirs."""
    monkeypatch.setattr(incompatibilities, "find_example", lambda *_: None)
    calls = count_calls(monkeypatch, *functions)
    ended = check_chain(tmp_path, format_, breaks=breaks)
    assert ended.code == int(breaks)
    assert len(ended.json()["cases"]) == COUNT
    assert calls
    assert max(calls.values()) <= 5 * COUNT, calls


def test_pairs_of_json_schemas_are_compared_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first file of the chain changes, and with it the meaning of all others."""
    calls = count_calls(monkeypatch, (json_comparison, "compare_pair"))
    for at in range(COUNT):
        name, text = json_schema(at, breaks=False)
        write(tmp_path / "old", {name: text})
        write(tmp_path / "new", {name: text if at else text.replace('"integer"', '"number"')})
    ended = run("check", "new", "--against", "old", folder=tmp_path)
    assert (ended.code, ended.out) == (0, f"{COUNT} schemas: {COUNT} passed\n")
    assert 2 * COUNT <= calls["compare_pair"] <= 4 * COUNT


def test_broken_pairs_of_json_schemas_are_compared_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each pair is refuted, and its findings put together, as itself and as a reference."""
    monkeypatch.setattr(incompatibilities, "find_example", lambda *_: None)
    calls = count_calls(monkeypatch, (json_comparison, "compare_pair"))
    assert check_chain(tmp_path, "json", breaks=True).code == 1
    assert calls["compare_pair"] <= 8 * COUNT


def test_a_break_deeper_than_200_references_has_no_example(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The path to it is cut, so that each of the schemas would search for an example of its own."""
    calls = count_calls(monkeypatch, (json_schema_examples, "JsonSchemaCodec"))
    for at in range(210):
        for side, breaks in (("old", False), ("new", True)):
            write(tmp_path / side, dict([json_schema(at, breaks=breaks)]))
    ended = run(
        "check", *(f"r{at}.schema.json" for at in range(205, 210)), "--against", "../old", folder=tmp_path / "new"
    )
    assert (ended.code, ended.err) == (1, "")
    assert "/.../" in ended.out
    assert calls["JsonSchemaCodec"] == 0


@pytest.mark.parametrize("format_", FORMATS)
def test_links_are_followed_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, format_: str) -> None:
    calls = count_calls(
        monkeypatch,
        (workspace, "_merge_closures"),
        (workspace.Workspace, "_find_direct"),
        (workspace.Workspace, "_list_needed"),
        (references, "closure"),
    )
    assert check_chain(tmp_path, format_, breaks=False).code == 0
    assert calls == {"_merge_closures": 2 * COUNT, "_find_direct": 4 * COUNT - 2, "_list_needed": 2 * COUNT}


def test_protoc_reads_a_chain_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls = count_calls(monkeypatch, (compiler, "judge"))
    assert check_chain(tmp_path, "protobuf", breaks=False).code == 0
    assert calls["judge"] == 1


def test_a_file_that_protoc_refuses_fails_all_that_import_it(tmp_path: Path) -> None:
    """The others of the chain pass, although protoc reads them together with it first."""
    for at in range(COUNT):
        write(tmp_path, dict([protobuf(at, breaks=False)]))
    repeated = f"{protobuf(15, breaks=False)[1].rpartition('}')[0]}  int32 other = 1;\n}}\n"
    write(tmp_path, {"r15.proto": repeated})
    ended = run("check", "--against", ".", "--format", "json", folder=tmp_path)
    assert {case["subject"]: case["verdict"] for case in ended.json()["cases"]} == {
        f"r{at}": "unknown" if at >= 15 else "passed" for at in range(COUNT)
    }


@pytest.mark.slow
@pytest.mark.parametrize("format_", FORMATS)
def test_a_break_that_all_share_has_three_examples(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, format_: str
) -> None:
    calls = count_calls(monkeypatch, (incompatibilities, "find_example"))
    cases = check_chain(tmp_path, format_, breaks=True).json()["cases"]
    examples = [problem["example"] for case in cases for problem in case["problems"] if problem["example"]]
    assert [case["verdict"] for case in cases] == ["failed"] * COUNT
    # Protobuf reports each field on the way as well.
    assert 0 < len(examples) <= calls["find_example"] <= (3 * COUNT if format_ == "protobuf" else 3)


def test_examples_of_a_chain_read_so_many_files_for_each_schema(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each file has a break of its own, and those of all that it imports."""
    searched: list[int] = []

    def find_no_example(writer: Any, reader: Any, _: str) -> None:
        searched.append(len(writer.source.documents) + len(reader.source.documents))

    monkeypatch.setattr(incompatibilities, "find_example", find_no_example)
    count = 2 * COUNT
    for at in range(count):
        name, text = protobuf(at, breaks=False)
        write(tmp_path / "old", {name: text})
        write(tmp_path / "new", {name: text.replace("int32", "string")})
    cases = run("check", ".", "--against", "../old", "--format", "json", folder=tmp_path / "new").json()["cases"]
    assert [case["verdict"] for case in cases] == ["failed"] * count
    assert len(searched) > COUNT
    assert sum(searched) <= 1_000 + 12 * count


@pytest.mark.slow
def test_a_value_that_takes_long_to_validate_is_no_example(tmp_path: Path) -> None:
    """In a chain of 300 files, whether a value is valid takes as long as a server leaves to other processes."""
    for at in range(300):
        for side, breaks in (("old", False), ("new", True)):
            write(tmp_path / side, dict([json_schema(at, breaks=breaks)]))
    ended = run("check", "r299.schema.json", "--against", "../old", folder=tmp_path / "new")
    assert (ended.code, ended.err) == (1, "")


def test_names_mean_what_the_texts_before_them_make_of_them(tmp_path: Path) -> None:
    """Two schemas have one reference in common, which means something else in each."""
    use = '{"type": "record", "name": "Use", "fields": [{"name": "x", "type": "%s"}]}'
    size = '{"type": "enum", "name": "%s.Size", "symbols": ["A"]}'
    both = '{"type": "record", "name": "%s", "fields": [{"name": "a", "type": "a.Size"}, {"name": "u", "type": "Use"}]}'
    write(tmp_path, {"use.avsc": use % "a.Size", "a.avsc": size % "a", "b.avsc": both % "B", "c.avsc": both % "C"})
    assert run("check", "--against", ".", folder=tmp_path).code == 0
    write(tmp_path, {"use.avsc": use % "b.Size"})
    ended = run("check", "--against", ".", "--format", "json", folder=tmp_path)
    assert {case["subject"]: case["verdict"] for case in ended.json()["cases"]} == {
        "a": "passed",
        "b": "unknown",
        "c": "unknown",
        "use": "unknown",
    }


def test_protoc_finds_no_file_that_only_another_schema_imports(tmp_path: Path) -> None:
    """Two files have one path for those that import them, and some import what is not there."""
    head = 'syntax = "proto3";\npackage shop;\n'
    files = {
        "x/b.proto": f"{head}message B {{}}\n",
        "x/a.proto": f'{head}import "b.proto";\nmessage A {{\n  B b = 1;\n}}\n',
        "y/b.proto": f"{head}message B {{\n  int32 c = 1;\n}}\n",
        "y/c.proto": f'{head}import "b.proto";\nmessage C {{\n  B b = 1;\n}}\n',
        "z/d.proto": f'{head}import "n.proto";\nmessage D {{}}\n',
        "z/e.proto": f'{head}import "default";\nmessage E {{}}\n',
    }
    write(tmp_path, {**files, "karapace-like.toml": 'subject = "{path}"\n'})
    ended = run("check", "--against", ".", "--format", "json", folder=tmp_path)
    verdicts = {case["subject"]: case["verdict"] for case in ended.json()["cases"]}
    assert verdicts == {
        "x/a": "passed",
        "x/b": "passed",
        "y/b": "passed",
        "y/c": "passed",
        "z/d": "unknown",
        "z/e": "unknown",
    }
