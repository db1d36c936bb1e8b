"""franz-go's registry client against the service: the Go program beside this file says what it does and expects."""

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.service_process import ServiceProcess

pytestmark = pytest.mark.long

PROGRAM = Path(__file__).parent / "go"


@pytest.mark.skipif(shutil.which("go") is None, reason="Go is not installed")
def test_the_go_client_gets_what_it_expects(service: ServiceProcess, topic: Callable[[], str]) -> None:
    """Every call of the client works; the first surprise ends the program with a message."""
    run = subprocess.run(
        ["go", "run", ".", service.url, topic()], cwd=PROGRAM, capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stderr
