"""Files drawn at random for the commands that read files: exit codes and sentences answer them, never a traceback.

`FUZZ_EXAMPLES` sets how many sets of files are tried.
"""

import hashlib
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from karapace_like.kafka.cluster import Cluster
from tests.command_line import Outcome, run
from tests.forms import count_examples
from tests.service_process import ServiceProcess

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
RULE_FILES = (
    (
        '{"schema": {"type": "string"}, "ruleSet": {"domainRules": [{"name": "a", "type": "CEL", "kind": "CONDITION", '
        '"mode": "WRITE", "expr": "size(message) > 0"}]}, "tests": [{"record": "x", "becomes": "x"}, {"record": ""}]}'
    ),
    (
        '{"schemaFile": "a.avsc", "schemaType": "AVRO", "ruleSet": {"migrationRules": [{"name": "m", "expr": "$", '
        '"type": "JSONATA", "kind": "TRANSFORM", "mode": "UPGRADE"}]}, "tests": [{"record": 1, "fails": "m"}]}'
    ),
)
ARCHIVE_LINES = (
    (
        '{"key":{"keytype":"SCHEMA","subject":"a-value","version":1,"magic":1},"value":{"subject":"a-value","version":1,'
        '"id":7,"schema":"{\\"type\\":\\"int\\"}","deleted":false}}'
    ),
    '{"key":{"keytype":"CONFIG","subject":null,"magic":0},"value":{"compatibilityLevel":"FULL"}}',
    '{"key":{"keytype":"MODE","subject":":.c:","magic":0},"value":{"mode":"READONLY"}}',
    '{"key":{"keytype":"DELETE_SUBJECT","subject":"a-value","magic":0},"value":{"subject":"a-value","version":1}}',
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


@st.composite
def draw_archive(draw: st.DrawFn) -> bytes:
    """An archive with damaged lines, whose last line is right as a rule."""
    lines = [
        b'{"format":"karapace-like archive","version":1}',
        *draw(st.lists(draw_damaged(ARCHIVE_LINES), max_size=4)),
    ]
    text = b"".join(line + b"\n" for line in lines)
    if draw(st.integers(0, 4)):
        digest = hashlib.sha256(text).hexdigest()
        text += b'{"records":%d,"sha256":"%b"}\n' % (text.count(b"\n") - 1, digest.encode())
    return text


FUZZED = settings(
    max_examples=count_examples(50, "FUZZ_EXAMPLES"),
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)


def write_files(folder: Path, files: Mapping[str, bytes], toml: bytes | None) -> None:
    folder.mkdir()
    for path, content in {**files, **({} if toml is None else {"karapace-like.toml": toml})}.items():
        (folder / path).parent.mkdir(exist_ok=True)
        (folder / path).write_bytes(content)


def check_ending(ended: Outcome) -> None:
    assert ended.code in {0, 1, 2}, ended
    assert "Traceback" not in ended.err, ended.err
    assert ended.code != 2 or ended.err or "cannot be read" in ended.out or "INVALID" in ended.out, ended


@pytest.mark.drawn
@FUZZED
@given(old=FILES, new=FILES, toml=st.none() | draw_damaged(SETTINGS))
def test_no_files_cause_a_traceback(old: dict[str, bytes], new: dict[str, bytes], toml: bytes | None) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for state, files in (("old", old), ("new", new)):
            write_files(folder / state, files, toml)
        for arguments in (
            ["check", "new", "--against", "old", "--format", "json"],
            ["check", "new", "--against", "old", "--format", "sarif", "--format", "markdown", "--format", "junit"],
            ["lint", "new", "--fix", "--strict"],
            ["diff", *(next((folder / state).rglob("*.*"), folder) for state in ("old", "new"))],
        ):
            check_ending(run(*arguments, folder=folder))


@pytest.mark.drawn
@FUZZED
@given(rules=draw_damaged(RULE_FILES), files=FILES)
def test_no_file_of_rules_causes_a_traceback(rules: bytes, files: dict[str, bytes]) -> None:
    with tempfile.TemporaryDirectory() as name:
        write_files(Path(name) / "new", {**files, "a.rules.json": rules}, None)
        check_ending(run("rules", "test", "new/a.rules.json", "--verbose", folder=Path(name)))


@pytest.fixture(scope="module")
def registry(kafka: Cluster) -> Iterator[str]:
    """URL of a registry that the commands write to."""
    with ServiceProcess(kafka.bootstrap_servers) as service:
        yield service.url


@pytest.mark.drawn
@FUZZED
@given(files=FILES, toml=st.none() | draw_damaged(SETTINGS), archive=draw_archive(), plan=draw_damaged(SEEDS))
def test_no_files_cause_a_traceback_beside_a_registry(
    registry: str, files: dict[str, bytes], toml: bytes | None, archive: bytes, plan: bytes
) -> None:
    """The registry keeps what earlier files have written."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_files(folder / "new", files, toml)
        write_files(folder / "other", {"archive.jsonl": archive, "plan.json": plan}, None)
        for arguments in (
            ["impact", "new"],
            ["plan", "new", "--format", "json"],
            ["register", "new", "--format", "yaml"],
            ["apply", "new", "--yes"],
            ["apply", "new", "--yes", "--plan", "other/plan.json"],
            ["import", "other/archive.jsonl"],
            ["verify", "other/archive.jsonl"],
        ):
            check_ending(run(*arguments, "--registry", registry, folder=folder))
