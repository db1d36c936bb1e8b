"""Earlier releases beside this one: from the repository's history, run by this environment's Python."""

import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Sequence
from io import BytesIO
from pathlib import Path

import pytest

LAST_IN_TRANSACTIONS = "05bbd84"
"""The last commit whose primary writes in transactions whatever the cluster."""

_ROOT = Path(__file__).parents[2]
PREVIOUS = (_ROOT / "tests" / "previous").read_text().strip()
"""The commit of the release before this one: nodes of both run together while a release is rolled out."""
_WHOLE: Sequence[str] = ()
THIS = (sys.executable, "-m", "karapace_like")


def extract(commit: str, folder: Path) -> Sequence[str]:
    """Return the program of that commit; skips the test where the clone has no such commit."""
    _extract(commit, folder, ["karapace_like"])
    return _run_from(folder)


def install_wheel(commit: str, folder: Path) -> Sequence[str]:
    """Build a wheel of that commit, unpack it, and return its program; skips as `extract`."""
    source, wheels, installed = folder / "source", folder / "wheels", folder / "installed"
    _extract(commit, source, _WHOLE)
    building = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", "--no-index"]
    subprocess.run([*building, "--wheel-dir", str(wheels), str(source)], check=True)
    (wheel,) = wheels.glob("karapace_like-*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(installed)
    return _run_from(installed)


def _extract(commit: str, folder: Path, paths: Sequence[str]) -> None:
    found = subprocess.run(
        ["git", "-C", str(_ROOT), "archive", "--format=tar", commit, *paths], capture_output=True, check=False
    )
    if found.returncode:
        pytest.skip(f"the clone does not hold the commit {commit}: {found.stderr.decode().strip()}")
    with tarfile.open(fileobj=BytesIO(found.stdout)) as archive:
        archive.extractall(folder, filter="data")


def _run_from(folder: Path) -> Sequence[str]:
    return "env", "-C", str(folder), *THIS
