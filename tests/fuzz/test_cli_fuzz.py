"""Files drawn at random for the commands on files: each answers with its exit codes and sentences, never a traceback.

`FUZZ_EXAMPLES` sets how many sets of files are tried.
"""

import os
import tempfile
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.command_line import run

SEEDS = (
    '{"type": "record", "name": "R", "fields": [{"name": "a", "type": ["null", "int"]}]}',
    '{"type": "enum", "name": "E", "symbols": ["A", "B"], "default": "A"}',
    '{"$schema": "http://json-schema.org/draft-07/schema#", "properties": {"a": {"$ref": "b.schema.json"}}}',
    '{"$ref": "#/definitions/a", "definitions": {"a": {"pattern": "^(a+)+$", "default": 1}}}',
    'syntax = "proto3";\npackage p;\nimport "c.proto";\nmessage M {\n  map<string, N> a = 1;\n}\n',
    'edition = "2023";\nmessage N {\n  reserved 1 to 3;\n  oneof o {\n    int32 x = 4;\n  }\n}\n',
    "// karapace-like: ignore field-names until 2020-01-01: It was so.\n",
)
SETTINGS = (
    'subject = "{stem}-value"\ncompatibility = "FULL"\n[lint]\nuse = "basic"\n',
    '[[accept]]\nsubject = "*"\nrule = "SCHEMA_DELETED"\nuntil = 2020-01-01\nreason = "x"\n',
    '[lint.packs.p]\nnames = {record = "[A"}\ntags = {"*" = "T"}\n[subjects.a]\nfile = "a.avsc"\n',
)


@st.composite
def draw_damaged(draw: st.DrawFn, seeds: tuple[str, ...]) -> bytes:
    """One of the texts, or any bytes, with parts cut, repeated or replaced."""
    text = draw(st.sampled_from(seeds)).encode() if draw(st.booleans()) else draw(st.binary(max_size=60))
    for _ in range(draw(st.integers(0, 3))):
        start, end = sorted((draw(st.integers(0, len(text))), draw(st.integers(0, len(text)))))
        part = draw(
            st.sampled_from([b"", text[start:end] * 2, b"\x00", b"\xff", b"\xed\xa0\x80", b"{", b'"', b"1e999"])
        )
        text = text[:start] + part + text[end:]
    return text


NAMES = st.sampled_from(["a.avsc", "b.schema.json", "c.proto", "d/e.avsc", "d/\u00e9 f.proto", "g.json"])
FILES = st.dictionaries(NAMES, draw_damaged(SEEDS), max_size=4)


@settings(
    max_examples=int(os.environ.get("FUZZ_EXAMPLES", "25")),
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
@given(old=FILES, new=FILES, toml=st.none() | draw_damaged(SETTINGS))
def test_no_files_cause_a_traceback(old: dict[str, bytes], new: dict[str, bytes], toml: bytes | None) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for state, files in (("old", old), ("new", new)):
            (folder / state).mkdir()
            for path, content in {**files, **({} if toml is None else {"karapace-like.toml": toml})}.items():
                (folder / state / path).parent.mkdir(exist_ok=True)
                (folder / state / path).write_bytes(content)
        for arguments in (
            ["check", "new", "--against", "old", "--format", "json"],
            ["check", "new", "--against", "old", "--format", "sarif", "--format", "markdown", "--format", "junit"],
            ["lint", "new", "--fix", "--strict"],
            ["diff", *(next((folder / state).rglob("*.*"), folder) for state in ("old", "new"))],
        ):
            ended = run(*arguments, folder=folder)
            assert ended.code in {0, 1, 2}, ended
            assert "Traceback" not in ended.err, ended.err
            assert ended.code != 2 or ended.err or "cannot be read" in ended.out or "INVALID" in ended.out, ended
