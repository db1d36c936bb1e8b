"""Vendor Swagger UI, the viewer behind `/docs`, from its npm package: `make viewer VERSION=5.35.0`.

npm verifies the package against the registry's checksum. The files are copied unchanged, and `manifest.json` beside
them records the package's version, licence and checksum, and the SHA-256 of each file; tests/web/test_docs_page.py
verifies those.
"""

import hashlib
import json
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path
from typing import Any

PACKAGE = "swagger-ui-dist"
TARGET = Path(__file__).parents[1] / "karapace_like" / "web" / "operations" / "docs" / "swagger-ui"
FILES = ("swagger-ui-bundle.js", "swagger-ui-bundle.js.LICENSE.txt", "swagger-ui.css", "LICENSE", "NOTICE")


def main() -> None:
    """Write the files and the manifest of the version that the command line names, the latest by default."""
    version = sys.argv[1] if len(sys.argv) > 1 else "latest"
    package = f"{PACKAGE}@{version}"
    described = _npm("view", package, "name", "version", "license", "dist.integrity")
    with tempfile.TemporaryDirectory() as folder:
        packed = _npm("pack", package, "--ignore-scripts", "--pack-destination", folder)[0]
        if packed["integrity"] != described["dist.integrity"]:
            sys.exit(f"{packed['filename']} has another checksum than the registry states.")
        contents = _read_files(Path(folder, packed["filename"]))
    TARGET.mkdir(parents=True, exist_ok=True)
    for name, content in contents.items():
        (TARGET / name).write_bytes(content)
    manifest = {
        "package": described["name"],
        "version": described["version"],
        "licence": described["license"],
        "integrity": described["dist.integrity"],
        "sha256": {name: hashlib.sha256(content).hexdigest() for name, content in contents.items()},
    }
    (TARGET / "manifest.json").write_text(json.dumps(manifest, indent=2) + "\n")
    print(f"{described['name']} {described['version']}, {described['license']}")


def _read_files(archive: Path) -> dict[str, bytes]:
    with tarfile.open(archive) as package:
        return {name: _read_member(package, f"package/{name}") for name in FILES}


def _read_member(package: tarfile.TarFile, name: str) -> bytes:
    member = package.extractfile(name)
    if member is None:
        sys.exit(f"{name} is no file of the package.")
    return member.read()


def _npm(*arguments: str) -> Any:
    done = subprocess.run(["npm", *arguments, "--json"], capture_output=True, check=True)  # noqa: S603, S607 - as documented
    return json.loads(done.stdout)


if __name__ == "__main__":
    main()
