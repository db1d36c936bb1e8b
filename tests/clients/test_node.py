"""The Node clients against the service: the programs beside this file say what they do and expect."""

import hashlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.clients import protos
from tests.service_process import ServiceProcess

PROGRAMS = Path(__file__).parent / "node"
CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "karapace-like" / "node-clients"

pytestmark = [
    pytest.mark.long,
    pytest.mark.skipif(
        shutil.which("node") is None or shutil.which("npm") is None, reason="Node or npm is not installed"
    ),
]


@pytest.fixture(scope="module")
def modules() -> Path:
    """The locked packages, installed once for each state of the lock file."""
    lock = (PROGRAMS / "package-lock.json").read_bytes()
    folder = CACHE / hashlib.sha256(lock).hexdigest()[:16]
    if not folder.exists():
        CACHE.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=CACHE) as scratch:
            for name in ("package.json", "package-lock.json"):
                shutil.copy(PROGRAMS / name, scratch)
            run("npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", folder=Path(scratch))
            # Renamed when complete: what was interrupted is not taken for an installation.
            try:
                (Path(scratch) / "node_modules").rename(folder)
            except OSError:
                assert folder.exists()  # another process was faster
    return folder


def run(*command: str, folder: Path, **variables: str) -> None:
    """Run it to its end; what it says on its standard error is the message of a failure."""
    done = subprocess.run(command, cwd=folder, env=os.environ | variables, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_the_confluent_client_gets_what_it_expects(
    service: ServiceProcess, topic: Callable[[], str], modules: Path, tmp_path: Path
) -> None:
    """Every call of the client that reaches a route works, and so do its serializers.

    Passes if the program ends with 0.
    """
    name = topic()
    parcel = f"{name}-parcel.proto"
    descriptors = protos.compile_protos(tmp_path, {parcel: protos.PARCEL, "route.proto": protos.route(parcel)})
    run("node", "confluent.js", service.url, name, str(descriptors), folder=PROGRAMS, NODE_PATH=str(modules))


def test_the_kafkajs_client_gets_what_it_expects(
    service: ServiceProcess, topic: Callable[[], str], modules: Path
) -> None:
    """Every call of the client works in the three formats. Passes if the program ends with 0."""
    run("node", "kafkajs.js", service.url, topic(), folder=PROGRAMS, NODE_PATH=str(modules))
