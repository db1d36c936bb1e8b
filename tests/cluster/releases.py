"""An earlier release beside this one: its code from the repository's history, run by this environment's Python."""

import subprocess
import sys
import tarfile
from collections.abc import Sequence
from io import BytesIO
from pathlib import Path

import pytest

LAST_IN_TRANSACTIONS = "05bbd84"
"""The last commit whose primary writes in transactions whatever the cluster."""

_ROOT = Path(__file__).parents[2]
THIS = (sys.executable, "-m", "karapace_like")


def extract(commit: str, folder: Path) -> Sequence[str]:
    """The program of that commit; skips the test where the clone has no such commit."""
    found = subprocess.run(
        ["git", "-C", str(_ROOT), "archive", "--format=tar", commit, "karapace_like"],
        capture_output=True,
        check=False,
    )
    if found.returncode:
        pytest.skip(f"the clone does not hold the commit {commit}: {found.stderr.decode().strip()}")
    with tarfile.open(fileobj=BytesIO(found.stdout)) as archive:
        archive.extractall(folder, filter="data")
    return "env", "-C", str(folder), *THIS
