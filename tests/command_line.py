"""The command line as a user runs it: `karapace-like ...` in a folder; and Git repositories to run it in."""

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
from click.testing import CliRunner

from karapace_like.cli import main
from tests import leaks


class Outcome(NamedTuple):
    """How a command ended."""

    code: int
    out: str
    err: str

    def json(self) -> Any:
        """What it wrote to standard output."""
        return msgspec.json.decode(self.out)


def run(*arguments: object, folder: Path | None = None, environment: Mapping[str, str] | None = None) -> Outcome:
    """`karapace-like` with these arguments, run in the folder, and in this process: a new one costs more than most."""
    with _inside(folder or Path.cwd()):
        ended = CliRunner().invoke(main, list(map(str, arguments)), env=environment, prog_name="karapace-like")
    if ended.exception is not None and not isinstance(ended.exception, SystemExit):
        raise ended.exception
    leaks.hear(ended.output)
    return Outcome(ended.exit_code, ended.stdout, ended.stderr)


def started(*arguments: object) -> subprocess.Popen[str]:
    """The command in a process of its own, running."""
    return subprocess.Popen(
        [sys.executable, "-m", "karapace_like", *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "COLUMNS": "120"},
    )


def write(folder: Path, files: Mapping[str, str]) -> None:
    """The files, by their paths below the folder."""
    for path, text in files.items():
        file = folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)


class Repository:
    """A Git repository whose first commit, `main`, has these files."""

    def __init__(self, folder: Path, files: Mapping[str, str]) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self.git("init", "--quiet", "--initial-branch=main")
        self.commit(files)

    def commit(self, files: Mapping[str, str]) -> None:
        write(self.folder, files)
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "--message=files")

    def git(self, *arguments: str) -> str:
        identity = ["-c", "user.name=tester", "-c", "user.email=tester@example.org", "-c", "commit.gpgsign=false"]
        done = subprocess.run(
            ["git", *identity, *arguments], cwd=self.folder, check=True, capture_output=True, text=True
        )
        return done.stdout

    def run(self, *arguments: object) -> Outcome:
        return run(*arguments, folder=self.folder)


@contextmanager
def _inside(folder: Path) -> Iterator[None]:
    before = Path.cwd()
    os.chdir(folder)
    try:
        yield
    finally:
        os.chdir(before)
