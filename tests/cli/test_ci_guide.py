"""Every command that docs/ci.md shows is run on the example's repository, and answers as the page says."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest

from karapace_like.kafka.cluster import Cluster
from karapace_like.tooling import project
from tests.cli.test_ci_example import EXAMPLE, TOP
from tests.command_line import Repository, run
from tests.service_process import ServiceProcess

PAGE = TOP / "docs" / "ci.md"
_SHOWN = re.compile(r"<!-- run on: (\w+) -->\n```\n\$ karapace-like ([^\n]*)\n(.*?)```\n", re.DOTALL)


@pytest.fixture
def registry(kafka: Cluster) -> Iterator[str]:
    """A registry in which nothing is."""
    with ServiceProcess(kafka.bootstrap_servers) as service:
        yield service.url


def test_commands_answer_as_the_guide_says(tmp_path: Path, registry: str) -> None:
    """In the page's order: what is applied is there afterwards."""
    repository = Repository(tmp_path, {path.relative_to(EXAMPLE).as_posix(): path.read_text() for path in _files()})
    found = []
    for change, command, _ in _SHOWN.findall(PAGE.read_text()):
        repository.git("checkout", "--quiet", ".")
        if change != "main":
            repository.git("apply", f"pull-requests/{change}.patch")
        ended = run(*shlex.split(command), folder=tmp_path, environment={"KARAPACE_LIKE_REGISTRY": registry})
        found.append((change, command, ended.out + ended.err))
    assert found == _SHOWN.findall(PAGE.read_text())


@pytest.mark.parametrize("settings", re.findall(r"```toml\n(.*?)```", PAGE.read_text(), re.DOTALL))
def test_settings_that_the_guide_shows_are_read(settings: str) -> None:
    """Passes if reading the settings raises nothing."""
    project.parse(settings.encode(), PAGE.name)


def _files() -> list[Path]:
    return [path for path in EXAMPLE.rglob("*") if path.is_file()]
