"""Long work shows how far it is on a terminal, and is silent without one."""

import os
import pty
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import pytest

from karapace_like.kafka.cluster import Cluster
from tests.command_line import run, write
from tests.forms import shorten
from tests.service_process import ServiceProcess


class Ended(NamedTuple):
    code: int
    out: str
    terminal: str
    """What standard error showed, if it was a terminal."""


def run_on_terminal(arguments: Sequence[object], folder: Path) -> Ended:
    ours, theirs = pty.openpty()
    try:
        process = subprocess.Popen(
            [sys.executable, "-m", "karapace_like", *map(str, arguments)],
            cwd=folder,
            stdout=subprocess.PIPE,
            stderr=theirs,
            text=True,
        )
    finally:
        os.close(theirs)
    shown = bytearray()
    with process, os.fdopen(ours, "rb", buffering=0) as terminal:
        try:
            while part := terminal.read(65536):
                shown += part
        except OSError:
            pass  # EIO: nobody holds the other end any more
        out = process.communicate()[0]
    return Ended(process.returncode, out, shown.decode())


@pytest.fixture
def arguments(
    request: pytest.FixtureRequest, kafka: Cluster, filled: ServiceProcess, archive: Path, tmp_path: Path
) -> list[object]:
    write(tmp_path, {"a.avsc": '"int"', "b.avsc": '"int"'})
    source = ("--bootstrap-uri", kafka.bootstrap_servers, "--topic-name", filled.topic)
    commands: dict[str, list[object]] = {
        "export": ["export", tmp_path / "copy.jsonl", "--registry", filled.url],
        "export from the topic": ["export", tmp_path / "copy.jsonl", *source],
        "import": ["import", archive, "--registry", filled.url],
        "verify": ["verify", archive, "--registry", filled.url],
        "doctor": ["doctor", *source],
        "check": ["check", "--registry", filled.url],
        "plan": ["plan", "--registry", filled.url],
    }
    return commands[request.param]


@pytest.mark.parametrize(
    ("arguments", "bars"),
    [
        ("export", ["Reading schemas", "Reading settings"]),
        pytest.param("export from the topic", ["Reading records"], marks=pytest.mark.long),
        pytest.param("import", ["Reading schemas"], marks=pytest.mark.long),
        pytest.param("verify", ["Reading schemas", "Reading settings"], marks=pytest.mark.long),
        ("doctor", ["Reading records"]),
        ("check", ["Reading levels", "Reading versions"]),
        pytest.param("plan", ["Reading levels", "Reading modes"], marks=pytest.mark.long),
    ],
    indirect=["arguments"],
)
def test_a_terminal_shows_how_far_the_work_is(arguments: list[object], tmp_path: Path, bars: list[str]) -> None:
    ended = run_on_terminal(arguments, tmp_path)
    assert ended.code == 0, ended
    finished = [line.rpartition("\r")[2] for line in ended.terminal.replace("\r\n", "\n").split("\n")]
    for bar in bars:
        (line,) = {each for each in finished if each.startswith(bar)}
        done, of, total = line.rpartition("] ")[2].split()
        assert (of, done) == ("of", total)
        assert f"[{'#' * 30}]" in line
    assert "Reading" not in ended.out


@pytest.mark.parametrize("arguments", shorten(["export", "export from the topic", "doctor", "check"]), indirect=True)
def test_it_is_silent_without_one(arguments: list[object], tmp_path: Path) -> None:
    ended = run(*arguments, folder=tmp_path)
    assert (ended.code, ended.err) == (0, "")
