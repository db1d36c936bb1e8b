"""`produce`, `consume` and `tail`: the records of topics through a REST proxy."""

import json
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner

from karapace_like.cli import main
from tests.command_line import Outcome, run, write
from tests.service_process import ServiceProcess

AVRO = '{"type": "record", "name": "Lift", "fields": [{"name": "floor", "type": "int"}]}'
JSON_SCHEMA = '{"type": "object", "properties": {"floor": {"type": "integer"}}}'
PROTOBUF = 'syntax = "proto3";\nmessage Lift {\n  int32 floor = 1;\n}\n'


@pytest.fixture
def on_proxy(service: ServiceProcess, tmp_path: Path) -> Callable[..., Outcome]:
    """Run a command with the service as its proxy, and with this standard input."""

    def run_on_proxy(*arguments: object, lines: bytes = b"") -> Outcome:
        (tmp_path / "lines").write_bytes(lines)
        words = [*map(str, arguments), "--proxy", service.url]
        if arguments[0] == "produce":
            ended = CliRunner().invoke(main, words, input=lines)
            return Outcome(ended.exit_code, ended.stdout, ended.stderr)
        return run(*words, folder=tmp_path)

    return run_on_proxy


def test_lines_become_records_and_records_lines(on_proxy: Callable[..., Outcome], topic: Callable[[], str]) -> None:
    name, copy = topic(), topic()
    lines = b'"a" {"floor": 3}\n\n"b" {"floor": 12345678901234567890}\n'
    ended = on_proxy("produce", name, "--key-separator", " ", lines=lines)
    assert (ended.code, ended.out) == (0, f"2 records written to {name}\n"), ended
    shown = on_proxy("consume", name).out
    assert shown == '0:0 "a" {"floor": 3}\n0:1 "b" {"floor": 12345678901234567890}\n'
    records = on_proxy("consume", name, "--format", "json").out
    again = on_proxy("produce", copy, "--records", "--format", "json", lines=records.encode())
    assert again.json() == {"topic": copy, "written": 2, "failed": []}
    assert on_proxy("consume", copy).out == shown
    assert on_proxy("consume", copy, "--offset", "1").out == shown.splitlines()[1] + "\n"
    assert on_proxy("consume", copy, "--count", "1").out == shown.splitlines()[0] + "\n"
    assert [each["key"] for each in yaml.safe_load(on_proxy("consume", copy, "--format", "yaml").out)] == ["a", "b"]


@pytest.mark.parametrize(
    ("form", "schema", "suffix"),
    [("avro", AVRO, "avsc"), ("jsonschema", JSON_SCHEMA, "json"), ("protobuf", PROTOBUF, "proto")],
)
def test_schemas_come_from_a_file_or_from_the_registry(
    on_proxy: Callable[..., Outcome], topic: Callable[[], str], tmp_path: Path, form: str, schema: str, suffix: str
) -> None:
    name = topic()
    write(tmp_path, {f"lift.{suffix}": schema})
    options = ["--value-format", form]
    first = on_proxy("produce", name, *options, "--schema", tmp_path / f"lift.{suffix}", lines=b'{"floor": 1}\n')
    assert first.code == 0, first
    assert on_proxy("produce", name, *options, lines=b'{"floor": 2}\n').code == 0
    assert on_proxy("consume", name).out == on_proxy("consume", name, *options).out
    assert [line.split(" ", 2)[2] for line in on_proxy("consume", name).out.splitlines()] == [
        '{"floor": 1}',
        '{"floor": 2}',
    ]
    wrong = on_proxy("produce", name, *options, lines=b'{"floor": "up"}\n')
    assert wrong.code == 2
    assert wrong.err.startswith("Error: The REST proxy rejected lines 1 to 1: ")


@pytest.mark.parametrize(("form", "line", "shown"), [("string", b"up", '"up"'), ("binary", b"\xff\x00", '"/wA="')])
def test_texts_and_bytes(
    on_proxy: Callable[..., Outcome], topic: Callable[[], str], form: str, line: bytes, shown: str
) -> None:
    name = topic()
    assert on_proxy("produce", name, "--value-format", form, lines=line + b"\n").code == 0
    assert on_proxy("consume", name, "--value-format", form).out == f"0:0 null {shown}\n"


def test_keys_have_schemas_of_their_own(
    on_proxy: Callable[..., Outcome], topic: Callable[[], str], tmp_path: Path
) -> None:
    name = topic()
    write(tmp_path, {"key.avsc": '"string"', "lift.avsc": AVRO})
    options = ["--value-format", "avro", "--key-separator", "|"]
    files = ["--schema", tmp_path / "lift.avsc", "--key-schema", tmp_path / "key.avsc"]
    written = on_proxy("produce", name, *options, *files, lines=b'"a"|{"floor": 1}\n')
    assert (written.code, written.out) == (0, f"1 record written to {name}\n"), written
    assert on_proxy("consume", name).out == '0:0 "a" {"floor": 1}\n'
    both = on_proxy("produce", name, *options, "--key-schema-id", "1", "--key-schema", __file__)
    assert "--key-schema and --key-schema-id exclude each other" in both.err
    without = on_proxy("produce", topic(), *options, "--schema", tmp_path / "lift.avsc", lines=b'"a"|{"floor": 1}\n')
    assert without.err.endswith("Name the keys' schema with --key-schema or --key-schema-id.\n"), without


def test_tail_shows_what_arrives(
    on_proxy: Callable[..., Outcome], topic: Callable[[], str], service: ServiceProcess
) -> None:
    name = topic()
    assert on_proxy("produce", name, lines=b"1\n2\n3\n").code == 0
    ended = on_proxy("tail", name, "--last", "2", "--count", "2")
    assert ended == Outcome(0, "0:1 null 2\n0:2 null 3\n", "")
    following = subprocess.Popen(
        [sys.executable, "-u", "-m", "karapace_like", "tail", name, "--last", "1", "--proxy", service.url],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert following.stdout is not None
    assert following.stdout.readline() == "0:2 null 3\n"  # it reads from here on
    assert on_proxy("produce", name, lines=b"4\n").code == 0
    assert following.stdout.readline() == "0:3 null 4\n"
    following.send_signal(signal.SIGINT)
    _, errors = following.communicate(timeout=60)
    assert (following.returncode, errors) == (130, "Error: Interrupted.\n")


def test_mistakes_are_named(on_proxy: Callable[..., Outcome], topic: Callable[[], str]) -> None:
    name = topic()
    assert on_proxy("produce", name, lines=b"1\n").code == 0
    bad = on_proxy("produce", name, lines=b'{"a": 1}\n{"a": \n')
    assert (bad.code, bad.out) == (2, "")
    assert bad.err.startswith("Error: Line 2 cannot be read: ")
    assert on_proxy("produce", name, "--key-separator", ";", lines=b"1\n").err.startswith(
        "Error: Line 1 cannot be read: there is no ';' after a key."
    )
    gone = topic()
    missing = on_proxy("consume", gone)
    assert (missing.code, missing.err) == (
        2,
        f"Error: There is no topic {gone}, or none that you may read. Check its name, and --proxy.\n",
    )
    without = on_proxy("produce", name, "--value-format", "avro", lines=b"1\n")
    assert without.err.endswith(
        "0 records were written before them. Name the values' schema with --schema or --schema-id.\n"
    )
    away = run("consume", name, "--proxy", "http://127.0.0.1:9")
    assert away.err == (
        "Error: No REST proxy answers at http://127.0.0.1:9: Connection refused. "
        "Check --proxy, and that the service runs.\n"
    )
    assert (
        "--schema and --schema-id exclude each other"
        in on_proxy("produce", name, "--schema-id", "1", "--schema", __file__).err
    )


def test_a_profile_has_a_proxy(topic: Callable[[], str], service: ServiceProcess, tmp_path: Path) -> None:
    profiles = '[profiles.here]\nregistry = "{0}"\nproxy = "{0}"\n[profiles.bare]\nregistry = "{0}"\n'
    write(tmp_path, {"karapace-like.toml": profiles.format(service.url), "lines": json.dumps({"value": 1}) + "\n"})
    name = topic()
    assert run("produce", name, "lines", "--records", "--proxy", "here", folder=tmp_path).code == 0
    ended = run("consume", name, "--proxy", "bare", folder=tmp_path)
    assert ended.err == (
        "Error: The profile has no REST proxy. Add `proxy` to it in karapace-like.toml, or name the URL.\n"
    )
