"""Every row of docs/mistakes.md: a wrong configuration gets the sentence that the page shows, and exit code 2."""

import os
import re
import shlex
from pathlib import Path

import pytest

from tests.command_line import run, write

PAGE = Path(__file__).parents[2] / "docs" / "mistakes.md"
_ROW = re.compile(r"^\| (`.*`) \| `(.*)` \|$", re.MULTILINE)
_CODE = re.compile(r"`([^`]*)`")
ROWS = _ROW.findall(PAGE.read_text())


@pytest.fixture(autouse=True)
def no_settings_of_the_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in os.environ:
        if name.startswith("KARAPACE_"):
            monkeypatch.delenv(name)


def test_the_page_has_sixty_rows_at_least() -> None:
    rows = [line for line in PAGE.read_text().splitlines() if line.startswith("| `")]
    assert len(rows) == len(ROWS) >= 60
    assert f"This page shows {len(rows)} wrong configurations" in PAGE.read_text()


@pytest.mark.parametrize(("configuration", "sentence"), ROWS, ids=[row[0] for row in ROWS])
def test_a_wrong_configuration_gets_its_sentence(tmp_path: Path, configuration: str, sentence: str) -> None:
    """From `config check` and from `serve`, which starts nothing."""
    parts = _CODE.findall(configuration)
    if parts[0].startswith("karapace-like "):
        commands, environment = [shlex.split(parts[0])[1:]], {}
    else:
        commands = [[*command, "karapace.config.json"] for command in (["config", "check"], ["serve"])]
        variables = [part for part in parts if part.startswith("KARAPACE_")]
        environment = dict(variable.split("=", maxsplit=1) for variable in variables)
        write(tmp_path, {"karapace.config.json": "{}" if variables else parts[0]})
    for command in commands:
        ended = run(*command, folder=tmp_path, environment=environment)
        assert ended.code == 2
        errors = [line for line in ended.err.splitlines() if line.startswith("Error: ")]
        assert errors == [f"Error: {sentence}"]
