"""What the scripts that vendor libraries share: npm, and the files of a package."""

import hashlib
import json
import subprocess
import sys
import tarfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any


def run_npm(*arguments: str, folder: Path | None = None) -> Any:
    """Run npm and return what it answers as JSON."""
    command = ["npm", *arguments, "--json"]
    done = subprocess.run(command, capture_output=True, check=True, cwd=folder)  # noqa: S603 - as documented
    return json.loads(done.stdout)


def read_files(archive: Path, names: Iterable[str]) -> dict[str, bytes]:
    """Return these files of a packed package."""
    with tarfile.open(archive) as package:
        return {name: _read_member(package, f"package/{name}") for name in names}


def hash_files(contents: Mapping[str, bytes]) -> dict[str, str]:
    """Return the SHA-256 of each file."""
    return {name: hashlib.sha256(content).hexdigest() for name, content in contents.items()}


def _read_member(package: tarfile.TarFile, name: str) -> bytes:
    member = package.extractfile(name)
    if member is None:
        sys.exit(f"{name} is no file of the package.")
    return member.read()
