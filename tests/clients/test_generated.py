"""Clients that generators make from `/openapi.json`: the commands of docs/generated-clients.md, run on a service."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.markdown_examples import PAGES
from tests.service_process import ServiceProcess

pytestmark = pytest.mark.long

EXAMPLES = PAGES.parent / "examples" / "generated"
LANGUAGES = {"Python": "python3", "TypeScript": "npm", "Go": "go"}
"""Section of the page -> the program without which nothing can be installed."""
PRINTED = ["compatible: false", "offset: 0", "floor: 3"]
_BLOCK = re.compile(r"^```bash\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_SECONDS = 300
"""For the commands of one block: downloads and a build."""


def read_blocks(language: str) -> list[str]:
    """Return the commands of a section of the page: to install, to generate and to run."""
    section = (PAGES / "generated-clients.md").read_text().partition(f"\n## {language}\n")[2].partition("\n## ")[0]
    return _BLOCK.findall(section)


def run_commands(commands: str, folder: Path, **variables: str) -> tuple[int, str, str]:
    """Return exit code, standard output and standard error; the code is -9 where the time is over."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    with subprocess.Popen(
        ["bash", "-euc", commands],
        cwd=folder,
        env=os.environ | variables | {"PATH": path},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        try:
            output, errors = process.communicate(timeout=_SECONDS)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)  # the programs that it started, too
            output, errors = process.communicate()
        return process.returncode, output, errors


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_generated_client_registers_checks_produces_and_reads(
    service: ServiceProcess, topic: Callable[[], str], tmp_path: Path, language: str
) -> None:
    """Without its generator, because that is not installed and cannot be had, the language is skipped."""
    install, generate, run = read_blocks(language)
    variables = {"BASE": service.url, "TOPIC": topic(), "EXAMPLES": str(EXAMPLES)}
    code, _, errors = run_commands(f"command -v {LANGUAGES[language]}\n{install}", tmp_path, **variables)
    if code != 0:
        pytest.skip(f"the generator for {language} cannot be installed (exit code {code}): {errors[-500:]}")
    code, output, errors = run_commands(generate, tmp_path, **variables)
    assert code == 0, output + errors
    code, output, errors = run_commands(run, tmp_path, **variables)
    assert (code, output.splitlines()) == (0, PRINTED), output + errors
