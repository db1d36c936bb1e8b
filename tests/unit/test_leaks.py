"""The suite's look for its own secrets finds one, wherever it is told, and does not tell it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

import karapace_like

TESTS = """
import logging, subprocess, sys
from karapace_like.errors import ApiError
from karapace_like.secret import Secret
from tests import leaks
from tests.service_process import ServiceProcess

SECRET = Secret("of-nobodys-business")

def test_logged():
    logging.getLogger("karapace_like.some").info("told: %s", SECRET.value)

def test_printed():
    print("told", SECRET.value)

def test_printed_by_a_child():
    subprocess.run([sys.executable, "-c", "print('told: of-nobodys-' + 'business')"])

def test_in_an_error():
    ApiError(400, f"told: {SECRET.value}")

def test_said_by_a_service():
    ServiceProcess("x", sasl_plain_password="the-services-own")
    leaks.hear("told: the-services-own")

def test_shown():
    print(SECRET, [SECRET])
"""


AFTER_THE_LAST = """
import pytest
from tests import leaks

@pytest.hookimpl(tryfirst=True)
def pytest_sessionfinish(session):
    leaks.hear("told at the end: of-nobodys-business")
"""


@pytest.mark.long
@pytest.mark.slow
@pytest.mark.parametrize("processes", [0, 1])
def test_it_finds_what_is_told(tmp_path: Path, processes: int) -> None:
    """In this process or in a worker of pytest-xdist; during a test and after the last one."""
    (tmp_path / "test_telling.py").write_text(TESTS)
    (tmp_path / "conftest.py").write_text(AFTER_THE_LAST)
    options = ["-p", "tests.leaks", "-o", "log_level=INFO", "-p", "no:cacheprovider", "--rootdir", tmp_path]
    run = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", *map(str, options), "-p", "xdist", f"-n{processes}", str(tmp_path)],
        cwd=Path(karapace_like.__file__).parents[1],
        env={**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},  # the ones that are not needed take seconds
        capture_output=True,
        text=True,
        check=False,
    )
    failed = {line.split("::")[1].split(" ")[0] for line in run.stdout.splitlines() if line.startswith("FAILED")}
    told = {"logged", "printed", "printed_by_a_child", "in_an_error", "said_by_a_service"}
    assert failed == {f"test_{each}" for each in told}, run.stdout
    assert "1 passed" in run.stdout
    assert "Secrets were told:\ntold at the end: ..." in run.stdout
