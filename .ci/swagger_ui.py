"""Vendor Swagger UI, the viewer behind `/docs`, from its npm package: `make viewer VERSION=5.35.0`.

npm verifies the package against the registry's checksum. The files are copied unchanged, and `manifest.json` beside
them records the package's version, licence and checksum, and the SHA-256 of each file; tests/web/test_docs_page.py
verifies those.
"""

import json
import sys
import tempfile
from pathlib import Path

from npm_packages import hash_files, read_files, run_npm

PACKAGE = "swagger-ui-dist"
TARGET = Path(__file__).parents[1] / "karapace_like" / "web" / "operations" / "docs" / "swagger-ui"
FILES = ("swagger-ui-bundle.js", "swagger-ui-bundle.js.LICENSE.txt", "swagger-ui.css", "LICENSE", "NOTICE")


def main() -> None:
    """Write the files and the manifest of the version that the command line names, the latest by default."""
    version = sys.argv[1] if len(sys.argv) > 1 else "latest"
    package = f"{PACKAGE}@{version}"
    described = run_npm("view", package, "name", "version", "license", "dist.integrity")
    with tempfile.TemporaryDirectory() as folder:
        packed = run_npm("pack", package, "--ignore-scripts", "--pack-destination", folder)[0]
        if packed["integrity"] != described["dist.integrity"]:
            sys.exit(f"{packed['filename']} has another checksum than the registry states.")
        contents = read_files(Path(folder, packed["filename"]), FILES)
    TARGET.mkdir(parents=True, exist_ok=True)
    for name, content in contents.items():
        (TARGET / name).write_bytes(content)
    manifest = {
        "package": described["name"],
        "version": described["version"],
        "licence": described["license"],
        "integrity": described["dist.integrity"],
        "sha256": hash_files(contents),
    }
    (TARGET / "manifest.json").write_text(json.dumps(manifest, indent=2) + "\n")
    print(f"{described['name']} {described['version']}, {described['license']}")


if __name__ == "__main__":
    main()
