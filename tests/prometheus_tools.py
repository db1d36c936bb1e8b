"""Prometheus' own programs, where they are installed: `.ci/prometheus` puts them beside Python."""

import shutil
import sys
from pathlib import Path

import pytest


def find_program(name: str) -> str:
    """The path of `promtool` or `prometheus`; skips the test where there is none."""
    found = shutil.which(name) or shutil.which(name, path=str(Path(sys.executable).parent))
    if found is None:
        pytest.skip(f"{name} is not installed; .ci/prometheus installs it from Debian's package")
    return found
