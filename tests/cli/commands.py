"""The command line as its users run it: what it prints and its exit code, in a process of its own or in this one."""

import os
import subprocess
import sys
from typing import NamedTuple

from click.testing import CliRunner

from karapace_like.cli import main


class Ran(NamedTuple):
    """What came of a command."""

    code: int
    out: str
    err: str


def started(*arguments: object) -> subprocess.Popen[str]:
    """The command, running."""
    return subprocess.Popen(
        [sys.executable, "-m", "karapace_like", *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "COLUMNS": "120"},
    )


def karapace_like(*arguments: object) -> Ran:
    """Run the command to its end, in this process: starting one costs more than most commands."""
    found = CliRunner().invoke(main, [*map(str, arguments)], prog_name="karapace-like")
    if found.exception is not None and not isinstance(found.exception, SystemExit):
        raise found.exception
    return Ran(found.exit_code, found.stdout, found.stderr)
